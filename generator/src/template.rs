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

/// Returns the schemas, as path and text, from the types that read the files.
pub fn schemas() -> Vec<(String, String)> {
    let all: [(&str, Schema); 5] = [
        ("cluster", schemars::schema_for!(spec::Cluster)),
        ("node", schemars::schema_for!(spec::Node)),
        ("peer", schemars::schema_for!(spec::Peer)),
        ("person", schemars::schema_for!(spec::Person)),
        ("lock", schemars::schema_for!(spec::Lock)),
    ];
    let text = |schema: &Schema| serde_json::to_string_pretty(schema).expect("a schema is JSON") + "\n";
    all.iter().map(|(name, schema)| (format!(".knarr/schema/{name}.json"), text(schema))).collect()
}
