//! A new sealing key with its certificate: made once by `knarr new`, and found by the controller as one of its own.

use super::{KeyError, NAMESPACE, SealingKey};
use crate::secrets::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use knarr_node::name::ClusterName;
use pem_rfc7468::LineEnding;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyUsagePurpose, date_time_ymd};
use serde::Serialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// How long the certificate seals, in years; what was sealed opens for ever. As the controller's own: 10.
const YEARS: i16 = 10;

/// A key pair as files.
pub struct Pair {
    /// The certificate, in PEM.
    pub certificate: String,
    /// The Secret with the private key that the controller reads at its start, as JSON.
    pub manifest: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// A Secret as the controller keeps its keys.
/// Source: sealed-secrets v0.27.1, pkg/controller/keys.go, writeKey.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    r#type: &'static str,
    data: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
struct Metadata {
    name: String,
    namespace: &'static str,
    labels: BTreeMap<&'static str, &'static str>,
}

impl Pair {
    /// Makes the files of a key: its certificate holds from `today`, UTC.
    pub fn of(key: &SealingKey, cluster: &ClusterName, today: Date) -> Result<Self, KeyError> {
        let certificate = certificate(key, cluster, today)?;
        let manifest = manifest(key, &certificate);
        Ok(Self { certificate, manifest })
    }
}

fn certificate(key: &SealingKey, cluster: &ClusterName, today: Date) -> Result<String, KeyError> {
    let day = |date: Date| date_time_ymd(date.year().into(), number(date.month()), number(date.day()));
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("sealed secrets of {cluster}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::EncipherOnly];
    params.not_before = day(today);
    params.not_after = day(today.saturating_add(jiff::Span::new().years(YEARS)));
    let certificate = params.self_signed(key).map_err(|_| KeyError::Make)?;
    let text = pem_rfc7468::encode_string("CERTIFICATE", LineEnding::LF, certificate.der());
    text.map_err(|_| KeyError::Make)
}

fn number(part: i8) -> u8 {
    part.unsigned_abs()
}

fn manifest(key: &SealingKey, certificate: &str) -> Zeroizing<Vec<u8>> {
    let private = Zeroizing::new(STANDARD.encode(key.pem().as_bytes()));
    let public = STANDARD.encode(certificate);
    let hex = digest(certificate.as_bytes()).hex();
    let manifest = Manifest {
        api_version: "v1",
        kind: "Secret",
        metadata: Metadata {
            name: format!("sealed-secrets-key-{}", hex.as_str().get(..8).expect("a digest has 64 digits")),
            namespace: NAMESPACE,
            labels: BTreeMap::from([("sealedsecrets.bitnami.com/sealed-secrets-key", "active")]),
        },
        r#type: "kubernetes.io/tls",
        data: BTreeMap::from([("tls.crt", public.as_str()), ("tls.key", private.as_str())]),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(private.len() + public.len() + 4096)); // grows no more
    serde_json::to_writer_pretty(&mut *bytes, &manifest).expect("texts are JSON");
    bytes.push(b'\n');
    bytes
}
