//! Secrets in the clear, as people and kubectl write them: YAML or JSON, several documents, Lists.
//!
//! No error repeats what stands in the text: it may be a value.

mod object;

use super::object::TemplateMetadata;
use super::{Plain, Scope, Template, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use knarr_node::name::{BadName, DataKey, Namespace, ObjectName};
use object::{Object, Scalar, objects};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Annotations with a copy of the whole Secret, in which its values stand in the clear.
/// Source: sealed-secrets v0.27.1, pkg/apis/sealedsecrets/v1alpha1, StripLastAppliedAnnotations.
const COPIES: [&str; 2] =
    ["kubectl.kubernetes.io/last-applied-configuration", "kubecfg.ksonnet.io/last-applied-configuration"];

/// What the API server writes into metadata, and nobody else.
const SERVERS: [&str; 9] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// A text that holds no YAML and no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column} is not what a Secret in YAML or JSON has there")]
pub struct NoSecrets {
    /// From 1.
    pub line: u64,
    /// From 1.
    pub column: u64,
}

/// What is wrong with a Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Another object.
    #[error("it is no Secret: its kind is `{0}`")]
    Kind(String),
    /// An object that does not say what it is.
    #[error("it says no `kind`")]
    NoKind,
    /// It has no name.
    #[error("it has no `metadata.name`")]
    NoName,
    /// A name that Kubernetes would refuse.
    #[error(transparent)]
    Name(#[from] BadName),
    /// It has no namespace, and nobody gave one.
    #[error("it has no `metadata.namespace`")]
    NoNamespace,
    /// It has another namespace than it shall have.
    #[error("its namespace is `{found}`, and not `{wanted}`")]
    OtherNamespace {
        /// Its own.
        found: String,
        /// The one that was given.
        wanted: Namespace,
    },
    /// Metadata of another shape.
    #[error("its `metadata.annotations` are no map of texts")]
    Annotations,
    /// Nothing to seal.
    #[error("it has no values")]
    Empty,
    /// A value that is no base64.
    #[error("key `{0}` in `data` is no base64")]
    NoBase64(String),
    /// A value that is no text.
    #[error("the value of key `{key}` is {found}, and not a text")]
    NoText {
        /// The value's key.
        key: String,
        /// What it is.
        found: &'static str,
    },
}

impl Flaw {
    /// Says what to do, as one sentence without a full stop.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Kind(_) | Self::NoKind => "take out what is no Secret: it needs no sealing",
            Self::NoName | Self::Name(_) => "correct its name",
            Self::NoNamespace => "add --namespace NAMESPACE, or write it there",
            Self::OtherNamespace { .. } => "leave --app and --namespace out, or correct it there",
            Self::Annotations => "correct them: `annotations: {key: \"value\"}`",
            Self::Empty => "if that is meant: --allow-empty-data",
            Self::NoBase64(_) => "what is no base64 belongs under `stringData`",
            Self::NoText { .. } => "put it in quotes",
        }
    }
}

/// What is said for Secrets that do not say it themselves.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Their name, whatever they say.
    pub name: Option<ObjectName>,
    /// Their namespace.
    pub namespace: Option<Namespace>,
    /// What counts when they say another namespace.
    pub other: Other,
    /// Their scope, whatever they say.
    pub scope: Option<Scope>,
    /// Whether they may have no values.
    pub empty: Empty,
}

/// What counts when a Secret says another namespace than was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Other {
    /// Neither: it is a mistake.
    #[default]
    Refused,
    /// Its own: what is given is for those that say none and need one.
    Kept,
    /// What was given.
    Replaced,
}

/// Whether a Secret without values is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Empty {
    /// Rather a mistake.
    #[default]
    Refused,
    /// It is meant.
    Allowed,
}

/// One object of a text.
#[derive(Debug)]
pub struct Found {
    /// Where it stands, e.g. `document 2, item 3`.
    pub place: String,
    /// Its namespace and name as far as it says them.
    pub title: String,
    /// The Secret, or all that is wrong with it.
    pub secret: Result<Plain, Vec<Flaw>>,
}

/// Reads all Secrets of a text.
///
/// # Errors
/// [`NoSecrets`] with the first place that cannot be read.
pub fn secrets(text: &str, given: &Given) -> Result<Vec<Found>, NoSecrets> {
    let mut found = Vec::new();
    for (number, object) in objects(text)?.into_iter().enumerate() {
        let Some(mut object) = object else { continue };
        let document = format!("document {}", number + 1);
        if object.is_list() {
            let items = object.items.take().unwrap_or_default();
            let place = |item: usize| format!("{document}, item {}", item + 1);
            found.extend(items.into_iter().enumerate().map(|(item, object)| one(object, place(item), given)));
        } else {
            found.push(one(object, document, given));
        }
    }
    Ok(found)
}

fn one(object: Object, place: String, given: &Given) -> Found {
    let text = |key: &str| object.metadata.as_ref()?.get(key)?.as_str().filter(|text| !text.is_empty());
    let (name, namespace) = (text("name").map(str::to_owned), text("namespace").map(str::to_owned));
    let parts = [namespace.as_deref(), name.as_deref()];
    let title = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
    let mut flaws = Vec::new();
    let secret = plain(object, name, namespace, given, &mut flaws).filter(|_| flaws.is_empty());
    Found { place, title, secret: secret.ok_or(flaws) }
}

