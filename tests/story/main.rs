//! `make test`: all scenarios, or those whose names are given. Says at its end "N passed, N failed, N skipped".

use std::process::ExitCode;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    knarr_tests::story::test(&wanted)
}
