//! Words that YAML 1.1 takes for something else than YAML 1.2: K3s and kubectl read the older one.

/// Says what a reader of YAML 1.1 makes of a word that means something else since. Source: yaml.org/type/bool.html and
/// int.html, 2005-01-18; K3s and Kubernetes read by gopkg.in/yaml.v2 or its copy.
pub fn old_yaml(word: &str) -> Option<String> {
    let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(&["y", "yes", "on"]) {
        return Some("true".to_owned());
    }
    if is(&["n", "no", "off"]) {
        return Some("false".to_owned());
    }
    let read = number(word)?;
    (read != word).then_some(read)
}

/// Returns what such a reader makes of a word that is a number to it. Source: gopkg.in/yaml.v2, resolve.go, v2.4.0.
fn number(word: &str) -> Option<String> {
    let plain = word.replace('_', "");
    let digits = plain.trim_start_matches(['+', '-']);
    let sign = if plain.starts_with('-') { "-" } else { "" };
    let radix = |prefix: &str, radix| i64::from_str_radix(digits.strip_prefix(prefix)?, radix).ok();
    let whole =
        [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)].iter().find_map(|(prefix, base)| radix(prefix, *base));
    let whole = whole.or_else(|| digits.parse().ok()).map(|number: i64| format!("{sign}{number}"));
    let begins = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    whole.or_else(|| plain.parse::<f64>().ok().filter(|_| begins).map(|number| number.to_string()))
}

/// Whether a number is written as YAML 1.1 writes octal ones, which YAML 1.2 reads as decimal.
pub fn old_octal(word: &str) -> bool {
    word.len() > 1 && word.starts_with('0') && word.bytes().all(|digit| (b'0'..=b'7').contains(&digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_kubernetes_reads_them() {
        let read = [
            ("yes", "true"),
            ("Off", "false"),
            ("y", "true"),
            ("1_000", "1000"),
            ("0x1f", "31"),
            ("0644", "420"),
            ("1e3", "1000"),
            ("1.30", "1.3"),
            ("08", "8"),
        ];
        for (word, reads) in read {
            assert_eq!(old_yaml(word).as_deref(), Some(reads), "{word}");
        }
        for word in ["true", "8080", "1.5", "text", "1.2.3", "10.0.0.1", "12:30", "-", "", "e3"] {
            assert_eq!(old_yaml(word), None, "{word}");
        }
        assert!(old_octal("0644") && !old_octal("0") && !old_octal("0o644") && !old_octal("089"));
    }
}
