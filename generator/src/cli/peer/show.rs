//! `knarr peer list` and `knarr peer show`.

use super::super::node::proven;
use super::super::{Done, open};
use super::unknown;
use crate::device::{ELSEWHERE, configuration};
use crate::error::CliError;
use crate::model::Peer;
use crate::render::today;
use crate::ui::Ui;
use knarr_node::name::PeerName;
use serde::Serialize;

/// List the devices of the repository
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr peer list --output json")]
pub(super) struct List {}

/// Show a device's configuration, without the private key, which only the device has
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  knarr peer show x1")]
pub(super) struct Args {
    /// The device's name
    name: PeerName,
}

/// One device, for programs.
#[derive(Debug, Serialize)]
struct Row<'a> {
    peer: &'a PeerName,
    owner: String,
    mesh: String,
    via: String,
    reach: Vec<String>,
    until: Option<String>,
    over: bool,
    key: String,
}

impl<'a> Row<'a> {
    fn of(peer: &'a PeerName, Peer { owner, device }: &Peer) -> Self {
        Self {
            peer,
            owner: owner.to_string(),
            mesh: device.ip.to_string(),
            via: device.via.to_string(),
            reach: device.reach.iter().map(ToString::to_string).collect(),
            until: device.until.map(|day| day.to_string()),
            over: device.until.is_some_and(|last| last < today()),
            key: device.key.to_string(),
        }
    }

    fn line(&self) -> [String; 6] {
        let until = self.until.clone().unwrap_or_else(|| "never".to_owned());
        let until = if self.over { format!("{until} (over)") } else { until };
        [
            self.peer.to_string(),
            self.owner.clone(),
            self.mesh.clone(),
            self.via.clone(),
            self.reach.join(" "),
            until,
        ]
    }
}

pub(super) fn list(ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (_, model) = proven(&repo, ui)?;
    let rows: Vec<Row<'_>> = model.peers.iter().map(|(name, peer)| Row::of(name, peer)).collect();
    if ui.json() {
        ui.value(&rows);
    } else if rows.is_empty() {
        ui.say("no devices yet: knarr peer add NAME");
    } else {
        let lines: Vec<[String; 6]> = rows.iter().map(Row::line).collect();
        ui.table(["PEER", "OWNER", "MESH", "VIA", "REACH", "UNTIL"], &lines);
    }
    Ok(Done::Fine)
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (_, model) = proven(&repo, ui)?;
    let Some(peer) = model.peers.get(&args.name) else {
        return Err(unknown(&args.name, model.peers.keys().map(PeerName::as_str)));
    };
    if ui.json() {
        ui.value(&Row::of(&args.name, peer));
        return Ok(Done::Fine);
    }
    ui.table(["PEER", "OWNER", "MESH", "VIA", "REACH", "UNTIL"], &[Row::of(&args.name, peer).line()]);
    if let Some(text) = configuration(&model.directory, &peer.device, ELSEWHERE) {
        ui.say(format_args!("\n{}", text.trim_end()));
    }
    Ok(Done::Fine)
}
