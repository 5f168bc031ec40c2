//! Whom an age file opens for. An X25519 stanza does not tell, so a stanza of ours says it: age passes over what it does
//! not know, and the file's MAC covers it.

use age_core::format::{FileKey, Stanza};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Our stanza: its arguments are the recipients.
const TAG: &str = "knarr-recipients";

/// Whom an age file opens for, as its head says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opens {
    /// How many X25519 identities open it.
    pub count: usize,
    /// Their recipients; empty when the file does not say them all.
    pub recipients: BTreeSet<String>,
}

impl Opens {
    /// Reads the head of an age file; none when it cannot be read, e.g. in armor.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let head = Head::default();
        // It opens nothing: what comes of it is what it was shown. Unbuffered, age begins anew for every few bytes.
        let _ =
            age::Decryptor::new_buffered(bytes).ok()?.decrypt(std::iter::once(&head as &dyn age::Identity));
        let mut opens = head.0.into_inner();
        if opens.recipients.len() != opens.count {
            opens.recipients.clear();
        }
        Some(opens).filter(|opens| opens.count > 0)
    }

    /// Whether it opens for these and nobody else, as far as the file says it.
    pub fn is_for(&self, recipients: &BTreeSet<String>) -> bool {
        if self.recipients.is_empty() {
            self.count == recipients.len()
        } else {
            self.recipients == *recipients
        }
    }
}

/// An identity that fits no stanza, and remembers what they say. Source: age-encryption.org/v1, "Header".
#[derive(Default)]
struct Head(RefCell<Opens>);

impl age::Identity for Head {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let mut opens = self.0.borrow_mut();
        opens.count += usize::from(stanza.tag == "X25519");
        if stanza.tag == TAG {
            opens.recipients.extend(stanza.args.iter().cloned());
        }
        None
    }
}

/// A recipient that opens nothing, and says who the others are.
pub(super) struct Said<'a>(pub(super) &'a BTreeSet<String>);

impl age::Recipient for Said<'_> {
    #[expect(clippy::disallowed_types, reason = "age's trait has it, and it stays empty: as X25519's")]
    fn wrap_file_key(
        &self,
        _: &FileKey,
    ) -> Result<(Vec<Stanza>, std::collections::HashSet<String>), age::EncryptError> {
        let stanza = Stanza { tag: TAG.to_owned(), args: self.0.iter().cloned().collect(), body: Vec::new() };
        Ok((vec![stanza], std::collections::HashSet::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::Opens;
    use crate::secrets::{new_identity, seal};
    use std::collections::BTreeSet;
    use std::io::Write;

    #[test]
    fn a_file_says_whom_it_opens_for() {
        let to: BTreeSet<String> = [new_identity().1, new_identity().1].into();
        let opens = Opens::read(&seal(&to, b"x").unwrap()).unwrap();
        assert_eq!(opens, Opens { count: 2, recipients: to.clone() });
        assert!(opens.is_for(&to) && !opens.is_for(&[new_identity().1, new_identity().1].into()));
    }

    #[test]
    fn of_a_file_that_age_wrote_only_the_number_is_known() {
        let to = new_identity().1.parse::<age::x25519::Recipient>().unwrap();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&to as &dyn age::Recipient)).unwrap();
        let mut sealed = Vec::new();
        let mut writer = encryptor.wrap_output(&mut sealed).unwrap();
        writer.write_all(b"x").unwrap();
        writer.finish().unwrap();
        let opens = Opens::read(&sealed).unwrap();
        assert_eq!(opens, Opens { count: 1, recipients: [].into() });
        assert!(opens.is_for(&[to.to_string()].into()) && !opens.is_for(&[].into()));
    }

    #[test]
    fn what_a_file_says_cannot_be_changed_without_the_key() {
        let (secret, own) = new_identity();
        let (_, other) = new_identity();
        let sealed = seal(&[own.clone()].into(), b"x").unwrap();
        let at = sealed.windows(own.len()).position(|window| window == own.as_bytes()).unwrap();
        let mut forged = sealed.clone();
        forged[at..at + other.len()].copy_from_slice(other.as_bytes());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), secret.as_str()).unwrap();
        let identities = crate::secrets::Identities::read(file.path()).unwrap();
        assert!(identities.open("x", &sealed).is_ok() && identities.open("x", &forged).is_err());
    }
}
