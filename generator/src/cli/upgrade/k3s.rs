//! `knarr upgrade k3s`.

use super::super::{Done, open};
use crate::disk::Repo;
use crate::edit;
use crate::error::CliError;
use crate::fresh::write_material;
use crate::git::History;
use crate::k3s::{Authority, BadStep, Material, Version};
use crate::plan::{World, base, oldest};
use crate::recipients::recipients;
use crate::release::{Release, Releases};
use crate::render::{self, Compiled, today};
use crate::spec::{Lock, Pinned};
use crate::ui::Ui;
use knarr_node::item::{Minor, Source};
use knarr_node::name::{BadName, RepoPath};
use std::str::FromStr;

/// Pin a version of K3s, with the digests of its files
///
/// Digests come from the first of `mirrors` in cluster.yaml that has the version, else from the release address. Without
/// VERSION: the one that cluster.yaml says and knarr.lock does not know, else the newest of this minor version, else
/// the newest of the next one. Servers change one after the other, then agents; Kubernetes never goes back.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  knarr upgrade k3s\n  knarr upgrade k3s v1.37\n  knarr upgrade k3s v1.36.2+k3s1 && knarr plan"
)]
pub(super) struct Args {
    /// A version, e.g. v1.36.2+k3s1, or a minor version, e.g. v1.37: then its newest
    #[arg(value_name = "VERSION")]
    wanted: Option<Wanted>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Wanted {
    /// Exactly this.
    Version(Version),
    /// The newest of a minor version.
    Minor(Minor),
}

impl FromStr for Wanted {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        text.parse().map(Self::Minor).or_else(|_| text.parse().map(Self::Version))
    }
}

impl Wanted {
    /// Finds the version.
    pub(in crate::cli) fn find(self, releases: &Releases<'_>) -> Result<Version, CliError> {
        match self {
            Self::Version(version) => Ok(version),
            Self::Minor(minor) => Ok(releases.newest(Some(minor))?),
        }
    }
}

impl From<BadStep> for CliError {
    fn from(bad: BadStep) -> Self {
        Self::user(&bad).help(bad.help())
    }
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Done, CliError> {
    let repo = open(ui)?;
    let compiled = render::compile(&repo)?;
    if ["cluster.yaml", "knarr.lock"].iter().any(|path| compiled.spec.is_broken(path)) {
        return Err(render::show(&compiled.findings, &compiled.inputs, ui));
    }
    let now = Now::of(&compiled);
    let releases = Releases::new(&now.mirrors)?;
    let progress = ui.progress("looking for versions of K3s");
    let version = now.next(args.wanted, &releases)?;
    for from in now.pinned.into_iter().chain(running(&repo, &compiled)?) {
        from.step(version)?;
    }
    progress.step(format!("fetching the digests of K3s {version}"));
    let pinned = releases.digests(Release::K3s(version))?;
    drop(progress);
    write(&repo, &compiled, version, pinned, ui)
}

/// Returns the oldest version that machines may run by now: by what was last pushed.
fn running(repo: &Repo, compiled: &Compiled) -> Result<Option<Version>, CliError> {
    let branch = compiled.spec.cluster.as_ref().map_or("main", |cluster| cluster.git.branch.as_str());
    let Some(history) = History::open(repo.root()) else { return Ok(None) };
    let Some(pushed) = base(&history, branch) else { return Ok(None) };
    Ok(oldest(&World::of_commit(&history, &pushed)?))
}

/// How the repository is now.
struct Now {
    mirrors: Vec<Source>,
    /// What cluster.yaml says.
    says: Option<Version>,
    /// What knarr.lock knows.
    pinned: Option<Version>,
}

impl Now {
    fn of(compiled: &Compiled) -> Self {
        let cluster = compiled.spec.cluster.as_ref();
        // One that cannot be read is a finding, which does not hold this up.
        let mirrors = cluster.iter().flat_map(|cluster| &cluster.mirrors);
        let mirrors = mirrors.filter_map(|word| word.trim_end_matches('/').parse().ok()).collect();
        let says = cluster.and_then(|it| it.k3s.as_ref()?.version.parse().ok());
        let pinned = compiled.spec.lock.of("k3s").filter_map(|(version, _)| version.parse().ok()).max();
        Self { mirrors, says, pinned }
    }

