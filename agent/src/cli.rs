//! The command line: one file a command, wiring only. Exit codes are decided here and nowhere else.

mod boot;
mod completions;
mod contact;
mod enroll;
mod guard;
mod history;
mod once;
mod plan;
mod retry;
mod run;
mod started;
mod status;
mod trial;
mod undo;
mod units;

use crate::contact::Network;
use crate::converge::UndoError;
use crate::enroll::EnrollError;
use crate::fetch::Bounds;
use crate::host::{Fault, LinuxHost, Secrets, Settings};
use crate::identity::IdentityError;
use crate::listener::Listener;
use crate::lock::{LockError, take};
use crate::pass::{Ground, LookAround, PassError};
use crate::paths::Paths;
use clap::{Parser, Subcommand, ValueEnum};
use knarr_node::Act;
use knarr_node::causes::chain;
use knarr_node::report::{ClusterOutcome, Outcome, Report};
use std::io::{self, IsTerminal as _, Write as _};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Keeps this machine as a git repository says
///
/// After `enroll` the daemon follows the repository; the other commands look, or do one pass now.
#[derive(Debug, Parser)]
#[command(name = "knarrd", version, after_long_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0  done; the machine is as it should be
  1  the command or its input is wrong
  2  `plan` found changes
  3  the machine cannot do it: not root, a program missing, a full disk
  4  a fault of knarrd itself
  5  waiting for something else, e.g. a signature
  6  stalled or undone: a person must type something
  7  something failed; it is tried again by itself";

#[derive(Debug, Subcommand)]
enum Command {
    Enroll(enroll::Args),
    Run(run::Args),
    Boot(boot::Args),
    Once(once::Args),
    Plan(plan::Args),
    Status(status::Args),
    History(history::Args),
    Undo(undo::Args),
    Retry(retry::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Started(started::Args),
    #[command(hide = true)]
    Guard(guard::Args),
    #[command(hide = true)]
    Contact(contact::Args),
    #[command(hide = true)]
    Trial(trial::Args),
}

/// Where `knarr node add` installs knarrd.
const INSTALLED: &str = "/usr/local/bin/knarrd";

/// How a command writes its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Whose fault it is that a command failed, which is its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    User = 1,
    Environment = 3,
    Bug = 4,
}

/// A command that failed.
#[derive(Debug)]
struct CliError {
    kind: Kind,
    message: String,
    help: String,
}

impl CliError {
    fn new(kind: Kind, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: help.into() }
    }
}

impl From<PassError> for CliError {
    fn from(error: PassError) -> Self {
        let user = matches!(
            error,
            PassError::Identity(IdentityError::Missing(_))
                | PassError::Undo(UndoError::Nothing | UndoError::Never { .. })
        );
        Self::new(if user { Kind::User } else { Kind::Environment }, chain(&error), error.help())
    }
}

impl From<EnrollError> for CliError {
    fn from(error: EnrollError) -> Self {
        let user = matches!(error, EnrollError::Taken { .. });
        Self::new(if user { Kind::User } else { Kind::Environment }, chain(&error), error.help())
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        Self::new(Kind::Environment, chain(&error), error.help())
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::new(Kind::Environment, chain(&error), "df -h /var/lib/knarr, and systemctl status knarrd")
    }
}

/// Runs the program, and returns its exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    log();
    let bug = |_| {
        let help = "report it with the lines above: it is a fault of knarrd";
        Err(CliError::new(Kind::Bug, "knarrd came to a place where it never should be", help))
    };
    match catch_unwind(|| cli.command.run()).unwrap_or_else(bug) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // When nobody listens any more there is nothing left to say.
            let _ = writeln!(io::stderr(), "knarrd: {}\n  type: {}", error.message, error.help);
            ExitCode::from(error.kind as u8)
        }
    }
}

/// Prints help or what is wrong with the command line; clap's own exit code 2 means changes here.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { Kind::User as u8 } else { 0 })
}

/// The journal of systemd adds the time itself.
fn log() {
    let filter = tracing_subscriber::EnvFilter::builder().with_default_directive(tracing::Level::INFO.into());
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_target(false).without_time();
    log.with_ansi(io::stderr().is_terminal()).with_env_filter(filter.from_env_lossy()).init();
}

