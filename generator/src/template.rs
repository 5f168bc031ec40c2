//! Files that every new repository has, and the JSON Schemas for editors.

use crate::spec;
use schemars::Schema;

/// Files copied unchanged: path, text, and whether it is a program.
pub const FILES: [(&str, &str, bool); 4] = [
    ("README.md", include_str!("../../cluster-repo-template/README.md"), false),
    (".gitignore", include_str!("../../cluster-repo-template/.gitignore"), false),
    (".gitattributes", include_str!("../../cluster-repo-template/.gitattributes"), false),
    (".knarr/hooks/pre-push", include_str!("../../cluster-repo-template/.knarr/hooks/pre-push"), true),
];

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