    fn next(&self, wanted: Option<Wanted>, releases: &Releases<'_>) -> Result<Version, CliError> {
        match (wanted, self.says, self.pinned) {
            (Some(wanted), _, _) => wanted.find(releases),
            (None, Some(says), pinned) if pinned != Some(says) => Ok(says),
            (None, _, Some(pinned)) => newest_after(pinned, releases),
            (None, _, None) => Ok(releases.newest(None)?),
        }
    }
}

/// Returns the newest version of the same minor version, or of the next one when that is the newest already.
fn newest_after(pinned: Version, releases: &Releases<'_>) -> Result<Version, CliError> {
    let same = releases.newest(Some(pinned.minor))?;
    if same > pinned {
        return Ok(same);
    }
    // Not every minor version has a successor yet.
    Ok(releases.newest(Some(pinned.minor.next())).unwrap_or(pinned))
}

fn write(
    repo: &Repo,
    compiled: &Compiled,
    version: Version,
    pinned: Pinned,
    ui: &Ui,
) -> Result<Done, CliError> {
    let material = material(repo, compiled)?;
    let mut lock: Lock = compiled.spec.lock.clone();
    let (text, archs) = (version.to_string(), pinned.archs());
    lock.pin("k3s", &text, pinned);
    let says = compiled.spec.cluster.as_ref().and_then(|it| it.k3s.as_ref()).map(|it| it.version.as_str());
    if lock == compiled.spec.lock && says == Some(&text) && !material {
        ui.done(format_args!("K3s {version} is pinned already, and nothing newer is there"));
        return Ok(Done::Fine);
    }
    cluster(repo, compiled, &text)?; // first: what it says is pinned by the next try, if this one ends here
    repo.write_spec(&path("knarr.lock"), "lock", &lock)?;
    ui.done(format_args!("pinned K3s {version} for {archs} in knarr.lock and cluster.yaml"));
    if material {
        ui.done("made K3s's authorities and tokens in secrets/");
    }
    ui.say("Next: knarr plan, then knarr ship");
    Ok(Done::Fine)
}

/// Makes authorities and tokens where there is none of them; returns whether it did.
fn material(repo: &Repo, compiled: &Compiled) -> Result<bool, CliError> {
    let there = |path: String| compiled.inputs.get(&path).is_some();
    let certificates = Authority::ALL.iter().map(|ca| ca.certificate().to_string());
    let secrets = Material::names().map(|name| format!("secrets/{name}.age"));
    if certificates.chain(secrets).any(there) {
        return Ok(false);
    }
    let Some(cluster) = &compiled.spec.cluster else { return Ok(false) };
    let name = cluster.name.parse().map_err(CliError::user)?;
    write_material(repo, &Material::new(&name, today())?, |name| recipients(&compiled.spec, name))?;
    Ok(true)
}

/// Writes the version into cluster.yaml, and keeps what people wrote around it.
fn cluster(repo: &Repo, compiled: &Compiled, version: &str) -> Result<(), CliError> {
    let path = path("cluster.yaml");
    let Some(cluster) = &compiled.spec.cluster else { return Ok(()) };
    let text = compiled.inputs.text("cluster.yaml").unwrap_or_default();
    match edit::with_k3s(&path, text, cluster, version) {
        Ok(edited) => Ok(repo.write(&path, edited.as_bytes())?),
        Err(whole) => Ok(repo.write_spec(&path, "cluster", &*whole)?),
    }
}

fn path(text: &str) -> RepoPath {
    text.parse().expect("it is a path in the repository")
}
