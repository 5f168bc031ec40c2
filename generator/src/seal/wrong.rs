//! Why a sealed value does not open: tried with other labels, for the mathematics tells the right one only.

use super::{Keyring, OpenError, Scope, SealedSecret};
use knarr_node::name::{DataKey, Namespace, ObjectName};

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Its scope is another than the file says.
    #[error("it was sealed {sealed}, and its file says {said}")]
    Scope {
        /// With which it was sealed.
        sealed: Scope,
        /// What the annotations say.
        said: Scope,
    },
    /// It was sealed for another Secret.
    #[error("it was sealed for {0}")]
    Elsewhere(String),
    /// It was sealed for another namespace.
    #[error("it was sealed for the namespace {0}")]
    Namespace(Namespace),
    /// None of the keys opens it.
    #[error("no known key opens it, for any Secret or namespace that is here")]
    Key,
    /// It was changed.
    #[error("it was changed after it was sealed")]
    Changed,
    /// It is no sealed value.
    #[error("it is no sealed value")]
    NoValue,
}

impl Keyring {
    /// Says what is wrong with a value, which stands in `sealed` under `key`; none when it opens. It may have been sealed for
    /// one of `names`.
    pub fn wrong(
        &self,
        sealed: &SealedSecret,
        key: &DataKey,
        text: &str,
        names: &[(Option<Namespace>, ObjectName)],
    ) -> Option<Wrong> {
        match self.open(&sealed.label(), key, text).err()? {
            OpenError::NoValue { .. } => Some(Wrong::NoValue),
            OpenError::Changed { .. } => Some(Wrong::Changed),
            OpenError::Refused { .. } => Some(self.other(sealed, key, text, names)),
        }
    }

    /// Looks for what it was sealed for: this Secret in another scope, else another.
    fn other(
        &self,
        sealed: &SealedSecret,
        key: &DataKey,
        text: &str,
        names: &[(Option<Namespace>, ObjectName)],
    ) -> Wrong {
        // One that was changed after this is known by its own key, too.
        let fits = |label: &[u8]| !matches!(self.open(label, key, text), Err(OpenError::Refused { .. }));
        let (namespace, name, said) =
            (sealed.metadata.namespace.as_ref(), &sealed.metadata.name, sealed.scope());
        for scope in [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide] {
            if scope != said && fits(&scope.label(namespace, name)) {
                return Wrong::Scope { sealed: scope, said };
            }
        }
        for (namespace, name) in names {
            if fits(&Scope::Strict.label(namespace.as_ref(), name)) {
                let namespace =
                    namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
                return Wrong::Elsewhere(format!("{namespace}{name}"));
            }
        }
        let mut namespaces: Vec<&Namespace> =
            names.iter().filter_map(|(namespace, _)| namespace.as_ref()).collect();
        namespaces.dedup();
        let found = namespaces.into_iter().find(|namespace| fits(namespace.as_str().as_bytes()));
        found.map_or(Wrong::Key, |namespace| Wrong::Namespace(namespace.clone()))
    }
}

#[cfg(test)]
mod tests;
