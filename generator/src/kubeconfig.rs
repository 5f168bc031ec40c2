//! A way for one person into a cluster's API: a client certificate signed here, offline, and the file kubectl reads.

mod read;

use crate::k3s::Authority;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use knarr_node::name::{ClusterName, NodeName, PersonName};
use knarr_node::net::MeshIp;
use pem_rfc7468::LineEnding;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use serde_json::Value;
use zeroize::Zeroizing;

pub use read::{Kubeconfig, NoWay, Way};

/// The group whose members may do everything. Source: Kubernetes, "Using RBAC Authorization", v1.36.
const GROUP: &str = "system:masters";

/// A way into the API.
#[derive(Debug)]
pub struct Access<'a> {
    /// The cluster.
    pub cluster: &'a ClusterName,
    /// Who it is for: audit logs name them.
    pub person: &'a PersonName,
    /// The servers with their addresses in the mesh: the first is asked, each other has a context of its own.
    pub servers: Vec<(&'a NodeName, MeshIp)>,
    /// The certificate of the API's authority, in PEM.
    pub server_ca: &'a [u8],
    /// The first and the last day, UTC.
    pub days: (Date, Date),
}

/// A certificate that cannot be made, or a file that cannot be merged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubeconfigError {
    /// The authority is no certificate with its key.
    #[error("`{0}` is not the certificate of an authority, or `secrets/{1}.age` is not its key")]
    Authority(String, String),
    /// The library refused.
    #[error("cannot make a client certificate")]
    Make,
    /// What is there is none.
    #[error("this is no kubeconfig")]
    NoKubeconfig,
    /// It knows another cluster of this name.
    #[error("it has another {0} `{1}` already")]
    Taken(&'static str, String),
}

impl KubeconfigError {
    /// Says what to type.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Authority(..) => "take earlier ones: git log -- secrets/",
            Self::Make => "try it again",
            Self::NoKubeconfig => "write a file of its own: knarr kubeconfig",
            Self::Taken(..) => {
                "write a file of its own: knarr kubeconfig; or take the old one out: kubectl config delete-cluster, delete-user, delete-context"
            }
        }
    }
}

impl Access<'_> {
    /// Returns the file: kubectl and all clients of Kubernetes read it. It holds a new private key.
    ///
    /// `client_ca` and `client_key` are the authority for clients, in PEM.
    ///
    /// # Errors
    /// When the authority cannot sign.
    pub fn file(&self, client_ca: &[u8], client_key: &[u8]) -> Result<Zeroizing<String>, KubeconfigError> {
        let issuer = issuer(client_ca, client_key).ok_or_else(|| {
            let (file, key) = (Authority::Client.certificate(), Authority::Client.key());
            KubeconfigError::Authority(file.to_string(), key.to_string())
        })?;
        let failed = |_| KubeconfigError::Make;
        let key = Zeroizing::new(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?);
        let certificate = self.params().signed_by(&*key, &issuer).map_err(failed)?;
        let pem = |label, der: &[u8]| {
            let text = pem_rfc7468::encode_string(label, LineEnding::LF, der);
            text.map(Zeroizing::new).map_err(|_| KubeconfigError::Make)
        };
        let private = pem("PRIVATE KEY", key.serialized_der())?;
        let encoded = Zeroizing::new(STANDARD.encode(private.as_bytes()));
        Ok(self.text(&pem("CERTIFICATE", certificate.der())?, &encoded))
    }

    fn params(&self) -> CertificateParams {
        let day = |date: Date| {
            date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
        };
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("knarr:{}", self.person));
        params.distinguished_name.push(DnType::OrganizationName, GROUP);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = day(self.days.0);
        params.not_after = day(self.days.1);
        params
    }

    fn text(&self, certificate: &str, private: &Zeroizing<String>) -> Zeroizing<String> {
        let Self { cluster, person, server_ca, .. } = self;
        let (ca, certificate) = (STANDARD.encode(server_ca), STANDARD.encode(certificate));
        let each = |line: &dyn Fn(&str, MeshIp) -> String| -> String {
            let other = |node: &NodeName| format!("{cluster}@{node}");
            let name = |turn: usize, node| if turn == 0 { cluster.to_string() } else { other(node) };
            let all = self.servers.iter().enumerate();
            all.map(|(turn, (node, ip))| line(&name(turn, node), *ip)).collect::<Vec<_>>().concat()
        };
        let clusters = each(&|name, ip| {
            format!(
                "- name: {name}\n  cluster: {{server: \"https://{ip}:6443\", certificate-authority-data: {ca}}}\n"
            )
        });
        let contexts = each(&|name, _| {
            format!("- name: {name}\n  context: {{cluster: {name}, user: {person}@{cluster}}}\n")
        });
        let public = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {cluster}\nclusters:\n{clusters}contexts:\n{contexts}\
             users:\n- name: {person}@{cluster}\n  user:\n    client-certificate-data: {certificate}\n"
        );
        let mut text = Zeroizing::new(String::with_capacity(public.len() + private.len() + 64));
        text.push_str(&public);
        text.push_str("    client-key-data: ");
        text.push_str(private);
        text.push('\n');
        text
    }
}

