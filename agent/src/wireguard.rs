//! WireGuard's keys: a private one is made once, and known to others by its public half.

use aws_lc_rs::agreement::{PrivateKey, X25519};
use aws_lc_rs::encoding::{AsBigEndian as _, Curve25519SeedBin};
use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use knarr_node::net::WgKey;
use zeroize::Zeroizing;

/// Makes a private key, as `wg genkey` writes it.
pub fn new_key() -> Result<Zeroizing<String>, Unspecified> {
    let key = PrivateKey::generate(&X25519)?;
    let seed: Curve25519SeedBin<'_> = key.as_be_bytes()?;
    Ok(Zeroizing::new(format!("{}\n", STANDARD.encode(seed.as_ref()))))
}

/// Returns the public half of a private key; none when `text` is no key.
pub fn public_half(text: &str) -> Option<WgKey> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    let key = PrivateKey::from_private_key(&X25519, &bytes).ok()?;
    let public: [u8; 32] = key.compute_public_key().ok()?.as_ref().try_into().ok()?;
    Some(public.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_half_is_the_one_that_wg_pubkey_prints() {
        // Source: RFC 7748, section 6.1: Alice's keys.
        let private = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n";
        let public = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";
        assert_eq!(public_half(private).unwrap().to_string(), public);
        assert_eq!(public_half("dwdt"), None);
        assert!(public_half(&new_key().unwrap()).is_some());
    }
}
