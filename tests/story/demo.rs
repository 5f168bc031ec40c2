//! `make demo`: the story for a person who watches. With `sweep`, removes what earlier labs left instead.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("sweep") {
        knarr_tests::Lab::sweep();
        return ExitCode::SUCCESS;
    }
    knarr_tests::story::demo()
}
