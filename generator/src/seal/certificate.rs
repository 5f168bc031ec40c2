//! The sealing certificate: the public half of the key, and until when it may be used.

use super::object::LARGEST;
use super::{SealError, Value, wire};
use aws_lc_rs::rand::SecureRandom;
use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use knarr_node::name::{DataKey, KeyId};
use ssh_key::public::{KeyData, RsaPublicKey};
use ssh_key::{HashAlg, Mpint};
use std::collections::BTreeMap;
use x509_parser::certificate::{Validity, X509Certificate};
use x509_parser::error::PEMError;
use x509_parser::pem::{Pem, parse_x509_pem};
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;

/// The fewest bits of a key that may seal.
const FEWEST_BITS: usize = 2048;

/// A certificate that nothing can be sealed with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// No certificate in PEM.
    #[error("it is no certificate in PEM")]
    NotPem,
    /// A certificate of something else.
    #[error("its key is no RSA key")]
    NotRsa,
    /// A key that is too short.
    #[error("its RSA key has {bits} bits, and {FEWEST_BITS} are the least")]
    Weak {
        /// How many it has.
        bits: usize,
    },
    /// It may no longer be used.
    #[error("it expired at {since}")]
    Expired {
        /// When it did.
        since: Timestamp,
    },
}

impl CertificateError {
    /// Says what to do, as one sentence without a full stop.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotPem | Self::NotRsa | Self::Weak { .. } => {
                "take an earlier one: git log -- secrets/sealing.crt"
            }
            Self::Expired { .. } => "put the certificate of a newer key of the controller there",
        }
    }
}

/// Returns the id of an RSA key, both numbers big endian.
pub(super) fn id(modulus: &[u8], exponent: &[u8]) -> Option<KeyId> {
    let [n, e] = [modulus, exponent].map(|number| Mpint::from_positive_bytes(number).ok());
    let key = KeyData::Rsa(RsaPublicKey { n: n?, e: e? });
    key.fingerprint(HashAlg::Sha256).to_string().parse().ok()
}

/// A certificate that was read: its key seals.
#[derive(Debug)]
pub struct Certificate {
    /// The key's fingerprint.
    pub id: KeyId,
    /// From when on it seals: of several keys, the one with the latest seals.
    pub since: Timestamp,
    /// When it stops sealing.
    pub until: Timestamp,
    pub(super) key: OaepPublicEncryptingKey,
}

impl Certificate {
    /// Reads the first certificate of a PEM file, whatever its date.
    pub fn read(pem: &[u8]) -> Result<Self, CertificateError> {
        let (_, pem) = parse_x509_pem(pem).map_err(|_| CertificateError::NotPem)?;
        Self::of(&pem)
    }

    /// Reads all certificates of a PEM file.
    ///
    /// # Errors
    /// When one of them is none, or there is none at all.
    pub fn read_all(pem: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let read = |pem: Result<Pem, PEMError>| Self::of(&pem.map_err(|_| CertificateError::NotPem)?);
        let all: Vec<_> = Pem::iter_from_buffer(pem).map(read).collect::<Result<_, _>>()?;
        if all.is_empty() { Err(CertificateError::NotPem) } else { Ok(all) }
    }

    fn of(pem: &Pem) -> Result<Self, CertificateError> {
        let certificate = pem.parse_x509().map_err(|_| CertificateError::NotPem)?;
        let (id, key) = public(&certificate)?;
        let time = |at: ASN1Time, beyond| Timestamp::from_second(at.timestamp()).unwrap_or(beyond);
        let Validity { not_before, not_after } = *certificate.validity();
        let (since, until) = (time(not_before, Timestamp::MIN), time(not_after, Timestamp::MAX));
        Ok(Self { id, since, until, key })
    }

    /// Reads a certificate that seals now.
    ///
    /// # Errors
    /// [`CertificateError::Expired`] too: the controller's own client refuses as well.
    pub fn valid(pem: &[u8], now: Timestamp) -> Result<Self, CertificateError> {
        let read = Self::read(pem)?;
        if now > read.until { Err(CertificateError::Expired { since: read.until }) } else { Ok(read) }
    }

    /// Seals values, and binds them to a label: base64, as it stands in a file.
    pub fn seal(
        &self,
        label: &[u8],
        values: &BTreeMap<DataKey, Value>,
        random: &dyn SecureRandom,
    ) -> Result<BTreeMap<DataKey, String>, SealError> {
        if values.values().map(|value| value.0.len()).sum::<usize>() > LARGEST {
            return Err(SealError::TooLarge);
        }
        let seal = |(key, value): (&DataKey, &Value)| {
            let bytes = wire::encrypt(&self.key, label, &value.0, random);
            let bytes = bytes.map_err(|_| SealError::Encrypt { to: self.id.clone() })?;
            Ok((key.clone(), STANDARD.encode(bytes)))
        };
        values.iter().map(seal).collect()
    }
}

fn public(of: &X509Certificate<'_>) -> Result<(KeyId, OaepPublicEncryptingKey), CertificateError> {
    let Ok(PublicKey::RSA(rsa)) = of.public_key().parsed() else { return Err(CertificateError::NotRsa) };
    let id = id(rsa.modulus, rsa.exponent).ok_or(CertificateError::NotRsa)?;
    let bits = rsa.key_size();
    if bits < FEWEST_BITS {
        return Err(CertificateError::Weak { bits });
    }
    let key = PublicEncryptingKey::from_der(of.public_key().raw).map_err(|_| CertificateError::NotRsa)?;
    let key = OaepPublicEncryptingKey::new(key).map_err(|_| CertificateError::NotRsa)?;
    Ok((id, key))
}
