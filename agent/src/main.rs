//! The program `knarrd`.

use std::process::ExitCode;

fn main() -> ExitCode {
    knarrd::cli::main()
}
