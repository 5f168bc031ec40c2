//! A device of a person: its key pair, made in memory, and its configuration. Never writes or prints.

use aws_lc_rs::agreement::{PrivateKey, X25519};
use aws_lc_rs::encoding::{AsBigEndian as _, Curve25519SeedBin};
use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use knarr_node::mesh::{Directory, MeshDevice, PRIVATE_KEY, laptop};
use knarr_node::name::{ClusterName, DeviceName, PeerName};
use knarr_node::net::WgKey;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

/// Stands in a configuration for the private key that only the device has.
pub const ELSEWHERE: &str = "(the private key, which only the device has)";

/// A new key pair. It has no Debug: the private half never shows itself.
pub struct Pair {
    /// The half that everybody may know.
    pub public: WgKey,
    /// The other half, in base64.
    pub private: Zeroizing<String>,
}

impl Pair {
    /// Makes a key pair.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new() -> Result<Self, Unspecified> {
        let key = PrivateKey::generate(&X25519)?;
        let public = <[u8; 32]>::try_from(key.compute_public_key()?.as_ref()).map_err(|_| Unspecified)?;
        let seed: Curve25519SeedBin<'_> = key.as_be_bytes()?;
        let mut bytes = Zeroizing::new(<[u8; 32]>::try_from(seed.as_ref()).map_err(|_| Unspecified)?);
        clamp(&mut bytes);
        Ok(Self { public: WgKey::from(public), private: Zeroizing::new(STANDARD.encode(bytes.as_slice())) })
    }
}

/// Sets the bits that every reader of a key sets, so that all of them show the same key. Source: RFC 7748, section 5.
fn clamp(key: &mut [u8; 32]) {
    key[0] &= 0b1111_1000;
    key[31] = (key[31] & 0b0111_1111) | 0b0100_0000;
}

/// Returns the configuration of a device with `private` as its key, in the form of wg-quick(8); none while its node
/// has no address to dial.
pub fn configuration(directory: &Directory, device: &MeshDevice, private: &str) -> Option<Zeroizing<String>> {
    let at = directory.nodes.get(&device.via)?.at.first()?;
    Some(Zeroizing::new(laptop(directory, device, at).replace(PRIVATE_KEY, private)))
}

/// Returns the configuration's first line, by which a file is known to be this device's.
pub fn mark(cluster: &ClusterName, name: &PeerName) -> String {
    format!("# {name} of {cluster}, by knarr peer add\n")
}

/// Returns the name of the tunnel on the device: the cluster's, as far as a network device's name goes.
pub fn tunnel(cluster: &ClusterName) -> DeviceName {
    let short: String = cluster.as_str().chars().take(15).collect();
    short.parse().expect("a label of at most 15 characters is a device's name")
}

/// Returns the configuration as a QR code for a terminal, two modules a character; none when it is too long for one.
pub fn picture(configuration: &str) -> Option<Zeroizing<String>> {
    // The least correction: a screen has no scratches, and the picture fits on it.
    let code = QrCode::with_error_correction_level(configuration, EcLevel::L).ok()?;
    // Letters of a terminal are light on dark: what is dark in the code is left out.
    Some(Zeroizing::new(
        code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// The judge is wg(8), which `make setup` installs.
    #[test]
    fn the_public_half_is_what_wg_says() {
        let pair = Pair::new().unwrap();
        let mut wg =
            Command::new("wg").arg("pubkey").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        writeln!(wg.stdin.take().unwrap(), "{}", *pair.private).unwrap();
        let said = wg.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(said.stdout).unwrap().trim(), pair.public.to_string());
    }

    /// The judge is another reader of QR codes, which sees the terminal's light blocks on dark ground.
    #[test]
    fn the_picture_says_the_configuration() {
        let text = "[Interface]\nPrivateKey = x\n".repeat(8);
        let picture = picture(&text).unwrap();
        let lines: Vec<Vec<char>> = picture.lines().map(|line| line.chars().collect()).collect();
        let light = |x: usize, y: usize| {
            let shown = lines[y / 2][x];
            shown == '█' || shown == if y.is_multiple_of(2) { '▀' } else { '▄' }
        };
        let (width, height) = (lines[0].len() * 4, lines.len() * 8);
        let grey = |x, y| if light(x / 4, y / 4) { 255 } else { 0 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
        assert_eq!(image.detect_grids()[0].decode().unwrap().1, text);
    }

    #[test]
    fn a_private_half_is_clamped_as_by_wg_genkey() {
        let bytes = STANDARD.decode(Pair::new().unwrap().private.as_bytes()).unwrap();
        assert_eq!((bytes[0] & 0b111, bytes[31] >> 6), (0, 1));
    }

    #[test]
    fn a_long_name_of_a_cluster_is_cut_to_what_wg_quick_takes() {
        let name = |text: &str| tunnel(&text.parse().unwrap()).to_string();
        assert_eq!(name("harbor"), "harbor");
        assert_eq!(name("the-harbor-of-the-old-town"), "the-harbor-of-t");
    }
}
