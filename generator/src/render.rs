//! The pipeline: parse → Spec → Model → lower → Tree → diff → write. Reads as the list of its steps.

use crate::disk::{Inputs, Repo, Search};
use crate::emit::{Known, Near, Past, Sealed, Step, Tree, diff, outputs};
use crate::error::CliError;
use crate::finding::{self, Fault, Findings, Place};
use crate::git::History;
use crate::lower::{Lowered, MESH, lower};
use crate::model::{Model, cut, expired, names};
use crate::recipients;
use crate::seal;
use crate::secrets::{self, Identities};
use crate::since;
use crate::spec::Spec;
use crate::ui::{Format, Ui};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use knarr_node::mesh::Listing;
use knarr_node::name::{RepoPath, SecretName};
use knarr_node::outputs::{self as owned, Outputs};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A repository that was read and proven.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The files that people write.
    pub inputs: Inputs,
    /// What they say.
    pub spec: Spec,
    /// What is wrong with them.
    pub findings: Findings,
    /// What they mean; none when there is an error among the findings.
    pub model: Option<Model>,
}

/// Reads and proves a repository; nothing is decided about its outputs yet.
pub fn compile(repo: &Repo) -> Result<Compiled, CliError> {
    let (mut inputs, history) = (repo.inputs()?, History::open(repo.root()));
    let left_out = |path: &Path| history.as_ref().is_some_and(|history| history.leaves_out(path));
    repo.elsewhere(Search { words: &seal::check::WORDS, left_out: &left_out }, &mut inputs);
    let mut compiled = prove(inputs);
    if let Some(history) = history {
        since::check(&history, &compiled.spec, &mut compiled.findings);
    }
    Ok(compiled)
}

/// Proves a repository whose files were read.
pub fn prove(inputs: Inputs) -> Compiled {
    let mut findings = Findings::default();
    let spec = Spec::of(&inputs, &mut findings);
    let model = Model::of(&spec, &inputs, &mut findings);
    expired(&spec, model.as_ref(), today(), &mut findings);
    seal::held::ends(&inputs, today(), &mut findings);
    Compiled { inputs, spec, findings, model }
}

/// Returns the day, by which machines drop devices too.
pub fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// What a render would do.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The proven repository.
    pub model: Model,
    /// What its files say.
    pub spec: Spec,
    /// The files that people write.
    pub inputs: Inputs,
    /// Warnings; an error would have stopped it.
    pub findings: Findings,
    /// What machines and the cluster are to be, and the files that say so.
    pub lowered: Lowered,
    /// What must be written.
    pub steps: Vec<Step>,
    there: BTreeMap<RepoPath, Vec<u8>>,
    /// What programs that were killed left.
    unfinished: Vec<RepoPath>,
}

impl Prepared {
    /// Returns the paths that a render would write or remove, the list of outputs among them.
    pub fn paths(&self) -> Vec<RepoPath> {
        let mut paths: Vec<RepoPath> = self.steps.iter().map(|step| step.path().clone()).collect();
        let listed = self.there.get(owned::PATH).map(Vec::as_slice);
        let seals = self.steps.iter().any(|step| matches!(step, Step::Seal(..)));
        if seals || listed != Some(outputs(&self.lowered.tree, &self.there, &BTreeMap::new()).as_bytes()) {
            paths.push(list_path());
        }
        paths
    }
}

/// Warns of devices that know a node otherwise than it will be: by the directory that was rendered last.
fn cuts(tree: &Tree, new: &Listing, there: &BTreeMap<RepoPath, Vec<u8>>, findings: &mut Findings) {
    let is_new = |bytes: &&Vec<u8>| !tree.0.get(MESH).is_some_and(|output| output.is(bytes));
    let old = there.get(MESH).filter(is_new);
    let Some(old) = old.and_then(|bytes| serde_saphyr::from_slice::<Listing>(bytes).ok()) else { return };
    for (node, devices) in cut(&old, new) {
        let path: RepoPath = format!("nodes/{node}.yaml").parse().expect("a name has no slash");
        findings.add(Place::file(&path), Fault::CutsDevices { names: names(&devices) });
    }
}

