//! `knarr node import`.

use super::super::{Done, open};
use super::file::path;
use crate::disk::{Repo, spec_text};
use crate::edit::with_place;
use crate::error::CliError;
use crate::import::{
    Change, Difference, Field, Format, LARGEST, Machine, Mapping, Record, SOURCES, Source, Sources,
    difference, machines, read, sources_text,
};
use crate::render::{compile, show};
use crate::spec::{Node, Spec, parse};
use crate::ui::{Ui, counted};
use knarr_node::name::{NodeName, RepoPath};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;

/// Take machines from what Terraform, OpenStack or Hetzner's CLI list, from CSV, or from wg-meshconf
///
/// Shows which field of the list means what, and which machines are new, at another place, or gone. Asks, and writes
/// nodes/NAME.yaml; `knarr node add NAME` enrols them then. Machines that are gone are never removed: the line to type is said.
/// The meaning of the fields is kept in .knarr/import.yaml. Private keys of wg-meshconf are not taken.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  terraform output -json | knarr node import - --yes\n  hcloud server list -o json > servers.json && knarr node import servers.json\n  knarr node import servers.json --map address=private_net.0.ip --map user==debian"
)]
pub(super) struct Args {
    /// The list; - is standard input
    #[arg(value_name = "FILE|-")]
    list: PathBuf,
    /// What wrote it; without it, what it looks like
    #[arg(long, value_enum)]
    from: Option<Format>,
    /// A name for where these machines come from; without it, that of the format
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Which field means what; `==` gives a word for all machines, e.g. user==debian
    #[arg(long, value_name = "name|address|private|user|role|arch|region=FIELD")]
    map: Vec<Meaning>,
    /// Show all and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// One meaning as it is typed.
#[derive(Debug, Clone)]
struct Meaning(Field, String);

impl FromStr for Meaning {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (field, path) = text.split_once('=').ok_or("write KEY=FIELD, e.g. address=public_ip")?;
        let known = Field::ALL.map(|field| field.to_string()).join(", ");
        let field = Field::ALL.into_iter().find(|known| known.to_string() == field);
        Ok(Self(field.ok_or_else(|| format!("the first word is one of {known}"))?, path.to_owned()))
    }
}

/// What an import comes to.
struct Import {
    name: String,
    source: Source,
    records: Vec<Record>,
    machines: Vec<Machine>,
    difference: Difference,
    /// The files to write.
    files: BTreeMap<RepoPath, String>,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let (repo, ui) = (open(ui)?, ui.assume(args.yes));
    let bytes = list(args)?;
    let compiled = compile(&repo)?;
    if compiled.findings.refuse() {
        return Err(show(&compiled.findings, &compiled.inputs, &ui));
    }
    let import = import(args, &repo, &compiled.spec, &bytes)?;
    tell(&import, &ui);
    let wrote = !args.dry_run && !import.files.is_empty();
    if wrote {
        if !ui.ask(&format!("Write {}?", counted(import.files.len(), "file")))? {
            return Err(CliError::user("nothing was written"));
        }
        for (path, text) in &import.files {
            repo.write(path, text.as_bytes())?;
        }
    }
    close(&import, wrote, &ui);
    Ok(Done::Fine)
}

/// Reads the list, unless it is larger than any list of machines.
fn list(args: &Args) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let shown = args.list.display();
    let read = if args.list.as_os_str() == "-" {
        std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(&args.list).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        CliError::user(format!("cannot read `{shown}`: {error}")).help("name a file, or - for standard input")
    })?;
    if bytes.len() as u64 > LARGEST {
        return Err(CliError::user(format!("`{shown}` has over {} MiB", LARGEST >> 20))
            .help("give the list of machines alone, e.g. `terraform output -json` and not the state"));
    }
    Ok(bytes)
}

/// Finds out what is to be written; writes nothing.
fn import(args: &Args, repo: &Repo, spec: &Spec, bytes: &[u8]) -> Result<Import, CliError> {
    let mut sources = sources(repo)?;
    let stored = |name: &str| sources.get(name).cloned();
    let typed = args.source.as_deref().and_then(stored);
    let (format, records) = read(bytes, args.from.or(typed.map(|source| source.from)))?;
    let name = args.source.clone().unwrap_or_else(|| format.to_string());
    let before = stored(&name);
    let mut map = before.as_ref().map_or_else(|| Mapping::guess(&records), |source| source.map.clone());
    map.0.extend(args.map.iter().map(|Meaning(field, path)| (*field, path.clone())));
    let machines = machines(&records, &map)?;
    let known = before.map(|source| source.machines).unwrap_or_default();
    let difference = difference(spec, &machines, &known);
    let listed: BTreeSet<String> = machines.iter().map(|machine| machine.name.to_string()).collect();
    // Who vanished is said until the file is gone.
    let came = listed.into_iter().chain(difference.vanished.iter().cloned()).collect();
    let source = Source { from: format, map, machines: came };
    sources.insert(name.clone(), source.clone());
    let files = files(repo, &difference, &sources)?;
    Ok(Import { name, source, records, machines, difference, files })
}

fn sources(repo: &Repo) -> Result<Sources, CliError> {
    let Some(bytes) = repo.read(SOURCES)? else { return Ok(Sources::new()) };
    parse(&known(SOURCES), &bytes).map_err(|finding| {
        CliError::user(format!("{SOURCES}: {}", finding.fault.message())).help(finding.fault.help())
    })
}

