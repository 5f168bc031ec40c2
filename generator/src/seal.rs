//! Sealing: the values of a Secret, encrypted to the cluster's key as sealed-secrets does it.
//!
//! Pure: the clock and the randomness come in, files and terminals are elsewhere. Whoever has the certificate can seal,
//! offline; only the private key opens, which lies in the cluster and in `secrets/sealing-keys.age`.

mod certificate;
pub mod check;
mod file;
pub(crate) mod held;
mod key;
mod keyring;
mod object;
mod opened;
mod pair;
mod pem;
mod ring;
mod said;
mod scope;
mod secret;
pub(crate) mod twice;
mod wire;
mod wrong;

pub use certificate::{Certificate, CertificateError};
pub use file::{Entry, NoSealed, SealedFile};
pub use held::{is_sealed, sealed_by};
pub(crate) use key::pkcs1;
pub use key::{KeyError, OpenError, SealingKey};
pub use keyring::Keyring;
pub use object::{Plain, SealError, SealedSecret, Template, Value};
pub use opened::{Form, opened};
pub(crate) use pair::Hidden;
pub use pair::Pair;
pub use ring::{Ring, RingError};
pub use scope::Scope;
pub use secret::{Empty, Flaw, Found, Given, NoSecrets, Other, secrets};
pub use wrong::Wrong;

pub use knarr_node::name::KeyId;

/// Where the certificate lies in the repository.
pub const CERTIFICATE: &str = "secrets/sealing.crt";
/// Where the private key lies, encrypted to people.
pub const KEYS: &str = "secrets/sealing-keys.age";
/// The secret that this is to machines and people: the private keys, as a manifest.
pub const SEALING_KEYS: &str = "sealing-keys";
/// The namespace of the controller and its keys, where kubeseal looks for them.
/// Source: sealed-secrets v0.27.1, cmd/kubeseal/main.go, `--controller-namespace`.
pub const NAMESPACE: &str = "kube-system";

#[cfg(test)]
mod tests;
