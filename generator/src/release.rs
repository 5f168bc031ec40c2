//! Releases of K3s and of knarrd: which there are, and the digests of their files. Mirrors are asked first, then the
//! release address, which only K3s has.

use crate::binary;
use crate::k3s::Version;
use crate::mirror::{below, knarrd};
use crate::spec::{Download, Pinned};
use knarr_node::item::{Minor, Source};
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Where the files of a version are. Source: k3s:install.sh, v1.36.
const RELEASES: &str = "https://github.com/k3s-io/k3s/releases/download";
/// Leads to the newest release of a minor version, or to the `stable` one. Source: k3s:install.sh, v1.36.
const CHANNELS: &str = "https://update.k3s.io/v1-release/channels";
/// How long an answer may take; the files are short.
const PATIENCE: Duration = Duration::from_secs(30);

/// Releases that cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// No place has the digests.
    #[error("no place has the digests of {release}: {why}")]
    NoDigests {
        /// What was looked for.
        release: Release,
        /// What the last place said.
        why: String,
    },
    /// No place says which versions there are.
    #[error("no place says which versions of K3s there are{}: {why}", minor.map(|it| format!(" in {it}")).unwrap_or_default())]
    NoVersion {
        /// Of which minor version; none for any.
        minor: Option<Minor>,
        /// What the last place said.
        why: String,
    },
    /// The library refused.
    #[error("cannot ask by HTTPS")]
    Client(#[source] reqwest::Error),
}

impl ReleaseError {
    /// Says what to type.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoDigests { release: Release::K3s(_), .. } => {
                "name a mirror that has sha256sum-amd64.txt: `mirrors` in cluster.yaml, or `knarr new --mirror PLACE`"
            }
            Self::NoDigests { release: Release::Knarrd(_), .. } => {
                "name a mirror in cluster.yaml that has knarr/vVERSION/sha256sum-amd64.txt; or install that version of knarr here, and: knarr upgrade knarr"
            }
            Self::NoVersion { .. } => {
                "name a version, e.g. knarr upgrade k3s v1.36.2+k3s1: https://github.com/k3s-io/k3s/releases has all"
            }
            Self::Client(_) => "look at the certificates of this machine: apt-get install ca-certificates",
        }
    }
}

/// A version of a program, one file for each architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// K3s, as its own releases lay it out.
    K3s(Version),
    /// The agent.
    Knarrd(binary::Version),
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::K3s(version) => write!(f, "K3s {version}"),
            Self::Knarrd(version) => write!(f, "knarrd {version}"),
        }
    }
}

impl Release {
    /// Returns the files for amd64 and for arm64.
    fn files(self) -> [&'static str; 2] {
        match self {
            Self::K3s(_) => ["k3s", "k3s-arm64"],
            Self::Knarrd(_) => ["knarrd-amd64", "knarrd-arm64"],
        }
    }

    /// Returns where the world has a file.
    fn address(self, file: &str) -> Option<Source> {
        match self {
            Self::K3s(version) => Some(address(version, file)),
            Self::Knarrd(_) => None,
        }
    }

    /// Returns where a mirror has a file.
    fn below(self, mirror: &Source, file: &str) -> Option<Source> {
        match self {
            Self::K3s(version) => below(mirror, &address(version, file)),
            Self::Knarrd(version) => knarrd(mirror, &version.to_string(), file).parse().ok(),
        }
    }
}

/// Where releases are looked for.
#[derive(Debug)]
pub struct Releases<'a> {
    mirrors: &'a [Source],
    client: Client,
}

impl<'a> Releases<'a> {
    /// Asks these mirrors first.
    pub fn new(mirrors: &'a [Source]) -> Result<Self, ReleaseError> {
        let client =
            Client::builder().timeout(PATIENCE).connect_timeout(PATIENCE / 3).redirect(Policy::custom(
                // A channel's redirect is its answer; files of a release lie behind one.
                |attempt| {
                    let channel =
                        attempt.previous().first().is_some_and(|url| url.path().contains("/channels/"));
                    if channel { attempt.stop() } else { Policy::default().redirect(attempt) }
                },
            ));
        Ok(Self { mirrors, client: client.build().map_err(ReleaseError::Client)? })
    }

    /// Returns the digests of a version's files, from the first place that has them for any architecture.
    pub fn digests(&self, release: Release) -> Result<Pinned, ReleaseError> {
        let mut last = "no mirror is named".to_owned();
        let [amd64, arm64] = release.files();
        let mirrors = self.mirrors.iter().map(Some);
        for mirror in mirrors.chain([None]) {
            let mut sum = |arch: &str, file: &str| {
                let found = self.sum(release, mirror, arch, file)?;
                let sha256 = found.map_err(|why| last = why).ok()?;
                let from = release.address(file).into_iter();
                let from = from.map(|address| address.to_string().as_str().into()).collect();
                Some(Download { sha256: sha256.as_str().into(), from })
            };
            let pinned =
                Pinned { amd64: sum("amd64", amd64), arm64: sum("arm64", arm64), ..Pinned::default() };
            if pinned != Pinned::default() {
                return Ok(pinned);
            }
        }
        Err(ReleaseError::NoDigests { release, why: last })
    }

