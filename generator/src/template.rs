//! Files that every new repository has, and the JSON Schemas for editors.

mod freshen;
mod made;

pub use freshen::{Fate, Step, freshen};
pub use made::{Made, RECORD, Texts, is_program, record, texts};

use crate::known_hosts::SshHost;
use crate::spec;
use schemars::Schema;

/// Files copied unchanged: path, text, and whether it is a program.
pub const FILES: [(&str, &str, bool); 3] = [
    ("README.md", include_str!("../../cluster-repo-template/README.md"), false),
    (".gitignore", include_str!("../../cluster-repo-template/.gitignore"), false),
    (".gitattributes", include_str!("../../cluster-repo-template/.gitattributes"), false),
];

/// The hooks that `knarr setup` gives a clone: name and text.
pub const HOOKS: [(&str, &str); 2] = [
    ("pre-commit", include_str!("../../templates/hooks/pre-commit")),
    ("pre-push", include_str!("../../templates/hooks/pre-push")),
];

/// What CI services call, whichever it is: path and text of a program.
const CI: (&str, &str) = (".knarr/ci", include_str!("../../cluster-repo-template/.knarr/ci"));

/// A service that checks each push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Service {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Forgejo Actions.
    Forgejo,
    /// No jobs.
    None,
}

impl Service {
    /// Returns the one of a git host that is known; none of all others.
    pub fn of(origin: &str) -> Self {
        let ssh = || SshHost::of(origin).map(|ssh| ssh.host);
        let web = origin.strip_prefix("https://").and_then(|rest| rest.split('/').next()).map(str::to_owned);
        match web.or_else(ssh).as_deref() {
            Some("github.com") => Self::Github,
            Some("gitlab.com") => Self::Gitlab,
            Some("codeberg.org") => Self::Forgejo,
            Some(_) | None => Self::None,
        }
    }

    /// Returns where its jobs are, and what they are.
    pub fn jobs(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Github => Some((
                ".github/workflows/knarr.yml",
                include_str!("../../cluster-repo-template/.github/workflows/knarr.yml"),
            )),
            Self::Gitlab => {
                Some((".gitlab-ci.yml", include_str!("../../cluster-repo-template/.gitlab-ci.yml")))
            }
            Self::Forgejo => Some((
                ".forgejo/workflows/knarr.yml",
                include_str!("../../cluster-repo-template/.forgejo/workflows/knarr.yml"),
            )),
            Self::None => None,
        }
    }

    /// Returns its files: path, text, and whether it is a program.
    pub fn files(self) -> Vec<(&'static str, &'static str, bool)> {
        let jobs = self.jobs().map(|(path, text)| (path, text, false));
        jobs.into_iter().flat_map(|jobs| [jobs, (CI.0, CI.1, true)]).collect()
    }
}

/// The controller that opens sealed Secrets.
pub const SEALED_SECRETS: &str = include_str!("../../templates/sealed-secrets.yaml");

/// What `knarr app add` writes for an image.
pub const DEPLOYMENT: &str = include_str!("../../templates/app/deployment.yaml");
/// The same, for its port.
pub const SERVICE: &str = include_str!("../../templates/app/service.yaml");
/// The same, for its host.
pub const INGRESS: &str = include_str!("../../templates/app/ingress.yaml");

/// Fills a template of ours. Values are words that need no quotes in YAML: who calls proves that.
pub fn fill(template: &str, words: &[(&'static str, &str)]) -> String {
    let mut context = tera::Context::new();
    for (key, word) in words {
        context.insert(*key, word);
    }
    tera::Tera::one_off(template, &context, false).expect("a template of ours names only what it is given")
}

/// Returns the kinds of files that people write, as name, path and the schema of the type that reads them.
pub fn kinds() -> [(&'static str, &'static str, Schema); 6] {
    [
        ("cluster", "cluster.yaml", schemars::schema_for!(spec::Cluster)),
        ("node", "nodes/<name>.yaml", schemars::schema_for!(spec::Node)),
        ("peer", "peers/<name>.yaml", schemars::schema_for!(spec::Peer)),
        ("app", "apps/<name>.yaml", schemars::schema_for!(spec::App)),
        ("person", "people/<name>.yaml", schemars::schema_for!(spec::Person)),
        ("lock", "knarr.lock", schemars::schema_for!(spec::Lock)),
    ]
}

/// Returns the schemas for editors, as path and text.
pub fn schemas() -> Vec<(String, String)> {
    let text = |schema: &Schema| serde_json::to_string_pretty(schema).expect("a schema is JSON") + "\n";
    kinds().iter().map(|(kind, _, schema)| (format!(".knarr/schema/{kind}.json"), text(schema))).collect()
}
