//! The command line: one file a command, each only wiring.

mod app;
mod approve;
mod check;
mod completions;
mod doctor;
mod explain;
mod kubeconfig;
mod kubeseal_link;
mod land;
mod mend;
mod new;
mod node;
mod origin;
mod peer;
mod people;
mod plan;
mod render;
mod reseal;
mod seal;
mod sealing_key;
mod secret;
mod setup;
mod ship;
mod ssh;
mod status;
mod unseal;
mod up;
mod upgrade;
mod validate;

use crate::disk::Repo;
use crate::error::CliError;
use crate::setup::is_set_up;
use crate::spec;
use crate::ui::{Format, Ui};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use knarr_node::name::ClusterName;

/// Turn one git repository into running machines
#[derive(Debug, Parser)]
#[command(name = "knarr", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How to print: for people, or as JSON
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    New(new::Args),
    Up(up::Args),
    Setup(setup::Args),
    Render(render::Args),
    Check(check::Args),
    Explain(explain::Args),
    Node(node::Args),
    Peer(peer::Args),
    People(people::Args),
    App(app::Args),
    Plan(plan::Args),
    Ship(ship::Args),
    Land(land::Args),
    Ssh(ssh::Args),
    Status(status::Args),
    Approve(approve::Args),
    Mend(mend::Args),
    Upgrade(upgrade::Args),
    Doctor(doctor::Args),
    Origin(origin::Args),
    Kubeconfig(kubeconfig::Args),
    Secret(secret::Args),
    Seal(seal::Args),
    Unseal(unseal::Args),
    Reseal(reseal::Args),
    Validate(validate::Args),
    SealingKey(sealing_key::Args),
    KubesealLink(kubeseal_link::Args),
    Completions(completions::Args),
}

impl Cli {
    /// Reads the command line. Building all commands takes longer than many a command, so at first only the typed one is;
    /// help and refusals speak of the others, too.
    ///
    /// # Errors
    /// What is to be printed instead of running a command.
    pub fn read() -> Result<Self, clap::Error> {
        Self::try_parse().or_else(|_| Self::from_arg_matches(&Self::whole().try_get_matches()?))
    }

    /// Returns all commands as they are documented.
    pub fn whole() -> clap::Command {
        let mut whole = Self::command();
        whole.build();
        whole
    }
}

/// How a command ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing more to say: exit code 0.
    Fine,
    /// There are changes: exit code 2.
    Changes,
}

/// Finds the repository, and says when this clone was not set up; that of a CI service never is.
fn open(ui: &Ui) -> Result<Repo, CliError> {
    let repo = Repo::open()?;
    if !ui.ci() && !is_set_up(&repo) {
        ui.note("note: this clone is not set up: type `knarr setup`");
    }
    Ok(repo)
}

/// Returns the name of the cluster, by which the operator's identity is found.
fn cluster_name(cluster: Option<&spec::Cluster>) -> Result<ClusterName, CliError> {
    let name = cluster.and_then(|cluster| cluster.name.parse().ok());
    name.ok_or_else(|| CliError::user("cluster.yaml names no cluster").help("knarr check"))
}

/// Runs a command line.
pub fn run(cli: &Cli) -> Result<Done, CliError> {
    let ui = Ui::new(cli.output, false);
    fits(ui.format, &cli.command)?;
    match &cli.command {
        Command::New(args) => new::run(args, &ui),
        Command::Up(args) => up::run(args, &ui),
        Command::Origin(args) => origin::run(args, &ui),
        Command::Setup(args) => setup::run(args, &ui),
        Command::Render(args) => render::run(args, &ui),
        Command::Check(args) => check::run(args, &ui),
        Command::Explain(args) => explain::run(args, &ui),
        Command::Node(args) => node::run(args, &ui),
        Command::Peer(args) => peer::run(args, &ui),
        Command::People(args) => people::run(args, &ui),
        Command::App(args) => app::run(args, &ui),
        Command::Kubeconfig(args) => kubeconfig::run(args, &ui),
        Command::Plan(args) => plan::run(args, &ui),
        Command::Ship(args) => ship::run(args, &ui),
        Command::Land(args) => land::run(args, &ui),
        Command::Ssh(args) => ssh::run(args, &ui),
        Command::Status(_) => status::run(&ui),
        Command::Approve(args) => approve::run(args, &ui),
        Command::Mend(args) => mend::run(args, &ui),
        Command::Upgrade(args) => upgrade::run(args, &ui),
        Command::Doctor(args) => doctor::run(args, &ui),
        Command::Secret(args) => secret::run(args, &ui),
        Command::Seal(args) => seal::run(args, &ui),
        Command::Unseal(args) => unseal::run(args, &ui),
        Command::Reseal(args) => reseal::run(args, &ui),
        Command::Validate(args) => validate::run(args, &ui),
        Command::SealingKey(args) => sealing_key::run(args, &ui),
        Command::KubesealLink(args) => kubeseal_link::run(args, &ui),
        Command::Completions(args) => Ok(completions::run(args)),
    }
}

/// Refuses a format that the command does not have.
fn fits(format: Format, command: &Command) -> Result<(), CliError> {
    match format {
        Format::Github | Format::Gitlab if !matches!(command, Command::Check(_)) => {
            Err(CliError::user("CI services are told of findings only").help("use it with `knarr check`"))
        }
        Format::Markdown if !matches!(command, Command::Plan(args) if args.is_offline()) => {
            Err(CliError::user("only a plan is written as Markdown").help("use it with `knarr plan A..B`"))
        }
        Format::Text | Format::Json | Format::Github | Format::Gitlab | Format::Markdown => Ok(()),
    }
}