    /// Returns the digest of a file as a mirror says it, or the release address; none when there is no such place.
    fn sum(
        &self,
        release: Release,
        mirror: Option<&Source>,
        arch: &str,
        file: &str,
    ) -> Option<Result<String, String>> {
        let sums = format!("sha256sum-{arch}.txt");
        let place = match mirror {
            Some(mirror) => release.below(mirror, &sums)?,
            None => release.address(&sums)?,
        };
        let text = self.text(&place);
        Some(text.and_then(|text| line(&text, file).ok_or(format!("{place} has no digest of {file}"))))
    }

    /// Returns the newest release, of a minor version or of all.
    pub fn newest(&self, minor: Option<Minor>) -> Result<Version, ReleaseError> {
        let channel = minor.map_or_else(|| "stable".to_owned(), |minor| minor.to_string());
        let channel = source(&format!("{CHANNELS}/{channel}"));
        let mut last = String::new();
        for place in 0..=self.mirrors.len() {
            let found = match self.mirrors.get(place) {
                Some(Source::Path(folder)) => listed(Path::new(folder.as_str()), minor),
                Some(_) | None => {
                    self.place(place, &channel).ok_or_else(String::new).and_then(|it| self.channel(&it))
                }
            };
            match found {
                Ok(version) => return Ok(version),
                Err(why) => last = why,
            }
        }
        Err(ReleaseError::NoVersion { minor, why: last })
    }

    /// Returns where a place has an address; after the mirrors comes the address itself.
    fn place(&self, place: usize, address: &Source) -> Option<Source> {
        self.mirrors.get(place).map_or_else(|| Some(address.clone()), |mirror| below(mirror, address))
    }

    fn text(&self, place: &Source) -> Result<String, String> {
        match place {
            Source::Path(path) => {
                std::fs::read_to_string(path.as_str()).map_err(|error| format!("{path}: {error}"))
            }
            Source::Url(url) => {
                let good = |answer: Response| match answer.status() {
                    StatusCode::OK => answer.text().map_err(|error| why(url, &error)),
                    status => Err(format!("{url} answers {status}")),
                };
                self.client.get(url).send().map_err(|error| why(url, &error)).and_then(good)
            }
            Source::Kept(_) => Err(String::new()),
        }
    }

    fn channel(&self, place: &Source) -> Result<Version, String> {
        let url = place.to_string();
        let answer = self.client.head(&url).send().map_err(|error| why(&url, &error))?;
        let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let version = to.and_then(|to| to.rsplit('/').next()?.replace("%2B", "+").parse().ok());
        version.ok_or_else(|| format!("{url} leads to no version"))
    }
}

/// Returns the newest version that a folder has.
fn listed(mirror: &Path, minor: Option<Minor>) -> Result<Version, String> {
    let folder = mirror.join("k3s-io/k3s/releases/download");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let versions = names.filter_map(|name| name.parse::<Version>().ok());
    let newest = versions.filter(|version| minor.is_none_or(|minor| version.minor == minor)).max();
    newest.ok_or_else(|| format!("{} has none", folder.display()))
}

fn address(version: Version, file: &str) -> Source {
    source(&format!("{RELEASES}/{}/{file}", version.to_string().replace('+', "%2B")))
}

fn source(address: &str) -> Source {
    address.parse().expect("it is an address")
}

/// Returns the digest of a file in what sha256sum(1) wrote.
fn line(text: &str, file: &str) -> Option<String> {
    let of = |line: &str| {
        let (sha256, name) = line.split_once(char::is_whitespace)?;
        let is_digest = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
        (is_digest && name.trim_start_matches([' ', '*']) == file).then(|| sha256.to_lowercase())
    };
    text.lines().find_map(of)
}

