//! `apps/<name>.yaml`: one app, whose manifests lie in a folder beside it.

use super::At;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// The namespace of its objects that name none; it is made.
    #[schemars(example = &"shop")]
    pub namespace: At<String>,
    /// The folder of its manifests below apps/; `apps/<name>` when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"apps/shop")]
    pub path: Option<At<String>>,
    /// Where people find it: a name below the cluster's domain, or a whole one with dots. Ingress rules
    /// that name no host get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"shop")]
    pub host: Option<At<String>>,
    /// Whether Argo CD follows the repository by itself.
    #[serde(default, skip_serializing_if = "is_auto")]
    #[schemars(extend("default" = "auto"), example = &"manual")]
    pub sync: Sync,
}

/// Whether Argo CD follows the repository by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sync {
    /// It does, and takes back what others change.
    #[default]
    Auto,
    /// It only shows what differs, until a person syncs.
    Manual,
}

impl App {
    /// Returns the folder of the manifests of the app that its file names so, with a slash at the end.
    pub fn folder(&self, file: &str) -> String {
        let path = self.path.as_ref().map_or_else(|| format!("apps/{file}"), |path| path.value.clone());
        format!("{}/", path.trim_end_matches('/'))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_auto(sync: &Sync) -> bool {
    *sync == Sync::Auto
}