/// Reports machines that had a State, and whose files have no keys any more: they would leave without a word.
fn lost_keys(spec: &Spec, there: &BTreeMap<RepoPath, Vec<u8>>, findings: &mut Findings) {
    for name in spec.described.keys() {
        let state = format!("rendered/nodes/{name}.yaml");
        if there.contains_key(state.as_str())
            && let Ok(file) = format!("nodes/{name}.yaml").parse()
        {
            findings.add(Place::file(&file), Fault::LostKeys { name: name.clone() });
        }
    }
}

fn list_path() -> RepoPath {
    owned::PATH.parse().expect("it is a path in the repository")
}

/// Does everything up to the writing.
///
/// # Errors
/// When there is an error among the findings, which were shown.
pub fn prepare(repo: &Repo, ui: &Ui) -> Result<Prepared, CliError> {
    prepare_without(repo, &[], ui)
}

/// Does the same, and drops what people did to the outputs `discard`, each a file or a folder.
///
/// # Errors
/// When there is an error among the findings, which were shown.
pub fn prepare_without(repo: &Repo, discard: &[RepoPath], ui: &Ui) -> Result<Prepared, CliError> {
    let Compiled { inputs, spec, mut findings, model } = compile(repo)?;
    let Some(model) = model else { return Err(show(&findings, &inputs, ui)) };
    let lowered = lower(&model);
    let tree = &lowered.tree;
    let rendered = repo.rendered()?;
    no_files(tree, &rendered, &mut findings);
    let unlisted = unlisted(repo, &rendered)?;
    let (there, mut unfinished) = (rendered.files, rendered.unfinished);
    unfinished.extend(inputs.unfinished.iter().cloned());
    cuts(tree, &model.directory, &there, &mut findings);
    lost_keys(&spec, &there, &mut findings);
    let history = History::open(repo.root());
    let past = history.as_ref().map(|history| history as &dyn Past);
    let here = there.get(owned::PATH).and_then(|bytes| serde_saphyr::from_slice(bytes).ok());
    let near = || history.as_ref().map(History::outputs).unwrap_or_default();
    let known = Known {
        here: here.into_iter().chain(unlisted).collect(),
        near: Near::new(Box::new(near)),
        past,
        discard,
    };
    let steps = diff(tree, &there, &known, &mut findings);
    if findings.refuse() {
        return Err(show(&findings, &inputs, ui));
    }
    Ok(Prepared { model, spec, inputs, findings, lowered, steps, there, unfinished })
}

/// Reports what stands where a render writes and is no file, or is more than any render wrote.
fn no_files(tree: &Tree, there: &Inputs, findings: &mut Findings) {
    let list = list_path();
    let folders = tree.0.keys().chain([&list]).filter(|path| there.folders.contains(*path));
    for path in there.links.iter().chain(folders) {
        findings.add(Place::file(path), Fault::NoFile {});
    }
    for path in &there.no_folders {
        findings.add(Place::file(path), Fault::NoFolder {});
    }
    for (path, _) in &there.large {
        findings.add(Place::file(path), Fault::Foreign { path: path.clone() });
    }
    if let Some(path) = &there.endless {
        findings.add(Place::file(path), Fault::Endless {});
    }
}

/// Reads the lists of outputs of renders that did not come to their end.
fn unlisted(repo: &Repo, there: &Inputs) -> Result<Vec<Outputs>, CliError> {
    let mut lists = Vec::new();
    for path in &there.unfinished {
        let bytes = repo.read(path.as_str())?;
        lists.extend(bytes.and_then(|bytes| serde_saphyr::from_slice::<Outputs>(&bytes).ok()));
    }
    Ok(lists)
}

/// Renders the repository: writes what differs, and nothing when there is an error among the findings.
///
/// The new list of outputs lies beside the old one before the first file is written, and takes its place after the last: so
/// whoever comes after a render that was killed knows every file that it wrote. Returns the paths that were written or
/// removed. Warnings are shown.
pub fn render(repo: &Repo, ui: &Ui) -> Result<Vec<RepoPath>, CliError> {
    write(repo, &prepare(repo, ui)?, ui)
}

