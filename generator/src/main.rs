//! `knarr`: see the library of the same name.

use knarr::cli::{Cli, Done, run};
use knarr::error::CliError;
use knarr::tame::tame;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr())); // 2, which clap would say, means changes
        }
    };
    match std::panic::catch_unwind(|| run(&cli)) {
        Ok(ended) => exit(ended),
        Err(_) => exit(Err(CliError::bug("this should not have been possible")
            .help("please report it with the lines above and what you typed"))),
    }
}

fn exit(ended: Result<Done, CliError>) -> ExitCode {
    match ended {
        Ok(Done::Fine) => ExitCode::SUCCESS,
        Ok(Done::Changes) => ExitCode::from(2),
        Err(error) => {
            let mut err = std::io::stderr();
            if !error.message.is_empty() {
                let _ = writeln!(err, "error: {}", tame(&error.message));
            }
            if let Some(help) = &error.help {
                let _ = writeln!(err, "help: {}", tame(help));
            }
            ExitCode::from(error.code())
        }
    }
}
