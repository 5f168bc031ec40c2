//! What makes a cluster that cluster: its authorities and tokens, made once by `knarr new`.

use super::authority::{Authority, MaterialError, Pair};
use crate::seal::pkcs1;
use crate::secrets::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use jiff::civil::Date;
use knarr_node::name::{ClusterName, Digest, RepoPath, SecretName};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The secret that lets a machine join as a server.
pub const SERVER_TOKEN: &str = "k3s-token";
/// The secret that lets a machine join as an agent.
pub const AGENT_TOKEN: &str = "k3s-agent-token";
/// The secret that signs the tokens of service accounts.
pub const SERVICE_KEY: &str = "k3s-service-key";

/// Certificates and secrets of a new cluster.
pub struct Material {
    /// Certificates in PEM, by where they lie in the repository.
    pub certificates: BTreeMap<RepoPath, String>,
    /// Private keys in PEM, and tokens, by name.
    pub secrets: BTreeMap<SecretName, Zeroizing<String>>,
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Material").field("certificates", &self.certificates).finish_non_exhaustive()
    }
}

impl Material {
    /// Makes all of it: the authorities hold from `today`, UTC.
    pub fn new(cluster: &ClusterName, today: Date) -> Result<Self, MaterialError> {
        let mut made = Self { certificates: BTreeMap::new(), secrets: BTreeMap::new() };
        for authority in Authority::ALL {
            let Pair { certificate, key } = authority.pair(cluster, today)?;
            made.certificates.insert(authority.certificate(), certificate);
            made.secrets.insert(authority.key(), key);
        }
        let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| MaterialError::Service)?;
        made.secrets.insert(name(SERVICE_KEY), pkcs1(&key));
        let ca = fingerprint(made.certificates[&Authority::Server.certificate()].as_bytes());
        made.secrets.insert(name(SERVER_TOKEN), token(&ca, "server")?);
        made.secrets.insert(name(AGENT_TOKEN), token(&ca, "node")?);
        Ok(made)
    }

    /// Returns the names of all secrets of a cluster.
    pub fn names() -> impl Iterator<Item = SecretName> {
        let others = [SERVICE_KEY, SERVER_TOKEN, AGENT_TOKEN].map(name);
        Authority::ALL.into_iter().map(Authority::key).chain(others)
    }
}

fn name(text: &str) -> SecretName {
    text.parse().expect("it is a label")
}

/// Returns what pins an authority: the digest of its file in PEM, as it holds one certificate that signed itself.
/// Source: k3s:pkg/clientaccess/token.go, hashCA, v1.36.
pub fn fingerprint(pem: &[u8]) -> Digest {
    digest(pem)
}

/// Makes a token in the form that pins the authority: `K10<digest>::<user>:<password>`.
/// Source: k3s:pkg/clientaccess/token.go, FormatToken, v1.36.
fn token(ca: &Digest, user: &str) -> Result<Zeroizing<String>, MaterialError> {
    let mut random = Zeroizing::new([0u8; 32]);
    SystemRandom::new().fill(random.as_mut()).map_err(|_| MaterialError::Token)?;
    let mut text = Zeroizing::new(String::with_capacity(160)); // grows no more
    text.extend(["K10", ca.hex().as_str(), "::", user, ":"]);
    let digits = random.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(digits.map(|digit| char::from_digit(digit.into(), 16).expect("four bits are a digit")));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::pem::parse_x509_pem;

    fn made() -> Material {
        Material::new(&"harbor".parse().unwrap(), jiff::civil::date(2026, 11, 21)).unwrap()
    }

    #[test]
    fn each_authority_signed_itself_and_holds_ten_years() {
        let made = made();
        assert_eq!(made.certificates.len(), 5);
        for (path, text) in &made.certificates {
            let (rest, pem) = parse_x509_pem(text.as_bytes()).unwrap();
            assert!(rest.is_empty(), "{path} holds one certificate");
            let certificate = pem.parse_x509().unwrap();
            assert!(certificate.is_ca() && certificate.subject() == certificate.issuer(), "{path}");
            let from = certificate.validity().not_before.to_datetime().date().to_string();
            let until = certificate.validity().not_after.to_datetime().date().to_string();
            assert_eq!((from.as_str(), until.as_str()), ("2026-11-21", "2036-11-21"));
        }
    }

    #[test]
    fn tokens_pin_the_servers_authority_and_have_passwords_of_their_own() {
        let made = made();
        let ca = fingerprint(made.certificates["secrets/server-ca.crt"].as_bytes());
        let password = |secret: &str, user: &str| {
            let begin = format!("K10{}::{user}:", ca.hex());
            made.secrets[&name(secret)].strip_prefix(&begin).unwrap().to_owned()
        };
        let [server, agent] = [password(SERVER_TOKEN, "server"), password(AGENT_TOKEN, "node")];
        assert!(server.len() == 64 && agent.len() == 64 && server != agent);
    }

    #[test]
    fn every_secret_has_its_name_and_debug_shows_none() {
        let made = made();
        let names: std::collections::BTreeSet<SecretName> = Material::names().collect();
        assert!(made.secrets.keys().eq(&names));
        assert!(!format!("{made:?}").contains("PRIVATE"));
    }
}
