//! What a wrong word may have meant.

/// Returns what a wrong word may have meant: `did you mean …?`, else the list, else `otherwise`.
pub fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    did_you_mean(word, known.iter().copied()).unwrap_or_else(|| match known.len() {
        1..=12 => format!("known here: {}", known.join(", ")),
        _ => otherwise.to_owned(),
    })
}

/// Returns what a wrong word probably meant, as a question; none when no known word is like it.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let alike = known.into_iter().map(|name| (strsim(word, name), name));
    let (score, name) = alike.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score >= 0.6).then(|| format!("did you mean `{name}`?"))
}

/// Returns how alike two words are, from 0 to 1; a capital makes a small difference.
fn strsim(a: &str, b: &str) -> f32 {
    let small = [a, b].map(str::to_lowercase);
    let ratio = |a: &str, b: &str| similar::TextDiff::from_chars(a, b).ratio();
    ratio(a, b).max(0.99 * ratio(&small[0], &small[1]))
}