fn issuer(certificate: &[u8], key: &[u8]) -> Option<Issuer<'static, KeyPair>> {
    let (_, certificate) = pem_rfc7468::decode_vec(certificate).ok()?;
    let (_, key) = pem_rfc7468::decode_vec(key).ok()?;
    let key = KeyPair::try_from(Zeroizing::new(key).as_slice()).ok()?;
    let of = |der: &[u8]| {
        x509_parser::parse_x509_certificate(der).ok().map(|(_, it)| it.public_key().raw.to_vec())
    };
    let same = of(&certificate)? == rcgen::PublicKeyData::subject_public_key_info(&key);
    same.then(|| Issuer::from_ca_cert_der(&certificate.as_slice().into(), key).ok()).flatten()
}

/// Puts one way into a file that may know others, and makes it the current one.
///
/// # Errors
/// When the file is no kubeconfig, or has another cluster of this name.
pub fn merged(there: &str, new: &str) -> Result<Value, KubeconfigError> {
    let read = |text: &str| serde_saphyr::from_str::<Value>(text).map_err(|_| KubeconfigError::NoKubeconfig);
    let (mut all, new) = (read(there)?, read(new)?);
    if all.is_null() {
        return Ok(new);
    }
    let map = all.as_object_mut().ok_or(KubeconfigError::NoKubeconfig)?;
    if map.get("kind").and_then(Value::as_str).is_some_and(|kind| kind != "Config") {
        return Err(KubeconfigError::NoKubeconfig);
    }
    for (list, what) in [("clusters", "cluster"), ("contexts", "context"), ("users", "user")] {
        let entries = map.entry(list).or_insert(Value::Null);
        if entries.is_null() {
            *entries = Value::Array(Vec::new());
        }
        let entries = entries.as_array_mut().ok_or(KubeconfigError::NoKubeconfig)?;
        for entry in new[list].as_array().into_iter().flatten() {
            match entries.iter_mut().find(|there| there["name"] == entry["name"]) {
                Some(there) if what == "cluster" && !same_cluster(there, entry) => {
                    let name = entry["name"].as_str().unwrap_or_default().to_owned();
                    return Err(KubeconfigError::Taken(what, name));
                }
                Some(there) => *there = entry.clone(),
                None => entries.push(entry.clone()),
            }
        }
    }
    map.insert("current-context".to_owned(), new["current-context"].clone());
    Ok(all)
}

/// Whether both name the same authority: a server may have moved.
fn same_cluster(one: &Value, other: &Value) -> bool {
    let ca = |entry: &Value| entry["cluster"]["certificate-authority-data"].clone();
    ca(one) == ca(other)
}

#[cfg(test)]
mod tests;
