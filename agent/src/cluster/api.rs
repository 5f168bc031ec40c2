//! Kubernetes' API as the cluster's half needs it: get, apply, delete. What it does not answer is unknown, never absent.

use super::documents::KNARR;
use super::key::Key;
use kube::api::{
    Api as Objects, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, Preconditions,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::discovery::{ApiResource, Scope};
use kube::core::gvk::GroupVersionKind;
use kube::error::DiscoveryError;
use kube::{Client, Config, Error, discovery};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One request must be answered by then.
const ANSWER: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);

/// What the API says no to, or that it says nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// The file that says where it is and who we are.
    #[error("`{0}` cannot be used: {1}")]
    Config(String, String),
    /// It does not answer, or not now.
    #[error("the API does not answer: {0}")]
    Silent(String),
    /// It knows no such kind; a definition may be missing.
    #[error("the API knows no kind `{1}` of {0}")]
    NoKind(String, String),
    /// It says no.
    #[error("the API refuses {key}: {why}")]
    Refused {
        /// What was asked.
        key: Key,
        /// The HTTP status.
        code: u16,
        /// Why, in its own words; they may quote values.
        why: String,
    },
}

impl ApiError {
    /// Returns what may be said of an object that is secret: the words of the API may quote values.
    pub(super) fn veiled(self) -> Self {
        match self {
            Self::Refused { key, code, .. } => {
                Self::Refused { key, code, why: format!("HTTP status {code}") }
            }
            other @ (Self::Config(..) | Self::Silent(_) | Self::NoKind(..)) => other,
        }
    }

    /// Whether somebody else was faster.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { code: 409, .. })
    }
}

/// Whether a request is only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    Dry,
    Real,
}

/// A kind as the API knows it.
#[derive(Clone)]
struct Kind {
    resource: ApiResource,
    namespaced: bool,
}

/// A connection, which remembers kinds.
pub(super) struct Api {
    client: Client,
    kinds: Mutex<BTreeMap<(String, String), Kind>>,
}

impl Api {
    /// Connects as the kubeconfig says.
    pub(super) async fn connect(file: &Path) -> Result<Self, ApiError> {
        let odd =
            |error: &dyn std::error::Error| ApiError::Config(file.display().to_string(), error.to_string());
        let kubeconfig = Kubeconfig::read_from(file).map_err(|error| odd(&error))?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        let mut config = config.map_err(|error| odd(&error))?;
        config.connect_timeout = Some(CONNECT);
        (config.read_timeout, config.write_timeout) = (Some(ANSWER), Some(ANSWER));
        config.reset_reader_on_write = true;
        config.default_retry = false;
        let client = Client::try_from(config).map_err(|error| odd(&error))?;
        Ok(Self { client, kinds: Mutex::default() })
    }

    /// Returns the key with the namespace where it needs one and has none, and without it where it means nothing.
    pub(super) async fn placed(&self, key: &Key, otherwise: &str) -> Result<Key, ApiError> {
        let Kind { namespaced, .. } = self.kind(key).await?;
        let namespace = key.namespace.clone().or_else(|| Some(otherwise.to_owned())).filter(|_| namespaced);
        Ok(Key { namespace, ..key.clone() })
    }

    /// Returns the object, or none when there is no such object.
    pub(super) async fn get(&self, key: &Key) -> Result<Option<Value>, ApiError> {
        let objects = self.objects(key).await?;
        let found = whole(|| objects.get_opt(&key.name)).await.map_err(|error| refusal(key, error))?;
        Ok(found.map(plain))
    }

    /// Returns all objects of the kind and in the namespace of `key` that carry a label.
    pub(super) async fn labelled(&self, key: &Key, label: &str) -> Result<Vec<Value>, ApiError> {
        let (objects, params) = (self.objects(key).await?, ListParams::default().labels(label));
        let found = whole(|| objects.list(&params)).await.map_err(|error| refusal(key, error))?;
        Ok(found.items.into_iter().map(plain).collect())
    }

    /// Makes the object have what `object` says, whoever said otherwise, and returns it.
    pub(super) async fn apply(&self, key: &Key, object: &Value, run: Run) -> Result<Value, ApiError> {
        self.apply_as(KNARR, key, object, run).await
    }

