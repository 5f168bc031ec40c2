//! The keys that sealed-secrets' controller uses, held against those that the commit plants: what others seal, the
//! repository does not open.

use super::Part;
use super::api::{Api, ApiError};
use super::documents::wipe;
use super::key::Key;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use knarr_node::name::KeyId;
use serde_json::Value;
use ssh_key::public::{KeyData, RsaPublicKey};
use ssh_key::{HashAlg, Mpint};
use std::collections::BTreeSet;
use x509_parser::pem::parse_x509_pem;
use x509_parser::public_key::PublicKey;

/// What the Secret of a key carries that the controller uses. Source: sealed-secrets v0.27.1, pkg/controller/keys.go.
const ACTIVE: &str = "sealedsecrets.bitnami.com/sealed-secrets-key=active";

/// Returns the keys that are in use and that no manifest plants. A Secret without a certificate is no key.
pub(super) async fn strange_keys(api: &Api, parts: &[Part]) -> Result<BTreeSet<KeyId>, ApiError> {
    let keys = Key::new("v1", "Secret", Some("kube-system"), "of the sealing keys");
    let mut live = api.labelled(&keys, ACTIVE).await?;
    let there: BTreeSet<KeyId> = live.iter().filter_map(id).collect();
    live.iter_mut().for_each(wipe);
    let documents = parts.iter().flat_map(|part| &part.documents);
    let planted = documents.filter(|it| it.key.kind == "Secret").filter_map(|it| id(&it.object)).collect();
    Ok(there.difference(&planted).cloned().collect())
}

/// Returns the fingerprint of the key in a Secret by its certificate; the private half is not looked at.
fn id(secret: &Value) -> Option<KeyId> {
    let text = STANDARD.decode(secret["data"]["tls.crt"].as_str()?).ok()?;
    let (_, pem) = parse_x509_pem(&text).ok()?;
    let certificate = pem.parse_x509().ok()?;
    let Ok(PublicKey::RSA(rsa)) = certificate.public_key().parsed() else { return None };
    let [n, e] = [rsa.modulus, rsa.exponent].map(|number| Mpint::from_positive_bytes(number).ok());
    let key = KeyData::Rsa(RsaPublicKey { n: n?, e: e? });
    key.fingerprint(HashAlg::Sha256).to_string().parse().ok()
}
