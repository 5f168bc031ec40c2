//! `knarr app add`.

use super::super::node::proven;
use super::super::{Done, open};
use super::path;
use crate::disk::{DiskError, Inputs, spec_text};
use crate::error::CliError;
use crate::finding::Severity;
use crate::image::Image;
use crate::render::{prove, show};
use crate::spec::{self, At};
use crate::template;
use crate::ui::Ui;
use knarr_node::name::{AppName, DomainName, Namespace, RepoPath};
use knarr_node::net::Port;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Add an app: write apps/NAME.yaml, and manifests to edit in apps/NAME/
///
/// With `--image` the manifests are a Deployment, with `--port` a Service too, with `--host` an Ingress too. With
/// `--path` they are copies of the YAML and JSON files of a folder.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr app add shop --image registry.harbor.example/shop:1.4 --port 8080 --host shop\n  knarr app add wiki --path ../wiki/deploy --namespace docs"
)]
pub(super) struct Args {
    /// The app's name
    name: AppName,
    /// The image that it runs
    #[arg(long, required_unless_present = "path", conflicts_with = "path")]
    image: Option<Image>,
    /// The port on which it serves HTTP
    #[arg(long, requires = "image")]
    port: Option<Port>,
    /// Where people find it: a name below the cluster's domain, or a whole one
    #[arg(long)]
    host: Option<DomainName>,
    /// A folder with its manifests
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// The namespace; else the app's name
    #[arg(long, short)]
    namespace: Option<Namespace>,
}

/// Files to write, by path.
type Files = BTreeMap<RepoPath, Vec<u8>>;

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let (compiled, _) = proven(&repo, ui)?;
    let files = files(args)?;
    if let Some(there) = there(&args.name, &files, &compiled.inputs) {
        return Err(CliError::user(format!("`{there}` is there already"))
            .help(format!("choose another name, or: knarr app remove {}", args.name)));
    }
    let mut inputs = compiled.inputs.clone();
    inputs.files.extend(files.clone());
    let proven = prove(inputs);
    if proven.findings.count(Severity::Error) > 0 {
        return Err(show(&proven.findings, &proven.inputs, ui));
    }
    // The app's own file makes it one, so it is the last.
    for (path, bytes) in files.iter().filter(|(path, _)| **path != self::path(&args.name)) {
        repo.write(path, bytes)?;
    }
    repo.write(&self::path(&args.name), &files[&self::path(&args.name)])?;
    let wrote: Vec<&RepoPath> = files.keys().collect();
    if ui.json() {
        ui.value(&serde_json::json!({ "app": args.name, "wrote": wrote }));
    }
    for path in wrote {
        ui.done(format_args!("wrote {path}"));
    }
    if compiled.spec.cluster.as_ref().is_some_and(|cluster| cluster.k3s.is_none()) {
        ui.note("note: no machine runs K3s yet, so nothing runs this app: write `k3s: {version: …}` in cluster.yaml");
    }
    ui.say("Next: edit them, then knarr ship");
    Ok(Done::Fine)
}

/// Returns a file that the app would have and somebody else has. Manifests that are the same are no obstacle: a program that
/// was killed leaves them.
fn there<'a>(app: &AppName, files: &Files, inputs: &'a Inputs) -> Option<&'a RepoPath> {
    let folder = format!("apps/{app}/");
    let there = |(path, bytes): &(&RepoPath, &Vec<u8>)| {
        **path == self::path(app) || (path.as_str().starts_with(&folder) && files.get(*path) != Some(bytes))
    };
    inputs.files.iter().find(there).map(|(path, _)| path)
}

fn files(args: &Args) -> Result<Files, CliError> {
    let mut files = match (&args.image, &args.path) {
        (Some(image), _) => made(args, image)?,
        (None, Some(folder)) => copied(&args.name, folder)?,
        (None, None) => Files::new(),
    };
    let namespace = args.namespace.as_ref().map_or(args.name.as_str(), Namespace::as_str);
    let app = spec::App {
        namespace: namespace.into(),
        host: args.host.as_ref().map(|host| At::from(host.as_str())),
        ..spec::App::default()
    };
    let path = path(&args.name);
    let text = spec_text(&path, "app", &app)?;
    files.insert(path, text.into_bytes());
    Ok(files)
}

/// Returns the manifests of an image.
fn made(args: &Args, image: &Image) -> Result<Files, CliError> {
    if args.host.is_some() && args.port.is_none() {
        return Err(CliError::user("an app with a host serves HTTP on a port").help("add --port PORT"));
    }
    let port = args.port.map(|port| port.to_string()).unwrap_or_default();
    let words = [("name", args.name.as_str()), ("image", image.as_str()), ("port", port.as_str())];
    let parts = [
        ("deployment", template::DEPLOYMENT, true),
        ("service", template::SERVICE, args.port.is_some()),
        ("ingress", template::INGRESS, args.host.is_some()),
    ];
    let file = |(part, text): (&str, &str)| {
        (place(&args.name, &format!("{part}.yaml")), template::fill(text, &words).into_bytes())
    };
    Ok(parts.into_iter().filter(|(_, _, wanted)| *wanted).map(|(part, text, _)| file((part, text))).collect())
}

/// Returns copies of the manifests of a folder, not of those below it.
fn copied(app: &AppName, folder: &Path) -> Result<Files, CliError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |source| DiskError::Io { doing: "read", path, source }
    };
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder).map_err(fault(folder))? {
        let path = entry.map_err(fault(folder))?.path();
        let name = path.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
        let is_manifest = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
        if path.is_file() && is_manifest {
            files.insert(place(app, name), std::fs::read(&path).map_err(fault(&path))?);
        }
    }
    if files.is_empty() {
        return Err(CliError::user(format!("there is no manifest in `{}`", folder.display()))
            .help("name a folder with .yaml, .yml or .json files"));
    }
    Ok(files)
}

fn place(app: &AppName, file: &str) -> RepoPath {
    format!("apps/{app}/{file}").parse().expect("names have no slashes")
}

#[cfg(test)]
mod tests;
