//! Apps and sealed Secrets without one: what Argo CD is to follow.

use super::Model;
use super::check::{self, Check};
use super::manifest::{Gives, Object, ObjectId, Written};
use super::needs::Needs;
use crate::disk::Inputs;
use crate::finding::{Fault, Findings, Place, near};
use crate::seal;
use crate::spec::{self, Arch, At, Manifests, Spec, Sync, is_manifest};
use knarr_node::item::Artifact;
use knarr_node::name::{AppName, DomainName, Namespace, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

/// The namespace of Argo CD, which is Knarr's.
pub const ARGOCD: &str = "argocd";

/// The Argo CD that this version of Knarr was tested with: version, digest and place of its manifest.
/// Source: github.com/argoproj/argo-cd/v3@v3.2.11, manifests/core-install.yaml (Go's checksum database has the module).
pub const ARGOCD_PIN: (&str, [&str; 2]) = (
    "v3.2.11",
    [
        "a48ce0ab6ff5f7aac90a8bd0374434f4d15edeaa85f774672c8692c9819d2ae8",
        "https://raw.githubusercontent.com/argoproj/argo-cd/v3.2.11/manifests/core-install.yaml",
    ],
);

/// What one Application of Argo CD follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The namespace of its objects that name none.
    pub namespace: Namespace,
    /// Where people find it.
    pub host: Option<DomainName>,
    /// Whether Argo CD follows the repository by itself.
    pub sync: Sync,
    /// Its objects by file: the path below the app's folder.
    pub files: BTreeMap<RepoPath, Vec<Object>>,
}

impl App {
    /// Returns all its objects.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.files.values().flatten()
    }

    /// Reads one app by itself, of which `file` is the name: of `inputs`, the files of the app and cluster.yaml are enough.
    /// What other files say against it is not known then.
    pub fn alone(file: &str, spec: &Spec, inputs: &Inputs, findings: &mut Findings) -> Option<Self> {
        let manifests = Manifests::of(inputs);
        let mut check = Check { spec, inputs, findings };
        check.files();
        let path = check::path(&format!("apps/{file}.yaml"));
        check.app(&path, file, spec.apps.get(file)?, &mut There::new(&manifests))
    }
}

impl Model {
    /// Returns the manifest of Argo CD that the lock pins.
    pub fn argocd(&self) -> Option<Artifact> {
        self.artifact(ARGOCD, self.lock.version(ARGOCD)?, Arch::default())
    }
}

/// What all files say together.
struct There<'a> {
    /// What stands in each.
    manifests: &'a Manifests,
    /// Objects that are there, with the place of each.
    places: BTreeMap<ObjectId, Place>,
    /// What their pods need.
    needs: Vec<Needs>,
    /// Each as it stands in its file.
    written: Vec<Written<'a>>,
}

impl<'a> There<'a> {
    fn new(manifests: &'a Manifests) -> Self {
        Self { manifests, places: BTreeMap::new(), needs: Vec::new(), written: Vec::new() }
    }
}

