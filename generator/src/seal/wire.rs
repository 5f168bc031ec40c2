//! One sealed value, byte for byte: `length of RSA part, 2 bytes, big endian ‖ RSA-OAEP(session key) ‖ AES-256-GCM(value)`.
//!
//! The nonce is zero, which is right only because each session key encrypts one value.
//! Source: sealed-secrets v0.27.1, pkg/crypto/crypto.go, HybridEncrypt.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SecureRandom;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey};
use zeroize::Zeroizing;

/// Length of the session key in bytes.
const SESSION: usize = 32;
/// Length of the tag of AES-GCM in bytes.
const TAG: usize = 16;

/// Why bytes are not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// They end too early to be a sealed value.
    Short,
    /// Another key or another label sealed them, or the RSA part was changed: the mathematics does not tell which.
    Key,
    /// What follows the RSA part was changed.
    Changed,
}

/// Encrypts a value to a key.
pub(super) fn encrypt(
    key: &OaepPublicEncryptingKey,
    label: &[u8],
    value: &[u8],
    random: &dyn SecureRandom,
) -> Result<Vec<u8>, Unspecified> {
    let mut session = Zeroizing::new([0; SESSION]);
    random.fill(session.as_mut())?;
    let length = key.ciphertext_size();
    let mut sealed = Vec::with_capacity(2 + length + value.len() + TAG); // grows no more: no plain copy stays behind
    sealed.extend(u16::try_from(length).expect("an RSA key has at most 8192 bits").to_be_bytes());
    sealed.resize(2 + length, 0);
    key.encrypt(&OAEP_SHA256_MGF1SHA256, session.as_ref(), &mut sealed[2..], Some(label))?;
    sealed.extend_from_slice(value);
    let tag = gcm(session.as_ref())?.seal_in_place_separate_tag(
        nonce(),
        Aad::empty(),
        &mut sealed[2 + length..],
    )?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Decrypts a value.
pub(super) fn decrypt(
    key: &OaepPrivateDecryptingKey,
    label: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let (rsa, aes) = parts(sealed).ok_or(Refused::Short)?;
    let mut session = Zeroizing::new(vec![0; key.min_output_size()]);
    let session = key.decrypt(&OAEP_SHA256_MGF1SHA256, rsa, &mut session, Some(label));
    let session = session.map_err(|_| Refused::Key)?;
    let mut value = Zeroizing::new(aes.to_vec());
    let opened = gcm(session).and_then(|key| key.open_in_place(nonce(), Aad::empty(), &mut value));
    let length = opened.map_err(|_| Refused::Changed)?.len();
    value.truncate(length);
    Ok(value)
}

/// Cuts a sealed value into its RSA part and the rest; none when it is none.
pub(super) fn parts(sealed: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = sealed.split_first_chunk()?;
    let (rsa, aes) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    (!rsa.is_empty() && aes.len() >= TAG).then_some((rsa, aes))
}

fn gcm(session: &[u8]) -> Result<LessSafeKey, Unspecified> {
    UnboundKey::new(&AES_256_GCM, session).map(LessSafeKey::new)
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
