//! Names that Kubernetes gives its own rules to.

use super::{BadName, is_label};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

name!(
    /// Name of a namespace: an RFC 1123 label, e.g. `shop`.
    Namespace, "a namespace", "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", is_label
);
name!(
    /// Name of an app in `apps/`, which Argo CD's Application has too: an RFC 1123 label, e.g. `shop`.
    AppName, "an app's name", "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", is_label
);
name!(
    /// Name of most objects, Secrets among them: an RFC 1123 subdomain, e.g. `db` or `db.shop`.
    /// Source: Kubernetes, "Object Names and IDs", v1.36.
    ObjectName, "an object's name", "labels of a-z, 0-9 and -, joined by dots, at most 253 characters",
    |text| text.len() <= 253 && text.split('.').all(is_label)
);
name!(
    /// Key of a value in a Secret or ConfigMap, e.g. `tls.crt`.
    /// Source: k8s.io/apimachinery v0.36, validation.IsConfigMapKey: 1 to 253, not `.`, not beginning with `..`.
    DataKey, "a key of a Secret", "1 to 253 letters, digits and ._-, neither . nor beginning with ..",
    |text| (1..=253).contains(&text.len())
        && text != "." && !text.starts_with("..")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
);
name!(
    /// Fingerprint of a sealing key, as sealed-secrets and OpenSSH print it.
    /// Source: sealed-secrets v0.27.1, pkg/crypto/crypto.go, PublicKeyFingerprint.
    KeyId, "the fingerprint of a key", "SHA256: and 43 characters of base64",
    |text| text.strip_prefix("SHA256:").is_some_and(|sum| {
        sum.len() == 43 && sum.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b))
    })
);
name!(
    /// Name of a manifest in `rendered/cluster.yaml`: an RFC 1123 label, e.g. `argocd`.
    ObjectsName, "a name of objects", "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", is_label
);
name!(
    /// Key of a label or taint, e.g. `topology.kubernetes.io/region`.
    /// Source: k8s.io/apimachinery v0.36, validation.IsQualifiedName.
    LabelKey, "a label's key", "at most 63 letters, digits and -_., a letter or digit at both ends; before it perhaps a domain and /",
    |text| match text.split_once('/') {
        Some((domain, name)) => domain.len() <= 253 && domain.split('.').all(is_label) && is_word(name),
        None => is_word(text),
    }
);
name!(
    /// Value of a label or taint, e.g. `nbg`; it may be empty.
    /// Source: k8s.io/apimachinery v0.36, validation.IsValidLabelValue.
    LabelValue, "a label's value", "at most 63 letters, digits and -_., a letter or digit at both ends, or nothing",
    |text| text.is_empty() || is_word(text)
);

fn is_word(text: &str) -> bool {
    let ends = [text.bytes().next(), text.bytes().last()];
    text.len() <= 63
        && ends.iter().all(|end| end.is_some_and(|b| b.is_ascii_alphanumeric()))
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

impl LabelKey {
    /// Whether a kubelet may give its own Node a label of this key when it registers; told of another, it does not start.
    ///
    /// Source: k8s.io/kubernetes v1.36, cmd/kubelet/app/options, validateUnknownLabels; pkg/kubelet/apis/well_known_labels.go.
    pub fn is_for_kubelet(&self) -> bool {
        let Some((domain, _)) = self.as_str().split_once('/') else { return true };
        let within =
            |of: &str| domain == of || domain.strip_suffix(of).is_some_and(|rest| rest.ends_with('.'));
        let reserved = within("kubernetes.io") || within("k8s.io");
        let kubelets = within("kubelet.kubernetes.io") || within("node.kubernetes.io");
        !reserved || kubelets || WELL_KNOWN.contains(&self.as_str())
    }
}

/// Labels of Kubernetes' own domains that a kubelet may set, besides those of `node.kubernetes.io`.
const WELL_KNOWN: [&str; 10] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

/// A taint as `kubectl taint` takes it: `dedicated=db:NoSchedule`, or without a value `dedicated:NoSchedule`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Taint {
    /// Its key; key and effect together tell a node's taints apart.
    pub key: LabelKey,
    /// Its value.
    pub value: Option<LabelValue>,
    /// What it does to Pods that do not tolerate it.
    pub effect: Effect,
}

/// What a taint does to Pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// None is placed there.
    NoSchedule,
    /// None is placed there while there is another node.
    PreferNoSchedule,
    /// None is placed there, and those that run there leave.
    NoExecute,
}

impl Effect {
    /// Returns Kubernetes' word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

impl Taint {
    /// The rule that every taint satisfies, for people.
    pub const RULE: &'static str =
        "key=value:effect or key:effect, the effect being NoSchedule, PreferNoSchedule or NoExecute";
}

impl FromStr for Taint {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let odd = || BadName { what: "a taint", text: text.to_owned(), rule: Self::RULE };
        let (what, effect) = text.rsplit_once(':').ok_or_else(odd)?;
        let effects = [Effect::NoSchedule, Effect::PreferNoSchedule, Effect::NoExecute];
        let effect = effects.into_iter().find(|known| known.as_str() == effect).ok_or_else(odd)?;
        let (key, value) = match what.split_once('=') {
            Some((key, value)) => (key, Some(value.parse().map_err(|_| odd())?)),
            None => (what, None),
        };
        Ok(Self { key: key.parse().map_err(|_| odd())?, value, effect })
    }
}

impl TryFrom<String> for Taint {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Taint> for String {
    fn from(taint: Taint) -> String {
        taint.to_string()
    }
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, effect } = self;
        write!(f, "{key}")?;
        if let Some(value) = value {
            write!(f, "={value}")?;
        }
        write!(f, ":{}", effect.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taint_is_as_kubectl_takes_it() {
        for good in ["dedicated=db:NoSchedule", "node.example/x:NoExecute", "a=:PreferNoSchedule"] {
            assert_eq!(good.parse::<Taint>().unwrap().to_string(), good);
        }
        for bad in ["", "a", "a:Never", "a=b", "=b:NoSchedule", "a=b c:NoSchedule", "a:b=c:NoSchedule"] {
            assert!(bad.parse::<Taint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_label_is_as_kubernetes_takes_it() {
        for good in ["region", "topology.kubernetes.io/region", "A_b.c"] {
            assert!(good.parse::<LabelKey>().is_ok(), "{good}");
        }
        for bad in ["", "/x", "x/", "a/b/c", "-x", "x y", "Domain.io/x"] {
            assert!(bad.parse::<LabelKey>().is_err(), "{bad}");
        }
        assert!("".parse::<LabelValue>().is_ok() && "x-".parse::<LabelValue>().is_err());
    }

    #[test]
    fn a_kubelet_is_not_told_labels_that_it_may_not_set() {
        let may = |key: &str| key.parse::<LabelKey>().unwrap().is_for_kubelet();
        let free = ["disk", "example.org/a", "topology.kubernetes.io/region", "node.kubernetes.io/pool"];
        assert!(free.into_iter().all(may));
        assert!(!["node-role.kubernetes.io/db", "kubernetes.io/db", "k8s.io/a"].into_iter().any(may));
    }
}
