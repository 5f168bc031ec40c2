//! Values of kubeseal with known session keys: ours are the same bytes, and openssl judges the part that is random.

use super::{KUBESEAL, pair, values};
use crate::seal::{Scope, SealedSecret, wire};
use aws_lc_rs::test::rand::FixedSliceRandom;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Write;
use std::process::{Command, Stdio};

/// `scope bits key session` of each value; generator/tests/sealed/README.md says how they were found.
const SESSIONS: &str = include_str!("../../../tests/sealed/sessions.txt");

/// A value that kubeseal sealed.
struct Known {
    which: usize,
    label: Vec<u8>,
    session: Vec<u8>,
    value: Vec<u8>,
    sealed: Vec<u8>,
}

fn known() -> Vec<Known> {
    let one = |line: &str| {
        let [scope, bits, name, session] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let which = usize::from(bits == "4096");
        let is_it = |(of, key, _): &&(Scope, usize, &str)| of.to_string() == scope && *key == which;
        let text = KUBESEAL.iter().find(is_it).unwrap().2;
        let there: SealedSecret = serde_saphyr::from_str(text).unwrap();
        let sealed = STANDARD.decode(&there.spec.encrypted_data[name]).unwrap();
        let byte = |at: usize| u8::from_str_radix(&session[2 * at..2 * at + 2], 16).unwrap();
        let value = values()[name].0.to_vec();
        Known { which, label: there.label(), session: (0..32).map(byte).collect(), value, sealed }
    };
    SESSIONS.lines().map(one).collect()
}

/// Lets openssl encrypt or decrypt with a key of the tests; none when it refuses.
fn openssl(what: &str, which: usize, label: &[u8], input: &[u8]) -> Option<Vec<u8>> {
    let key = format!("{}/tests/keys/sealing-{}.key", env!("CARGO_MANIFEST_DIR"), [2048, 4096][which]);
    let mut command = Command::new("openssl");
    command.args(["pkeyutl", what, "-inkey", &key]);
    for option in ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"] {
        command.args(["-pkeyopt", option]);
    }
    if !label.is_empty() {
        command.args(["-pkeyopt", &format!("rsa_oaep_label:{}", knarr_node::name::hex(label))]);
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then_some(output.stdout)
}

#[test]
fn with_the_session_key_of_kubeseal_we_seal_to_the_same_bytes() {
    let all = known();
    assert_eq!(all.len(), KUBESEAL.len() * values().len());
    for Known { which, label, session, value, sealed } in all {
        let random = FixedSliceRandom { bytes: &session };
        let ours = wire::encrypt(&pair(which).1.key, &label, &value, &random).unwrap();
        assert_eq!((ours.len(), &ours[..2]), (sealed.len(), &sealed[..2]));
        assert_eq!(wire::parts(&ours).unwrap().1, wire::parts(&sealed).unwrap().1);
    }
}

#[test]
fn openssl_opens_our_part_of_rsa_to_the_session_key_and_under_no_other_label() {
    for Known { which, label, session, value, sealed } in known() {
        let random = FixedSliceRandom { bytes: &session };
        let ours = wire::encrypt(&pair(which).1.key, &label, &value, &random).unwrap();
        for rsa in [&ours, &sealed].map(|sealed| wire::parts(sealed).unwrap().0) {
            assert_eq!(openssl("-decrypt", which, &label, rsa).as_ref(), Some(&session));
            assert_ne!(openssl("-decrypt", which, b"shop/dc", rsa).as_ref(), Some(&session));
        }
    }
}

#[test]
fn we_open_a_session_key_that_openssl_encrypted() {
    for Known { which, label, session, value, sealed } in known() {
        let rsa = openssl("-encrypt", which, &label, &session).unwrap();
        let made = [&sealed[..2], &rsa, wire::parts(&sealed).unwrap().1].concat();
        let name = "value".parse().unwrap();
        let opened = pair(which).0.open_bound(&label, &name, &STANDARD.encode(made)).unwrap();
        assert_eq!(*opened.0, value);
    }
}
