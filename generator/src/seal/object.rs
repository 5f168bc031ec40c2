//! The SealedSecret object: what is written, read back, and sealed anew.

use super::certificate::Certificate;
use super::held::SEALED_BY;
use super::{Form, Scope, wire};
use crate::emit::{Line, yaml};
use aws_lc_rs::rand::SecureRandom;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use knarr_node::name::{DataKey, KeyId, Namespace, ObjectName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// The object's version and kind.
const VERSION: &str = "bitnami.com/v1alpha1";
const KIND: &str = "SealedSecret";

/// The most bytes of all values together that Kubernetes takes in one Secret.
/// Source: k8s.io/api v0.36, core/v1, MaxSecretSize.
pub(super) const LARGEST: usize = 1 << 20;

/// A value in the clear: shown nowhere, gone from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(pub Zeroizing<Vec<u8>>);

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.0.len())
    }
}

/// A Secret before it is sealed.
#[derive(Clone, Debug)]
pub struct Plain {
    /// The Secret's name.
    pub name: ObjectName,
    /// Its namespace; a cluster-wide one may have none.
    pub namespace: Option<Namespace>,
    /// Where it opens.
    pub scope: Scope,
    /// Its values.
    pub values: BTreeMap<DataKey, Value>,
    /// What else there is of it, which is no secret.
    pub template: Template,
}

/// A Secret that cannot be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// More than Kubernetes takes.
    #[error("the values have more bytes than Kubernetes takes in one Secret: {LARGEST}")]
    TooLarge,
    /// Other values of the file were sealed with another key, and a file has one.
    #[error("its values were sealed with key {by}, and {to} seals now")]
    OtherKey {
        /// The key that sealed them, as the file says.
        by: String,
        /// The key that seals now.
        to: String,
    },
    /// The library or the operating system refused.
    #[error("cannot encrypt to {to}")]
    Encrypt {
        /// The key.
        to: KeyId,
    },
}

impl SealError {
    /// Says what to do; none when nothing of ours helps.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge => Some("seal them as several Secrets"),
            Self::OtherKey { .. } => Some("re-seal the whole file first: knarr reseal FILE"),
            Self::Encrypt { .. } => None,
        }
    }
}

/// A SealedSecret, as the controller reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecret {
    /// Its version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name, namespace and scope.
    pub metadata: Metadata,
    /// Its values.
    pub spec: Spec,
}

/// Who an object is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Its name: the Secret's too.
    pub name: ObjectName,
    /// Its namespace; that of who applies it when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Namespace>,
    /// Among others, the scope.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What people added.
    #[serde(flatten)]
    pub rest: BTreeMap<String, serde_json::Value>,
}

/// What a SealedSecret becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Sealed values as base64.
    pub encrypted_data: BTreeMap<DataKey, String>,
    /// The Secret around them.
    #[serde(default)]
    pub template: Template,
}

/// The Secret that the controller makes, without its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its metadata; the controller sets name and namespace itself.
    #[serde(default)]
    pub metadata: TemplateMetadata,
    /// Its type, and what people added.
    #[serde(flatten)]
    pub rest: BTreeMap<String, serde_json::Value>,
}

