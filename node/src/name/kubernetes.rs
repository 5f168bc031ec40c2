//! Names that Kubernetes gives its own rules to.

use super::{BadName, is_label};
use serde::{Deserialize, Serialize};
use std::fmt;

name!(
    /// Name of a namespace: an RFC 1123 label, e.g. `shop`.
    Namespace, "a namespace", "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit", is_label
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
