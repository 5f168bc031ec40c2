//! Files of lines `KEY=VALUE`, as `kubectl create secret --from-env-file` reads them: values are taken as they are.
//!
//! Source: k8s.io/kubectl v0.36, pkg/cmd/util/env_file.go, but a key without `=` is refused, not taken from the environment.

use crate::error::CliError;
use crate::seal::Value;
use crate::secrets::read_value;
use std::path::Path;

/// The most bytes that are read: one more than a Secret may have.
const MOST: usize = (1 << 20) + 1;

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Value)>, CliError> {
    let open = || read_value(&mut std::fs::File::open(path)?, MOST);
    let shown = path.display();
    let bytes = open().map_err(|error| CliError::environment(format!("cannot read `{shown}`: {error}")))?;
    if bytes.len() >= MOST {
        return Err(CliError::user(format!("`{shown}` has more bytes than Kubernetes takes in one Secret"))
            .help("seal them as several Secrets"));
    }
    lines(&bytes).map_err(|line| {
        CliError::user(format!("`{shown}`, line {line}: this is not KEY=VALUE"))
            .help("write each value on a line of its own; comments begin with #")
    })
}

/// Reads the lines; the number of the first that is none is the error, for the line itself may be a value.
fn lines(bytes: &[u8]) -> Result<Vec<(String, Value)>, usize> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut values = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let at = line.iter().position(|byte| *byte == b'=').ok_or(number + 1)?;
        let key = std::str::from_utf8(&line[..at]).map_err(|_| number + 1)?;
        values.push((key.to_owned(), Value::from(&line[at + 1..])));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::lines;

    fn read(text: &str) -> Result<Vec<(String, String)>, usize> {
        let text_of = |value: crate::seal::Value| String::from_utf8(value.0.to_vec()).unwrap();
        Ok(lines(text.as_bytes())?.into_iter().map(|(key, value)| (key, text_of(value))).collect())
    }

    #[test]
    fn values_are_taken_as_they_are() {
        let text = "\u{feff}# users\nuser=a=b\r\n\n  quoted=\"x\" # y\nempty=\n";
        let expected = [("user", "a=b"), ("quoted", "\"x\" # y"), ("empty", "")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        assert_eq!(read(text), Ok(expected));
    }

    #[test]
    fn a_line_without_a_key_is_told_by_its_number_only() {
        assert_eq!(read("a=b\n\nhunter2\n"), Err(3));
    }
}
