//! How both programs tell an error: with all its causes, in one line.

use std::error::Error;

/// Returns an error with its causes, joined by colons.
pub fn chain(error: &dyn Error) -> String {
    let (mut texts, mut cause) = (vec![error.to_string()], error.source());
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts.join(": ")
}
