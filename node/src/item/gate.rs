//! What must be so before a unit is changed or started.

use crate::name::{AbsPath, Digest, HttpsUrl, NodeName};
use serde::{Deserialize, Serialize};

/// Something else that comes first. It is asked only when the unit is about to change or start; while it is closed,
/// the unit is left as it is, all else goes on, and the next pass asks again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Gate {
    /// Open when one of these addresses gives exactly these bytes; who gives them is not checked before, the digest
    /// decides.
    Url {
        /// Where they are asked for, in this order.
        at: Vec<HttpsUrl>,
        /// SHA-256 of the bytes, e.g. of a CA's certificate in PEM.
        ca: Digest,
    },
    /// Open unless this node says that it has not yet settled at the same commit or a later one. One that does not
    /// answer is not waited for: no commit that repairs it may be blocked by it.
    Settled(NodeName),
    /// Open when something lies in this folder: what starts there without its data would begin anew.
    Data(AbsPath),
}

impl Gate {
    /// Whether it opens by itself, without a person.
    pub fn opens_by_itself(&self) -> bool {
        match self {
            Self::Url { .. } | Self::Settled(_) => true,
            Self::Data(_) => false,
        }
    }
}
