//! `knarr`: see the library of the same name.

use knarr::cli::{Cli, Done, run};
use knarr::error::CliError;
use knarr::kubeseal;
use knarr::tame::tame;
use std::io::Write;
use std::panic::UnwindSafe;
use std::process::ExitCode;

/// See [ADR 0023](../../docs/adr/0023-programs-are-static.md).
#[cfg(target_env = "musl")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if kubeseal::is_called() { as_kubeseal() } else { as_knarr() }
}

fn as_kubeseal() -> ExitCode {
    let words = std::env::args_os().skip(1);
    let args = match kubeseal::Args::read(words, |name| std::env::var_os(name)) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * 2); // as kubeseal's parser does
        }
    };
    match guarded(|| kubeseal::run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

fn as_knarr() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr())); // 2, which clap would say, means changes
        }
    };
    match guarded(|| run(&cli)) {
        Ok(Done::Fine) => ExitCode::SUCCESS,
        Ok(Done::Changes) => ExitCode::from(2),
        Err(error) => {
            tell(&error);
            ExitCode::from(error.code())
        }
    }
}

/// Makes an error of a panic.
fn guarded<T>(work: impl FnOnce() -> Result<T, CliError> + UnwindSafe) -> Result<T, CliError> {
    std::panic::catch_unwind(work).unwrap_or_else(|_| {
        Err(CliError::bug("this should not have been possible")
            .help("please report it with the lines above and what you typed"))
    })
}

fn tell(error: &CliError) {
    let mut err = std::io::stderr();
    if !error.message.is_empty() {
        let _ = writeln!(err, "error: {}", tame(&error.message));
    }
    if let Some(help) = &error.help {
        let _ = writeln!(err, "help: {}", tame(help));
    }
}