/// Writes what was prepared; returns the paths that were written or removed. Warnings are shown.
pub fn write(repo: &Repo, prepared: &Prepared, ui: &Ui) -> Result<Vec<RepoPath>, CliError> {
    warn(prepared, ui);
    put(repo, prepared)
}

/// Writes what was prepared, and says nothing; returns the paths that were written or removed.
pub fn put(repo: &Repo, prepared: &Prepared) -> Result<Vec<RepoPath>, CliError> {
    let paths = prepared.paths();
    let sealed = seal_all(prepared)?;
    let list = if paths.last().is_some_and(|path| path.as_str() == owned::PATH) {
        let text = outputs(&prepared.lowered.tree, &prepared.there, &sealed);
        Some(repo.stage(&list_path(), text.as_bytes())?)
    } else {
        None
    };
    for step in &prepared.steps {
        match step {
            Step::Write(path, text) => repo.write(path, text.as_bytes())?,
            Step::Seal(path, _) => repo.write(path, &sealed[path])?,
            Step::Remove(path) => repo.remove(path)?,
        }
    }
    list.map_or(Ok(()), |list| repo.put(list))?;
    prepared.unfinished.iter().try_for_each(|path| repo.remove(path))?;
    Ok(paths)
}

/// Encrypts all that is stale, before anything is written: an identity may be missing.
fn seal_all(prepared: &Prepared) -> Result<BTreeMap<RepoPath, Vec<u8>>, CliError> {
    let stale: Vec<(&RepoPath, &Sealed)> = prepared.steps.iter().filter_map(sealed).collect();
    if stale.is_empty() {
        return Ok(BTreeMap::new());
    }
    let identities = Identities::read(&secrets::identity_path(&prepared.model.cluster.name))?;
    let open = |name: &SecretName| {
        let source = format!("secrets/{name}.age");
        let bytes = prepared.inputs.get(&source).expect("the model knows only secrets that are there");
        let value = recipients::open(&identities, &prepared.spec, name.as_str(), bytes)?;
        Ok::<_, CliError>((name.clone(), value))
    };
    // Most secrets are the same on many machines: each is opened once.
    let names: BTreeSet<&SecretName> = stale.iter().flat_map(|(_, sealed)| sealed.of.keys()).collect();
    let values: BTreeMap<SecretName, _> = names.into_iter().map(open).collect::<Result<_, _>>()?;
    let seal = |(path, sealed): (&RepoPath, &Sealed)| {
        let of = sealed.of.keys().map(|name| (name.clone(), values[name].clone())).collect();
        Ok((path.clone(), secrets::seal(&sealed.to, &secrets::bundle(&of))?))
    };
    stale.into_iter().map(seal).collect()
}

fn sealed(step: &Step) -> Option<(&RepoPath, &Sealed)> {
    match step {
        Step::Seal(path, sealed) => Some((path, sealed)),
        Step::Write(..) | Step::Remove(_) => None,
    }
}

/// Shows the warnings of a render that goes on.
pub fn warn(prepared: &Prepared, ui: &Ui) {
    if !prepared.findings.is_empty() && !ui.json() {
        ui.note(finding::text(&prepared.findings, &prepared.inputs, ui.colour()));
    }
}

/// Shows findings and returns the error that stops the command.
pub fn show(findings: &Findings, inputs: &Inputs, ui: &Ui) -> CliError {
    tell(findings, inputs, ui);
    CliError::told()
}

/// Shows findings to whoever reads: people, a program, a CI service.
pub fn tell(findings: &Findings, inputs: &Inputs, ui: &Ui) {
    let rows = || finding::rows(findings, inputs);
    if !findings.is_empty() && matches!(ui.format, Format::Text | Format::Gitlab) {
        ui.note(finding::text(findings, inputs, ui.colour()));
    }
    match ui.format {
        Format::Text | Format::Markdown => {}
        Format::Json => ui.value(&serde_json::json!({ "findings": rows() })),
        Format::Github => rows().iter().for_each(|row| ui.say(finding::github(row))),
        Format::Gitlab => ui.value(&finding::gitlab(&rows())),
    }
}