    /// As [`Api::apply`], in the name of another field manager: what it no longer says goes.
    pub(super) async fn apply_as(
        &self,
        manager: &str,
        key: &Key,
        object: &Value,
        run: Run,
    ) -> Result<Value, ApiError> {
        let params = PatchParams { dry_run: run == Run::Dry, ..PatchParams::apply(manager).force() };
        let (objects, patch) = (self.objects(key).await?, Patch::Apply(object));
        let done = whole(|| objects.patch(&key.name, &params, &patch)).await;
        done.map(plain).map_err(|error| refusal(key, error))
    }

    /// Merges `patch` into an object that is there.
    pub(super) async fn merge(&self, key: &Key, patch: &Value) -> Result<(), ApiError> {
        let params = PatchParams { field_manager: Some(KNARR.to_owned()), ..PatchParams::default() };
        let done = self.objects(key).await?.patch(&key.name, &params, &Patch::Merge(patch)).await;
        done.map(drop).map_err(|error| refusal(key, error))
    }

    /// Makes an object that was not there, or replaces the one whose `resourceVersion` it has.
    pub(super) async fn write(&self, key: &Key, object: &Value) -> Result<(), ApiError> {
        let objects = self.objects(key).await?;
        let new: DynamicObject = serde_json::from_value(object.clone())
            .map_err(|error| ApiError::Silent(format!("{key} is no object: {error}")))?;
        let params = PostParams { field_manager: Some(KNARR.to_owned()), ..PostParams::default() };
        let done = match &new.metadata.resource_version {
            Some(_) => objects.replace(&key.name, &params, &new).await,
            None => objects.create(&params, &new).await,
        };
        done.map(drop).map_err(|error| refusal(key, error))
    }

    /// Deletes exactly the object that was seen.
    pub(super) async fn delete(&self, key: &Key, seen: &Value) -> Result<(), ApiError> {
        let uid = seen.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned);
        let params = DeleteParams::default().preconditions(Preconditions { uid, resource_version: None });
        match self.objects(key).await?.delete(&key.name, &params).await {
            Ok(_) => Ok(()),
            Err(Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(refusal(key, error)),
        }
    }

    async fn objects(&self, key: &Key) -> Result<Objects<DynamicObject>, ApiError> {
        let Kind { resource, namespaced } = self.kind(key).await?;
        Ok(match key.namespace.as_ref().filter(|_| namespaced) {
            Some(namespace) => Objects::namespaced_with(self.client.clone(), namespace, &resource),
            None => Objects::all_with(self.client.clone(), &resource),
        })
    }

    async fn kind(&self, key: &Key) -> Result<Kind, ApiError> {
        let name = (key.api_version.clone(), key.kind.clone());
        let known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let version = key.api_version.rsplit('/').next().unwrap_or_default();
        let wanted = GroupVersionKind::gvk(key.group(), version, &key.kind);
        let no_kind = || ApiError::NoKind(key.api_version.clone(), key.kind.clone());
        let (resource, abilities) = match whole(|| discovery::pinned_kind(&self.client, &wanted)).await {
            Ok(found) => found,
            Err(Error::Discovery(DiscoveryError::MissingKind(_) | DiscoveryError::MissingApiGroup(_))) => {
                return Err(no_kind());
            }
            Err(Error::Api(status)) if status.code == 404 => return Err(no_kind()),
            Err(error) => return Err(refusal(key, error)),
        };
        let kind = Kind { resource, namespaced: abilities.scope == Scope::Namespaced };
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).insert(name, kind.clone());
        Ok(kind)
    }
}

/// Asks once more when the answer breaks off, as proxies that restart let it. Only for what is the same when it is done twice:
/// to read, and to apply, but not to write what nobody else may have written since.
async fn whole<T, F: Future<Output = Result<T, Error>>>(ask: impl Fn() -> F) -> Result<T, Error> {
    match ask().await {
        Err(Error::HyperError(_) | Error::Service(_)) => ask().await,
        done => done,
    }
}

fn plain(object: DynamicObject) -> Value {
    serde_json::to_value(object).expect("what came as JSON goes as JSON")
}

/// Tells a no from silence: an API server that starts, stops or has lost its etcd answers with these codes too.
fn refusal(key: &Key, error: Error) -> ApiError {
    let Error::Api(status) = error else { return ApiError::Silent(deepest(&error)) };
    match status.code {
        429 | 503 | 504 => ApiError::Silent(format!("{} {}", status.code, status.reason)),
        code => ApiError::Refused { key: key.clone(), code, why: status.message },
    }
}

/// Returns the last cause, which says what happened; the first ones only say where.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