fn known(path: &str) -> RepoPath {
    path.parse().expect("it is a path in the repository")
}

/// Returns the files that differ from those on the disk.
fn files(
    repo: &Repo,
    difference: &Difference,
    sources: &Sources,
) -> Result<BTreeMap<RepoPath, String>, CliError> {
    let mut files = BTreeMap::new();
    for change in &difference.changes {
        let (path, text) = match change {
            Change::New(machine) => (path(&machine.name), None),
            Change::Moved(name, old, new) => {
                let name: NodeName = name.parse().map_err(CliError::bug)?;
                let there = super::file::text(repo, &name)?;
                (path(&name), with_place(&path(&name), &there, old, new))
            }
        };
        let text = match (text, change) {
            (Some(text), _) => text,
            (None, Change::New(machine)) => spec_text(&path, "node", &machine.node())?,
            (None, Change::Moved(_, _, new)) => spec_text(&path, "node", new)?,
        };
        files.insert(path, text);
    }
    let text = sources_text(sources).map_err(CliError::bug)?;
    if repo.read(SOURCES)?.as_deref() != Some(text.as_bytes()) {
        files.insert(known(SOURCES), text);
    }
    Ok(files)
}

/// One machine of the list, for people and programs.
#[derive(Debug, Serialize)]
struct Row {
    node: String,
    /// Its name in the list, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    called: Option<String>,
    change: &'static str,
    address: Option<String>,
    ssh: Option<String>,
    /// What to type.
    #[serde(skip_serializing_if = "Option::is_none")]
    way_out: Option<String>,
}

impl Row {
    fn of(node: &Node, name: &str, change: &'static str, called: Option<String>) -> Self {
        let text = |word: &Option<crate::spec::At<String>>| word.as_ref().map(|word| word.value.clone());
        let way_out = (change == "new").then(|| format!("knarr node add {name}"));
        Self {
            node: name.to_owned(),
            called,
            change,
            address: text(&node.address),
            ssh: text(&node.ssh),
            way_out,
        }
    }

    fn line(&self) -> [String; 4] {
        let named = self.called.as_ref().map(|called| format!(" (there: {called})")).unwrap_or_default();
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        [self.node.clone() + &named, self.change.to_owned(), or_none(&self.address), or_none(&self.ssh)]
    }
}

fn rows(import: &Import) -> Vec<Row> {
    let called = |name: &str| {
        let machine = import.machines.iter().find(|machine| machine.name.as_str() == name)?;
        Some(machine.called.clone()).filter(|called| called != name)
    };
    let changed = import.difference.changes.iter().map(|change| match change {
        Change::New(machine) => {
            Row::of(&machine.node(), machine.name.as_str(), "new", called(machine.name.as_str()))
        }
        Change::Moved(name, _, new) => Row::of(new, name, "changed", called(name)),
    });
    let gone = import.difference.vanished.iter().map(|name| Row {
        way_out: Some(format!("knarr node remove {name}")),
        ..Row::of(&Node::default(), name, "vanished", None)
    });
    changed.chain(gone).collect()
}

/// Shows what the fields mean, and what is new, changed and gone.
fn tell(import: &Import, ui: &Ui) {
    let map = &import.source.map;
    let meaning = |field: &Field| {
        let path = map.0.get(field)?;
        let from = if path.starts_with('=') { "(all)" } else { path.as_str() };
        let example = import.records.iter().find_map(|record| map.value(*field, record)).unwrap_or("-");
        Some([field.to_string(), from.to_owned(), example.to_owned()])
    };
    let meanings: Vec<[String; 3]> = Field::ALL.iter().filter_map(meaning).collect();
    ui.say(format_args!("{} from {}", counted(import.machines.len(), "machine"), import.name));
    ui.table(["MEANS", "FIELD", "E.G."], &meanings);
    let rows = rows(import);
    if !rows.is_empty() {
        ui.say("");
        ui.table(["NODE", "CHANGE", "ADDRESS", "SSH"], &rows.iter().map(Row::line).collect::<Vec<_>>());
    }
}

/// Says what was written, and what to type then.
fn close(import: &Import, wrote: bool, ui: &Ui) {
    let rows = rows(import);
    let paths: Vec<&RepoPath> = import.files.keys().collect();
    if ui.json() {
        ui.value(&serde_json::json!({
            "source": import.name, "from": import.source.from, "map": import.source.map, "machines": rows,
            "wrote": if wrote { paths.clone() } else { Vec::new() },
        }));
    }
    if wrote {
        for path in &paths {
            ui.done(format_args!("wrote {path}"));
        }
    } else if paths.is_empty() {
        ui.done("nodes/ is as the list says");
    }
    let new: Vec<&str> = rows.iter().filter(|row| row.change == "new").map(|row| row.node.as_str()).collect();
    for row in rows.iter().filter(|row| row.change == "vanished") {
        ui.say(format_args!(
            "{} is not there any more. If it is to go: knarr node remove {}",
            row.node, row.node
        ));
    }
    if wrote && !new.is_empty() {
        ui.say(format_args!("Next: knarr node add {}", new.join(" ")));
    }
}