impl Command {
    fn run(&self) -> Result<u8, CliError> {
        match self {
            Self::Enroll(args) => enroll::run(args),
            Self::Run(args) => run::run(args),
            Self::Boot(args) => boot::run(args),
            Self::Once(args) => once::run(args),
            Self::Plan(args) => plan::run(args),
            Self::Status(args) => status::run(args),
            Self::History(args) => history::run(args),
            Self::Undo(args) => undo::run(args),
            Self::Retry(args) => retry::run(args),
            Self::Completions(args) => completions::run(args),
            Self::Started(args) => started::run(args),
            Self::Guard(args) => guard::run(args),
            Self::Contact(args) => contact::run(args),
            Self::Trial(args) => trial::run(args),
        }
    }
}

/// Returns the exit code that tells how a pass ended, for the machine first and then for the cluster.
fn code_of(report: &Report) -> u8 {
    let cluster = report.cluster.as_ref().filter(|_| report.outcome == Outcome::Converged);
    match cluster.map(|cluster| &cluster.how) {
        None | Some(ClusterOutcome::Converged | ClusterOutcome::Elsewhere) => code(&report.outcome),
        Some(ClusterOutcome::Waiting { .. }) => 5,
        Some(ClusterOutcome::Retry { .. }) => 7,
    }
}

/// Returns the exit code that tells how a pass ended.
fn code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Converged => 0,
        Outcome::Waiting(_) => 5,
        Outcome::Stalled { .. } | Outcome::Undone { .. } | Outcome::Lost(_) => 6,
        Outcome::Retry { .. } => 7,
    }
}

/// Writes to standard output; who closes it early has read enough.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{}", text.trim_end());
}

fn as_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("what we print is plain data with text keys")
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn paths() -> Paths {
    Paths::below("/")
}

/// Refuses early what only root can do.
fn need_root() -> Result<(), CliError> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(CliError::new(Kind::Environment, "only root can do this", "the same with sudo before it"))
}

fn settings(paths: &Paths) -> Result<Settings, CliError> {
    let program = std::env::current_exe()?;
    // The copy that boots the machine acts for the installed one: units call that at each start.
    let program = if program.starts_with(paths.kept("proven")) { INSTALLED.into() } else { program };
    let odd = |error: knarr_node::name::BadName| {
        CliError::new(Kind::Environment, error.to_string(), "install knarrd in /usr/local/bin")
    };
    paths.settings(&program).map_err(odd)
}

/// Opens this machine; without secrets for what only looks.
fn open(settings: &Settings, secrets: Secrets) -> Result<Box<dyn Act>, Fault> {
    Ok(Box::new(LinuxHost::open(settings.clone(), secrets)?))
}

fn look_around(settings: &Settings) -> Box<LookAround> {
    let program = settings.program.clone();
    Box::new(move |surroundings| Box::new(Network::new(surroundings, program.clone())))
}

/// Calls `act` with all that a pass needs, as root and alone on this machine.
fn on_ground<T>(act: impl FnOnce(&Ground) -> Result<T, PassError>) -> Result<T, CliError> {
    need_root()?;
    let paths = paths();
    let settings = settings(&paths)?;
    let lock = take(&paths, Duration::from_mins(5), || {
        let _ = writeln!(io::stderr(), "another pass is running; waiting for its end");
    })?;
    let look_around = look_around(&settings);
    let open = Box::new(move |secrets| open(&settings, secrets));
    // Nobody listens in this process: the daemon's listener hears of it in its own next pass.
    let listener = Arc::new(Listener::new(paths.clone()));
    let ground = Ground { lock, paths, bounds: Bounds::default(), open, look_around, listener, now: now() };
    Ok(act(&ground)?)
}

/// Keeps this knarrd for the next boot once it did a whole pass well.
fn keep_program(report: &Report, paths: &Paths) {
    if report.outcome == Outcome::Converged
        && let Err(error) = crate::boot::keep_program(paths)
    {
        tracing::warn!("the next boot runs an older knarrd: {}", chain(&error));
    }
}

/// Prints a report, and returns the exit code that fits.
fn print(report: &Report, output: Format) -> u8 {
    match output {
        Format::Text => say(&crate::status::text(report, now())),
        Format::Json => say(&as_json(report)),
    }
    code_of(report)
}
