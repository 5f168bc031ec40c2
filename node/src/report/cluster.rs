//! What a server says of Kubernetes' objects after a pass. It is apart from the machine's own outcome: a machine never
//! waits for the cluster, which may wait for that machine.

use crate::name::{KeyId, NodeName, Oid};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How the cluster's half of a pass ended on a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// Who makes the objects so now, as the server that says this knows; none while the API does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<NodeName>,
    /// The accepted commit that it was done for.
    pub commit: Oid,
    /// How it ended.
    pub how: ClusterOutcome,
    /// What Argo CD says of the Applications that the commit wants, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub apps: BTreeMap<String, AppReport>,
    /// The keys that the sealed-secrets controller uses and the commit does not plant: somebody else made them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub strange_keys: BTreeSet<KeyId>,
}

/// What Argo CD says of one Application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppReport {
    /// How it stands.
    pub how: AppOutcome,
    /// Argo CD's own words, e.g. `Synced, Healthy`, in one line.
    pub said: String,
    /// Where people find it, as its Ingresses say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// How an Application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppOutcome {
    /// It runs as its commit says.
    Healthy,
    /// Argo CD is at it.
    Coming,
    /// Argo CD has done what it can.
    Broken,
}

/// How the objects stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterOutcome {
    /// They are as the commit says.
    Converged,
    /// Another server sees to them.
    Elsewhere,
    /// Something else must happen first, which is no fault.
    Waiting {
        /// What, in one line.
        why: String,
    },
    /// It is tried again by itself.
    Retry {
        /// What failed, in one line.
        why: String,
    },
}

impl ClusterReport {
    /// Whether nothing more happens by itself: objects and apps are as the commit says, or only a person helps.
    pub fn is_settled(&self, commit: &Oid) -> bool {
        let coming = self.apps.values().any(|app| app.how == AppOutcome::Coming);
        self.how == ClusterOutcome::Converged && self.commit == *commit && !coming
    }

    /// Whether this server sees to the objects, or tries to.
    pub fn acts(&self) -> bool {
        self.how != ClusterOutcome::Elsewhere
    }

    /// Returns the newest word of a server that sees to the objects, or tries to; `said` has each with its time.
    pub fn acting<'a, T: Ord>(said: impl Iterator<Item = (T, &'a Self)>) -> Option<&'a Self> {
        let acting = said.filter(|(_, report)| report.acts());
        acting.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, report)| report)
    }

    /// Returns a line for people of how the objects stand, then one for each app.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let apps = self.apps.iter().map(|(name, app)| format!("app {name}: {app}"));
        std::iter::once(format!("cluster: {self}")).chain(apps)
    }
}

impl fmt::Display for AppReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)?;
        self.urls.iter().try_for_each(|url| write!(f, "   {url}"))
    }
}

impl fmt::Display for ClusterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = |f: &mut fmt::Formatter<'_>| match &self.by {
            Some(node) => write!(f, " by {node}"),
            None => Ok(()),
        };
        match &self.how {
            ClusterOutcome::Converged => {
                write!(f, "converged at {}", self.commit.short())?;
                by(f)
            }
            ClusterOutcome::Elsewhere => {
                f.write_str("seen to")?;
                by(f)
            }
            ClusterOutcome::Waiting { why } => write!(f, "waiting: {why}"),
            ClusterOutcome::Retry { why } => write!(f, "retry: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(how: ClusterOutcome, app: AppOutcome) -> ClusterReport {
        let app = AppReport { how: app, said: String::new(), urls: vec![] };
        let commit = "a".repeat(40).parse().expect("it is a commit id");
        let apps = [("shop".to_owned(), app)].into();
        ClusterReport { by: None, commit, how, apps, strange_keys: [].into() }
    }

    #[test]
    fn a_cluster_has_settled_when_its_objects_are_made_and_no_app_is_still_coming() {
        use ClusterOutcome::{Converged, Elsewhere, Waiting};
        let [here, other] =
            ["a", "b"].map(|digit| digit.repeat(40).parse::<Oid>().expect("it is a commit id"));
        let settled = |how, app| report(how, app).is_settled(&here);
        assert!(settled(Converged, AppOutcome::Healthy) && settled(Converged, AppOutcome::Broken));
        assert!(!settled(Converged, AppOutcome::Coming));
        assert!(!settled(Waiting { why: String::new() }, AppOutcome::Healthy));
        assert!(!report(Converged, AppOutcome::Healthy).is_settled(&other));
        let (acts, looks_on) =
            (report(Converged, AppOutcome::Healthy), report(Elsewhere, AppOutcome::Healthy));
        assert_eq!(ClusterReport::acting([(2, &looks_on), (1, &acts)].into_iter()), Some(&acts));
    }
}
