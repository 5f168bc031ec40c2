//! A sealing key with its certificate, and the Secret in which the controller finds both.

use super::{Certificate, KeyError, KeyId, NAMESPACE, SealingKey};
use crate::secrets::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{Span, Timestamp, tz::TimeZone};
use knarr_node::name::{ClusterName, ObjectName};
use pem_rfc7468::LineEnding;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyUsagePurpose, date_time_ymd};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use x509_parser::pem::parse_x509_pem;
use zeroize::Zeroizing;

/// How long the certificate seals, in years; what was sealed opens for ever. As the controller's own: 10.
const YEARS: i64 = 10;

/// Label of the controller's own Secrets, and its value while a key is used.
/// Source: sealed-secrets v0.27.1, pkg/controller/keys.go, SealedSecretsKeyLabel.
pub(super) const LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
pub(super) const ACTIVE: &str = "active";

/// A sealing key and its certificate.
#[derive(Debug)]
pub struct Pair {
    /// The private half.
    pub key: SealingKey,
    /// The public half.
    pub certificate: Certificate,
    /// The certificate, in PEM.
    pub pem: String,
    /// The name of the controller's Secret with both.
    pub name: ObjectName,
}

/// A Secret as the controller keeps its keys.
/// Source: sealed-secrets v0.27.1, pkg/controller/keys.go, writeKey.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    r#type: &'static str,
    data: BTreeMap<&'static str, Hidden>,
}

/// Text that leaves memory when it is dropped.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hidden(#[serde(with = "hidden")] pub(crate) Zeroizing<String>);

mod hidden {
    use super::Zeroizing;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(text: &Zeroizing<String>, to: S) -> Result<S::Ok, S::Error> {
        text.as_str().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(from).map(Zeroizing::new)
    }
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a ObjectName,
    namespace: &'static str,
    labels: BTreeMap<&'static str, &'static str>,
}

impl Pair {
    /// Makes the certificate of a key; it seals from `since`.
    pub fn of(key: SealingKey, cluster: &ClusterName, since: Timestamp) -> Result<Self, KeyError> {
        let pem = certificate(&key, cluster, since)?;
        Self::named(key, &pem)
    }

    /// Puts together a key and its certificate, and names the Secret by it.
    pub(super) fn named(key: SealingKey, pem: &str) -> Result<Self, KeyError> {
        let hex = digest(pem.as_bytes()).hex();
        let name = format!("sealed-secrets-key-{}", hex.as_str().get(..8).expect("a digest has 64 digits"));
        Self::with(key, pem, name.parse().expect("it is a name of objects"))
    }

    /// Puts together what was read: the certificate is this key's.
    pub(super) fn with(key: SealingKey, pem: &str, name: ObjectName) -> Result<Self, KeyError> {
        let certificate = Certificate::read(pem.as_bytes()).map_err(|_| KeyError::Certificate)?;
        if certificate.id != key.id {
            return Err(KeyError::Certificate);
        }
        let (_, first) = parse_x509_pem(pem.as_bytes()).map_err(|_| KeyError::Certificate)?;
        Ok(Self { key, certificate, pem: encoded(&first.contents)?, name })
    }

    /// Returns the key's fingerprint.
    pub fn id(&self) -> &KeyId {
        &self.key.id
    }

    /// Returns the Secret that the controller reads at its start.
    pub(super) fn manifest(&self) -> Manifest<'_> {
        let encoded = |text: &str| Hidden(Zeroizing::new(STANDARD.encode(text)));
        let (private, public) = (encoded(&self.key.pem()), encoded(&self.pem));
        Manifest {
            api_version: "v1",
            kind: "Secret",
            metadata: Metadata {
                name: &self.name,
                namespace: NAMESPACE,
                labels: BTreeMap::from([(LABEL, ACTIVE)]),
            },
            r#type: "kubernetes.io/tls",
            data: BTreeMap::from([("tls.crt", public), ("tls.key", private)]),
        }
    }
}

fn certificate(key: &SealingKey, cluster: &ClusterName, since: Timestamp) -> Result<String, KeyError> {
    let after = |at: Timestamp| {
        let seconds = u64::try_from(at.as_second()).map_err(|_| KeyError::Make)?;
        Ok(date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds))
    };
    let until = since.to_zoned(TimeZone::UTC).saturating_add(Span::new().years(YEARS)).timestamp();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("sealed secrets of {cluster}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::EncipherOnly];
    (params.not_before, params.not_after) = (after(since)?, after(until)?);
    let certificate = params.self_signed(key).map_err(|_| KeyError::Make)?;
    encoded(certificate.der())
}

fn encoded(certificate: &[u8]) -> Result<String, KeyError> {
    let text = pem_rfc7468::encode_string("CERTIFICATE", LineEnding::LF, certificate);
    text.map_err(|_| KeyError::Certificate)
}