/// The metadata of the Secret that the controller makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateMetadata {
    /// Name, namespace, labels and what else there is.
    #[serde(flatten)]
    pub rest: BTreeMap<String, serde_json::Value>,
    /// Its annotations, the scope among them, as kubeseal writes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl SealedSecret {
    /// Seals a Secret: all its values, and nothing else of it is secret.
    pub fn seal(to: &Certificate, plain: &Plain, random: &dyn SecureRandom) -> Result<Self, SealError> {
        let mut sealed = Self::empty(plain);
        sealed.replace(to, plain, random)?;
        Ok(sealed)
    }

    /// Seals the values of a Secret in place of all that this one has; its template stays.
    pub fn replace(
        &mut self,
        to: &Certificate,
        plain: &Plain,
        random: &dyn SecureRandom,
    ) -> Result<(), SealError> {
        let label = plain.scope.label(plain.namespace.as_ref(), &plain.name);
        self.spec.encrypted_data = to.seal(&label, &plain.values, random)?;
        plain.scope.annotate(&mut self.metadata.annotations);
        plain.scope.annotate(&mut self.spec.template.metadata.annotations);
        self.metadata.annotations.insert(SEALED_BY.to_owned(), to.id.to_string());
        Ok(())
    }

    /// Notes which key sealed all its values.
    pub fn note(&mut self, to: &Certificate) {
        self.metadata.annotations.insert(SEALED_BY.to_owned(), to.id.to_string());
    }

    /// Says no more which key sealed its values, as kubeseal does not.
    pub fn forget_key(&mut self) {
        self.metadata.annotations.remove(SEALED_BY);
    }

    /// Returns it as text; none when its template cannot be written.
    pub fn text(&self, form: Form) -> Option<String> {
        match form {
            Form::Yaml => yaml::to_string(self, Line::Fits).ok(),
            Form::Json => serde_json::to_string_pretty(self).ok().map(|text| text + "\n"),
        }
    }

    /// Returns the fingerprint of the key that sealed its values, as the file says; none in files of kubeseal.
    /// Only a private key tells for sure.
    pub fn sealed_by(&self) -> Option<&str> {
        self.metadata.annotations.get(SEALED_BY).map(String::as_str)
    }

    /// Seals values for this Secret, beside what it has; only those of the same keys are replaced.
    pub fn put(
        &mut self,
        to: &Certificate,
        values: &BTreeMap<DataKey, Value>,
        random: &dyn SecureRandom,
    ) -> Result<(), SealError> {
        let all = self.spec.encrypted_data.keys().all(|key| values.contains_key(key));
        let id = to.id.to_string();
        match self.sealed_by() {
            Some(by) if by != id && !all => return Err(SealError::OtherKey { by: by.to_owned(), to: id }),
            Some(_) | None => {}
        }
        let sealed = to.seal(&self.label(), values, random)?;
        self.spec.encrypted_data.extend(sealed);
        if all {
            self.metadata.annotations.insert(SEALED_BY.to_owned(), id); // of what kubeseal wrote, nothing is claimed
        }
        Ok(())
    }

    /// Seals the values of a Secret for this one, beside what it has; labels and annotations are added.
    pub fn merge(
        &mut self,
        to: &Certificate,
        plain: &Plain,
        random: &dyn SecureRandom,
    ) -> Result<(), SealError> {
        self.put(to, &plain.values, random)?;
        let scope = self.scope();
        let (mine, theirs) = (&mut self.spec.template.metadata, &plain.template.metadata);
        mine.annotations.extend(theirs.annotations.clone());
        scope.annotate(&mut mine.annotations);
        if let Some(serde_json::Value::Object(labels)) = theirs.rest.get("labels") {
            let there = mine.rest.entry("labels".to_owned()).or_insert_with(|| serde_json::json!({}));
            there.as_object_mut().into_iter().for_each(|there| there.extend(labels.clone()));
        }
        Ok(())
    }

    /// Returns what its values are bound to.
    pub fn label(&self) -> Vec<u8> {
        self.scope().label(self.metadata.namespace.as_ref(), &self.metadata.name)
    }

    /// Returns how people call the Secret: `shop/db`.
    pub fn title(&self) -> String {
        title(self.metadata.namespace.as_ref(), &self.metadata.name)
    }

    /// Returns where it opens.
    pub fn scope(&self) -> Scope {
        Scope::of(&self.metadata.annotations)
    }

    /// Whether it says that it is a SealedSecret of the version that is known here.
    pub fn is_known(&self) -> bool {
        self.api_version == VERSION && self.kind == KIND
    }

    fn empty(plain: &Plain) -> Self {
        let mut template = plain.template.clone();
        let names = [
            ("name", Some(plain.name.as_str())),
            ("namespace", plain.namespace.as_ref().map(Namespace::as_str)),
        ];
        let names = names.into_iter().filter_map(|(key, name)| Some((key.to_owned(), name?.into())));
        template.metadata.rest.extend(names);
        let metadata = Metadata {
            name: plain.name.clone(),
            namespace: plain.namespace.clone(),
            annotations: BTreeMap::new(),
            rest: BTreeMap::new(),
        };
        let spec = Spec { encrypted_data: BTreeMap::new(), template };
        Self { api_version: VERSION.to_owned(), kind: KIND.to_owned(), metadata, spec }
    }
}

impl Plain {
    /// Returns how people call the Secret: `shop/db`.
    pub fn title(&self) -> String {
        title(self.namespace.as_ref(), &self.name)
    }
}

impl Template {
    /// Returns the template of a Secret that is nothing but its values.
    pub fn opaque() -> Self {
        let rest = BTreeMap::from([("type".to_owned(), "Opaque".into())]);
        Self { metadata: TemplateMetadata::default(), rest }
    }
}

fn title(namespace: Option<&Namespace>, name: &ObjectName) -> String {
    namespace.map_or_else(|| name.to_string(), |namespace| format!("{namespace}/{name}"))
}

/// Whether text is a sealed value, as far as one can see without the key.
pub(super) fn is_sealed_value(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| wire::parts(&bytes).is_some())
}
