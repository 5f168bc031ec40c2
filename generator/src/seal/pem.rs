//! Text with several blocks of PEM, taken apart.

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// Whether a text has blocks of PEM.
pub(super) fn is_pem(text: &str) -> bool {
    text.contains(BEGIN)
}

/// Returns the blocks of a text, from `BEGIN` to `END`, whatever stands between them; one that does not end is none.
pub(super) fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices(BEGIN).map(|(at, _)| at);
    starts.filter_map(|at| {
        let block = text.get(at..)?;
        let end = block.find(END)? + END.len();
        let close = block.get(end..)?.find("-----")? + "-----".len();
        block.get(..end + close)
    })
}

/// Whether a block holds a private key.
pub(super) fn is_private(block: &str) -> bool {
    block.lines().next().is_some_and(|line| line.contains("PRIVATE KEY"))
}
