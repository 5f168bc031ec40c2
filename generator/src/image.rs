//! The name of a container image, as far as it must be known to stand in a manifest.

use knarr_node::name::BadName;
use std::str::FromStr;

/// A container image, e.g. `registry.harbor.example/shop:1.4`. Source: github.com/distribution/reference v0.6, grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image(String);

impl Image {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Image {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if starts && text.len() <= 512 && text.bytes().all(plain) {
            return Ok(Self(text.to_owned()));
        }
        let rule = "letters, digits and ._-/:@ as in registry.example/shop:1.4";
        Err(BadName { what: "an image", text: text.to_owned(), rule })
    }
}
