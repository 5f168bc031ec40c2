//! Places laid out like the release addresses: folders and addresses that are tried first. Pure.

use knarr_node::item::Source;

/// Returns where a mirror has what an address has: the address's path without its host, below the mirror.
///
/// In a folder names are not percent-encoded. None for what has no address, e.g. a file on the machine.
pub fn below(mirror: &Source, address: &Source) -> Option<Source> {
    let Source::Url(address) = address else { return None };
    let (_, rest) = address.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let text = match mirror {
        Source::Url(url) => format!("{}/{path}", url.trim_end_matches('/')),
        Source::Path(folder) => format!("{folder}/{}", decoded(path)?),
        Source::Kept(_) => return None,
    };
    text.parse().ok()
}

/// Returns all places in the order to try: what the mirrors have, then the addresses themselves.
pub fn places(mirrors: &[Source], addresses: &[Source]) -> Vec<Source> {
    let mirrored = mirrors.iter().flat_map(|mirror| addresses.iter().filter_map(|it| below(mirror, it)));
    mirrored.chain(addresses.iter().cloned()).collect()
}

/// Returns where a mirror has a file of a version of knarrd, which has no other address: `knarr/v0.2.0/FILE`.
pub fn knarrd(mirror: &Source, version: &str, file: &str) -> String {
    format!("{}/knarr/v{version}/{file}", mirror.to_string().trim_end_matches('/'))
}

/// Reads `%2B` and the like. Source: RFC 3986, 2.1.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        text.parse().unwrap()
    }

    #[test]
    fn mirrors_are_tried_in_order_and_before_the_address() {
        let mirrors = [source("/srv/mirror"), source("http://10.0.0.1:8000/m/")];
        let address = source("https://github.com/k3s-io/k3s/releases/download/v1.36.2%2Bk3s1/k3s");
        let texts: Vec<String> =
            places(&mirrors, std::slice::from_ref(&address)).iter().map(ToString::to_string).collect();
        let path = "k3s-io/k3s/releases/download";
        let expected = [
            format!("/srv/mirror/{path}/v1.36.2+k3s1/k3s"),
            format!("http://10.0.0.1:8000/m/{path}/v1.36.2%2Bk3s1/k3s"),
            address.to_string(),
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn nothing_leads_out_of_a_mirror() {
        for odd in ["https://a.example/%2e%2e/x", "https://a.example/x%2", "https://a.example", "/srv/x"] {
            assert_eq!(below(&source("/srv/mirror"), &source(odd)), None, "{odd}");
        }
    }
}