fn plain(
    object: Object,
    name: Option<String>,
    namespace: Option<String>,
    given: &Given,
    flaws: &mut Vec<Flaw>,
) -> Option<Plain> {
    match object.kind.as_deref() {
        Some("Secret") => {}
        Some(kind) => return reported(flaws, Flaw::Kind(kind.to_owned())),
        None => return reported(flaws, Flaw::NoKind),
    }
    let values = values(object.data, object.string_data, flaws);
    if values.is_empty() && flaws.is_empty() && given.empty == Empty::Refused {
        flaws.push(Flaw::Empty);
    }
    let template = template(object.metadata.unwrap_or_default(), object.r#type, object.immutable, flaws);
    let scope = given.scope.unwrap_or_else(|| Scope::of(&template.metadata.annotations));
    let namespace = match (namespace, &given.namespace) {
        (Some(found), Some(wanted)) if given.other == Other::Refused && found != wanted.as_str() => {
            return reported(flaws, Flaw::OtherNamespace { found, wanted: wanted.clone() });
        }
        (Some(_), Some(wanted)) if given.other == Other::Replaced => Some(wanted.clone()),
        (Some(found), _) => Some(found.parse().map_err(|bad: BadName| flaws.push(bad.into())).ok()?),
        (None, Some(_)) if given.other == Other::Kept && scope == Scope::ClusterWide => None,
        (None, Some(wanted)) => Some(wanted.clone()),
        (None, None) if scope == Scope::ClusterWide => None,
        (None, None) => return reported(flaws, Flaw::NoNamespace),
    };
    let name = match (&given.name, name) {
        (Some(given), _) => given.clone(),
        (None, Some(name)) => name.parse().map_err(|bad: BadName| flaws.push(bad.into())).ok()?,
        (None, None) => return reported(flaws, Flaw::NoName),
    };
    Some(Plain { name, namespace, scope, values, template })
}

fn reported<T>(flaws: &mut Vec<Flaw>, flaw: Flaw) -> Option<T> {
    flaws.push(flaw);
    None
}

/// Returns all values; those of `stringData` win, as in Kubernetes.
fn values(
    data: Option<BTreeMap<String, Scalar>>,
    string_data: Option<BTreeMap<String, Scalar>>,
    flaws: &mut Vec<Flaw>,
) -> BTreeMap<DataKey, Value> {
    let coded = data.unwrap_or_default().into_iter().map(|(key, scalar)| (key, scalar, true));
    let plain = string_data.unwrap_or_default().into_iter().map(|(key, scalar)| (key, scalar, false));
    let value = |(key, scalar, is_coded): (String, Scalar, bool)| {
        let read = match scalar {
            Scalar::Other(found) => Err(Flaw::NoText { key: key.clone(), found }),
            Scalar::Text(text) if is_coded => decoded(&text).ok_or_else(|| Flaw::NoBase64(key.clone())),
            Scalar::Text(text) => Ok(text.as_bytes().into()),
        };
        let both = read.and_then(|value| Ok((key.parse::<DataKey>()?, value)));
        both.map_err(|flaw| flaws.push(flaw)).ok()
    };
    coded.chain(plain).filter_map(value).collect()
}

/// Reads base64 as Go does: line feeds in it do not count. Source: Go 1.26, encoding/base64, Decode.
fn decoded(text: &str) -> Option<Value> {
    let broken = text.bytes().any(|byte| b"\r\n".contains(&byte));
    let joined = broken.then(|| {
        let mut joined = Zeroizing::new(String::with_capacity(text.len()));
        joined.extend(text.split(['\r', '\n']));
        joined
    });
    let text = joined.as_ref().map_or(text, |joined| joined.as_str());
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len())); // grows no more: no copy stays behind
    STANDARD.decode_vec(text, &mut bytes).ok()?;
    Some(Value(bytes))
}

fn template(
    mut rest: BTreeMap<String, serde_json::Value>,
    kind: Option<String>,
    immutable: Option<bool>,
    flaws: &mut Vec<Flaw>,
) -> Template {
    rest.retain(|key, value| !SERVERS.contains(&key.as_str()) && !value.is_null());
    let annotations = rest.remove("annotations").map(serde_json::from_value::<BTreeMap<String, String>>);
    let mut annotations = annotations.transpose().unwrap_or_else(|_| reported(flaws, Flaw::Annotations));
    if let Some(there) = &mut annotations {
        there.retain(|key, _| !COPIES.contains(&key.as_str()));
    }
    let metadata = TemplateMetadata { rest, annotations: annotations.unwrap_or_default() };
    let kind = kind.map(|kind| ("type".to_owned(), kind.into()));
    let immutable = immutable.map(|immutable| ("immutable".to_owned(), immutable.into()));
    Template { metadata, rest: kind.into_iter().chain(immutable).collect() }
}

#[cfg(test)]
mod tests;
