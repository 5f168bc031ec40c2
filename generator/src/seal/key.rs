//! The private half: it opens what was sealed, and signs its own certificate. Never shown in Debug or errors.

use super::certificate;
use super::wire::{self, Refused};
use super::{SealedSecret, Value};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use knarr_node::name::{DataKey, KeyId};
use pem_rfc7468::LineEnding;
use pkcs8::PrivateKeyInfo;
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// How PEM calls an RSA key as PKCS#1, which is how the controller writes it.
const PKCS1: &str = "RSA PRIVATE KEY";

/// A private key that cannot be made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The library or the operating system refused.
    #[error("cannot make an RSA key")]
    Make,
    /// No private RSA key in PEM.
    #[error("this is no private RSA key in PEM (PKCS#1 or PKCS#8)")]
    Read,
    /// No certificate of this key.
    #[error("its certificate is missing, unreadable or another key's")]
    Certificate,
}

/// A value that this key does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is no sealed value.
    #[error("`{key}` is no sealed value")]
    NoValue {
        /// Its key in the Secret.
        key: DataKey,
    },
    /// The key, or what the value is bound to, is another.
    #[error("`{key}` was sealed to another key, or for another name or namespace, or it is damaged")]
    Refused {
        /// Its key in the Secret.
        key: DataKey,
    },
    /// It was changed after the sealing.
    #[error("`{key}` was changed after it was sealed")]
    Changed {
        /// Its key in the Secret.
        key: DataKey,
    },
}

/// A private sealing key.
#[derive(Debug)]
pub struct SealingKey {
    /// Its fingerprint.
    pub id: KeyId,
    pair: KeyPair,
    opens: OaepPrivateDecryptingKey,
}

impl SealingKey {
    /// Makes a key of 4096 bits, as the controller does; takes a second or a few.
    pub fn generate() -> Result<Self, KeyError> {
        Self::of(KeyPair::generate(KeySize::Rsa4096).map_err(|_| KeyError::Make)?).ok_or(KeyError::Make)
    }

    /// Reads a key from PEM, as PKCS#1 or PKCS#8.
    pub fn read(pem: &str) -> Result<Self, KeyError> {
        let (label, der) = pem_rfc7468::decode_vec(pem.as_bytes()).map_err(|_| KeyError::Read)?;
        let der = Zeroizing::new(der);
        let pair = if label == PKCS1 { KeyPair::from_der(&der) } else { KeyPair::from_pkcs8(&der) };
        pair.ok().and_then(Self::of).ok_or(KeyError::Read)
    }

    fn of(pair: KeyPair) -> Option<Self> {
        let public = pair.public_key();
        let id = certificate::id(
            public.modulus().big_endian_without_leading_zero(),
            public.exponent().big_endian_without_leading_zero(),
        )?;
        let key = PrivateDecryptingKey::from_pkcs8(der(&pair)?.as_ref()).ok()?;
        Some(Self { id, opens: OaepPrivateDecryptingKey::new(key).ok()?, pair })
    }

    /// Returns the key as PEM of PKCS#1.
    pub fn pem(&self) -> Zeroizing<String> {
        pkcs1(&self.pair)
    }

    /// Opens all values of a SealedSecret.
    pub fn open(&self, sealed: &SealedSecret) -> Result<BTreeMap<DataKey, Value>, OpenError> {
        let open = |(key, text): (&DataKey, &String)| Ok((key.clone(), self.open_value(sealed, key, text)?));
        sealed.spec.encrypted_data.iter().map(open).collect()
    }

    /// Opens one value of a SealedSecret: `text`, which stands there under `key`.
    pub fn open_value(&self, sealed: &SealedSecret, key: &DataKey, text: &str) -> Result<Value, OpenError> {
        self.open_bound(&sealed.label(), key, text)
    }

    /// Opens one value that is bound to a label; `key` is for the error.
    pub(super) fn open_bound(&self, label: &[u8], key: &DataKey, text: &str) -> Result<Value, OpenError> {
        let bytes = STANDARD.decode(text).map_err(|_| OpenError::NoValue { key: key.clone() })?;
        wire::decrypt(&self.opens, label, &bytes).map(Value).map_err(|why| refused(why, key))
    }
}

/// Returns a private RSA key as PEM of PKCS#1, which Kubernetes' own programs write too.
pub(crate) fn pkcs1(pair: &KeyPair) -> Zeroizing<String> {
    let pkcs8 = der(pair).expect("a key that was made or read can be written");
    let inner = PrivateKeyInfo::try_from(pkcs8.as_ref()).expect("the library writes PKCS#8");
    let text = pem_rfc7468::encode_string(PKCS1, LineEnding::LF, inner.private_key);
    Zeroizing::new(text.expect("a key is shorter than what PEM can hold"))
}

fn der(pair: &KeyPair) -> Option<Pkcs8V1Der<'static>> {
    pair.as_der().ok()
}

fn refused(why: Refused, key: &DataKey) -> OpenError {
    let key = key.clone();
    match why {
        Refused::Short => OpenError::NoValue { key },
        Refused::Key => OpenError::Refused { key },
        Refused::Changed => OpenError::Changed { key },
    }
}

impl PublicKeyData for SealingKey {
    fn der_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for SealingKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let signed = self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map(|()| signature).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
