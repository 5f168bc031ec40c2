//! What a wrong word may have meant.

/// Returns what a wrong word may have meant: `did you mean …?`, else the list, else `otherwise`.
pub fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest =
        known.iter().copied().map(|name| (strsim(word, name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((score, name)) if score >= 0.6 => format!("did you mean `{name}`?"),
        Some(_) if known.len() <= 12 => format!("known here: {}", known.join(", ")),
        Some(_) | None => otherwise.to_owned(),
    }
}

/// Returns how alike two words are, from 0 to 1.
fn strsim(a: &str, b: &str) -> f32 {
    similar::TextDiff::from_chars(a, b).ratio()
}
