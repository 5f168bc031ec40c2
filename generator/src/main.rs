//! `knarr`: see the library of the same name.

use clap::Parser;
use knarr::cli::{Cli, Done, run};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(Done::Fine) => ExitCode::SUCCESS,
        Ok(Done::Changes) => ExitCode::from(2),
        Err(error) => {
            let mut err = std::io::stderr();
            if !error.message.is_empty() {
                let _ = writeln!(err, "error: {}", error.message);
            }
            if let Some(help) = &error.help {
                let _ = writeln!(err, "help: {help}");
            }
            ExitCode::from(error.code())
        }
    }
}