impl Check<'_> {
    /// Proves all apps, and the folders of `sealed/` as one app for each namespace.
    pub(super) fn apps(&mut self, manifests: &Manifests) -> BTreeMap<AppName, App> {
        let mut apps = BTreeMap::new();
        let mut there = There::new(manifests);
        for (file, app) in &self.spec.apps {
            let path = check::path(&format!("apps/{file}.yaml"));
            let name = self.file_name(&path, file);
            if let (Some(name), Some(app)) = (name, self.app(&path, file, app, &mut there)) {
                apps.insert(name, app);
            }
        }
        for namespace in self.sealed_folders() {
            let folder = format!("sealed/{namespace}/");
            let Ok(name) = format!("sealed-{namespace}").parse::<AppName>() else { continue };
            if self.spec.apps.contains_key(name.as_str()) {
                let place = Place::file(&check::path(&format!("apps/{name}.yaml")));
                self.findings.add(place, Fault::SealedApp { namespace: namespace.to_string() });
            }
            let files = self.files_of(&folder, &namespace, None, &mut there);
            let app = App { namespace, host: None, sync: Sync::Auto, files };
            apps.entry(name).or_insert(app);
        }
        self.folders_without_app();
        self.kinds(&there.written);
        self.provided(&apps, &there.needs);
        self.what_apps_need(&apps);
        apps
    }

    fn app(&mut self, path: &RepoPath, file: &str, app: &spec::App, there: &mut There<'_>) -> Option<App> {
        let namespace = self.word::<Namespace>(path, &app.namespace);
        self.not_argocds(path, &app.namespace);
        let host = app.host.as_ref().and_then(|word| self.app_host(path, word));
        let folder = app.folder(file);
        let namespace = namespace?;
        if !folder.starts_with("apps/") || folder.contains("..") {
            let word = app.path.as_ref().expect("only a path that is written is elsewhere");
            self.findings.add(Place::of(path, word), Fault::OutsideApps { path: word.value.clone() });
            return None;
        }
        let files = self.files_of(&folder, &namespace, host.as_ref(), there);
        if files.is_empty() && !self.findings.refuse() {
            let place = app.path.as_ref().map_or_else(|| Place::file(path), |word| Place::of(path, word));
            let put = format!("put manifests there: {folder}deployment.yaml");
            let hint = if app.path.is_some() { self.folder_hint(&folder, &put) } else { put };
            self.findings.add(place, Fault::NoManifests { path: folder, hint });
        }
        Some(App { namespace, host, sync: app.sync, files })
    }

    /// Returns the whole name of a host.
    fn app_host(&mut self, path: &RepoPath, word: &At<String>) -> Option<DomainName> {
        let name: DomainName = self.word(path, word)?;
        if word.contains('.') {
            return Some(name);
        }
        let domain = self.spec.cluster.as_ref()?.domain.as_ref();
        if domain.is_none() {
            self.findings.add(Place::of(path, word), Fault::NoDomain { host: word.value.clone() });
        }
        format!("{name}.{}", **domain?).parse().ok()
    }

    fn files_of(
        &mut self,
        folder: &str,
        namespace: &Namespace,
        host: Option<&DomainName>,
        there: &mut There<'_>,
    ) -> BTreeMap<RepoPath, Vec<Object>> {
        let inputs = self.inputs;
        let below = |path: &'_ RepoPath| path.as_str().strip_prefix(folder).map(check::path);
        let paths = inputs.files.keys().filter_map(|path| Some((path, below(path)?)));
        let gives = Gives { namespace, host: host.map(DomainName::as_str) };
        let mut files = BTreeMap::new();
        for (path, name) in paths.filter(|(path, _)| is_manifest(path)) {
            if let Some(of) = built_by(&name) {
                self.findings.add(Place::file(path), Fault::NotPlain { of });
                continue;
            }
            let objects = self.manifest(path, there.manifests.get(path), gives);
            for Written { object, place, .. } in &objects {
                self.only_once(object, place, there);
                there.needs.extend(Needs::of(object, place));
            }
            if !objects.is_empty() {
                files.insert(name, objects.iter().map(|written| written.object.clone()).collect());
            }
            there.written.extend(objects);
        }
        files
    }

    fn only_once(&mut self, object: &Object, place: &Place, there: &mut There<'_>) {
        let id = object.id();
        if let Some(other) = there.places.get(&id) {
            let fault = if id.kind == "SealedSecret" {
                Fault::TwoSealed { secret: id.title(), other: other.shown(self.inputs) }
            } else {
                Fault::TwoObjects { object: id.to_string(), other: other.path.clone() }
            };
            self.findings.add(place.clone(), fault);
        }
        there.places.entry(id).or_insert_with(|| place.clone());
    }

    fn sealed_folders(&self) -> BTreeSet<Namespace> {
        let sealed = self.inputs.files.keys().filter_map(|path| path.as_str().strip_prefix("sealed/"));
        sealed.filter_map(|rest| rest.split_once('/')?.0.parse().ok()).collect()
    }

    /// Reports apps that nothing would run, and a cluster that nothing would fill.
    fn what_apps_need(&mut self, apps: &BTreeMap<AppName, App>) {
        let Some(cluster) = &self.spec.cluster else { return };
        let first = self.spec.apps.keys().next().map(|file| check::path(&format!("apps/{file}.yaml")));
        if cluster.k3s.is_none() {
            if let Some(first) = first {
                self.findings.add(Place::file(&first), Fault::NothingRunsApps {});
            }
            return;
        }
        let lock = Place::file(&check::path("knarr.lock"));
        if self.spec.lock.of(ARGOCD).next().is_none() && !self.spec.is_broken("knarr.lock") {
            self.findings.add(lock, Fault::NoArgocd { line: argocd_line() });
        }
        let sealed = |object: &Object| object.id().kind == "SealedSecret";
        let keyless = self.inputs.get(seal::KEYS).is_none();
        if keyless && apps.values().flat_map(App::objects).any(sealed) {
            self.findings.add(Place::file(&check::path("cluster.yaml")), Fault::NoSealingKey {});
        }
    }

    /// Warns of manifests that no app names: nothing would come of them.
    fn folders_without_app(&mut self) {
        let of = |(file, app): (&String, &spec::App)| [format!("apps/{file}/"), app.folder(file)];
        let named: Vec<String> = self.spec.apps.iter().flat_map(of).collect();
        let mut seen = BTreeSet::new();
        for path in self.inputs.files.keys() {
            let Some((name, _)) = path.as_str().strip_prefix("apps/").and_then(|rest| rest.split_once('/'))
            else {
                continue;
            };
            let broken = self.spec.is_broken(&format!("apps/{name}.yaml"));
            let used = named.iter().any(|folder| path.as_str().starts_with(folder.as_str()));
            if !used && !broken && is_manifest(path) && seen.insert(name) {
                self.findings.add(Place::file(path), Fault::NoApp { name: name.to_owned() });
            }
        }
    }

    fn folder_hint(&self, folder: &str, otherwise: &str) -> String {
        let rest = self.inputs.files.keys().filter_map(|path| path.as_str().strip_prefix("apps/"));
        let folders: BTreeSet<&str> =
            rest.filter_map(|rest| rest.rsplit_once('/')).map(|(folder, _)| folder).collect();
        let name = folder.trim_start_matches("apps/").trim_end_matches('/');
        near(name, folders, otherwise)
    }
}

/// Returns the tool whose input a file is, by its name.
fn built_by(path: &RepoPath) -> Option<&'static str> {
    match path.as_str().rsplit('/').next() {
        Some("kustomization.yaml" | "kustomization.yml") => Some("Kustomize"),
        Some("Chart.yaml") => Some("Helm"),
        Some(_) | None => None,
    }
}

/// Returns the line of knarr.lock that pins the Argo CD that this version of Knarr was tested with.
fn argocd_line() -> String {
    let (version, pinned) = ARGOCD_PIN;
    let [sha256, from] = pinned;
    format!("argocd {version}: {{sha256: {sha256}, from: [\"{from}\"]}}")
}