fn why(url: &str, error: &reqwest::Error) -> String {
    let inner = std::iter::successors(std::error::Error::source(error), |error| error.source()).last();
    inner.map_or_else(|| format!("{url}: {error}"), |inner| format!("{url}: {inner}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    const SUMS: &str = "\
1111111111111111111111111111111111111111111111111111111111111111  k3s-airgap-images-amd64.tar
2222222222222222222222222222222222222222222222222222222222222222  k3s
";

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn folder(versions: &[&str]) -> (tempfile::TempDir, Source) {
        let folder = tempfile::tempdir().unwrap();
        for version in versions {
            let place = folder.path().join("k3s-io/k3s/releases/download").join(version);
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join("sha256sum-amd64.txt"), SUMS).unwrap();
        }
        let source = folder.path().to_str().unwrap().parse().unwrap();
        (folder, source)
    }

    /// A server that gives the same answer to every question, and the first lines that it was asked.
    fn server(answer: &'static str) -> (Source, std::sync::mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let source = format!("http://{}/m", listener.local_addr().unwrap()).parse().unwrap();
        let (said, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut bytes) = (stream.unwrap(), [0; 4096]);
                let n = stream.read(&mut bytes).unwrap();
                let text = String::from_utf8_lossy(&bytes[..n]).lines().next().unwrap_or_default().to_owned();
                stream.write_all(answer.as_bytes()).unwrap();
                if said.send(text).is_err() {
                    return;
                }
            }
        });
        (source, heard)
    }

    #[test]
    fn a_folder_gives_digests_and_the_places_stay_those_of_the_release() {
        let (_folder, mirror) = folder(&["v1.36.2+k3s1"]);
        let mirrors = [mirror];
        let pinned = Releases::new(&mirrors).unwrap().digests(Release::K3s(version("v1.36.2+k3s1"))).unwrap();
        let amd64 = pinned.amd64.unwrap();
        assert_eq!(amd64.sha256.value, "2".repeat(64));
        assert_eq!(amd64.from[0].value, "https://github.com/k3s-io/k3s/releases/download/v1.36.2%2Bk3s1/k3s");
        assert_eq!(pinned.arm64, None);
    }

    #[test]
    fn knarrd_lies_in_a_folder_of_its_own_and_only_mirrors_have_it() {
        let (folder, mirror) = folder(&[]);
        let place = folder.path().join("knarr/v0.2.0");
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("sha256sum-arm64.txt"), format!("{}  knarrd-arm64\n", "4".repeat(64)))
            .unwrap();
        let mirrors = [mirror];
        let release = |text: &str| Release::Knarrd(text.parse().unwrap());
        let pinned = Releases::new(&mirrors).unwrap().digests(release("0.2.0")).unwrap();
        let arm64 = pinned.arm64.unwrap();
        assert_eq!(
            (pinned.amd64, arm64.sha256.value.as_str(), arm64.from.len()),
            (None, &*"4".repeat(64), 0)
        );
        let error = Releases::new(&mirrors).unwrap().digests(release("0.3.0")).unwrap_err();
        assert!(error.to_string().contains("knarrd 0.3.0: ") && error.to_string().contains("/knarr/v0.3.0/"));
        let error = Releases::new(&[]).unwrap().digests(release("0.3.0")).unwrap_err();
        assert!(error.to_string().ends_with("no mirror is named"), "{error}");
    }

    #[test]
    fn the_newest_of_a_minor_version_counts() {
        let (_folder, mirror) = folder(&["v1.36.2+k3s1", "v1.36.10+k3s1", "v1.37.0+k3s1", "notes"]);
        let mirrors = [mirror];
        let releases = Releases::new(&mirrors).unwrap();
        let newest =
            |minor: Option<&str>| releases.newest(minor.map(|it| it.parse().unwrap())).unwrap().to_string();
        assert_eq!(
            [newest(Some("v1.36")), newest(Some("v1.37")), newest(None)].join(" "),
            "v1.36.10+k3s1 v1.37.0+k3s1 v1.37.0+k3s1"
        );
    }

    #[test]
    fn a_mirror_is_asked_by_http_at_the_path_of_the_address() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 69\r\nconnection: close\r\n\r\n2222222222222222222222222222222222222222222222222222222222222222  k3s";
        let (mirror, heard) = server(answer);
        let mirrors = [mirror];
        let pinned = Releases::new(&mirrors).unwrap().digests(Release::K3s(version("v1.36.2+k3s1"))).unwrap();
        assert!(pinned.amd64.is_some());
        let path = "/m/k3s-io/k3s/releases/download/v1.36.2%2Bk3s1/sha256sum-amd64.txt";
        assert_eq!(heard.recv().unwrap(), format!("GET {path} HTTP/1.1"));
    }

    #[test]
    fn a_channel_says_its_version_by_where_it_leads() {
        let answer = "HTTP/1.1 302 Found\r\nlocation: https://github.com/k3s-io/k3s/releases/tag/v1.36.4%2Bk3s1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let (mirror, heard) = server(answer);
        let mirrors = [mirror];
        let newest = Releases::new(&mirrors).unwrap().newest(Some("v1.36".parse().unwrap())).unwrap();
        assert_eq!(newest, version("v1.36.4+k3s1"));
        assert_eq!(heard.recv().unwrap(), "HEAD /m/v1-release/channels/v1.36 HTTP/1.1");
    }

    #[test]
    fn only_a_digest_of_that_very_file_counts() {
        let sum = "3".repeat(64);
        assert_eq!(line(&format!("{sum} *k3s"), "k3s"), Some(sum.clone()));
        for odd in [format!("{sum}  k3s-arm64"), format!("{sum}  x/k3s"), "33  k3s".to_owned(), String::new()]
        {
            assert_eq!(line(&odd, "k3s"), None, "{odd}");
        }
    }
}
