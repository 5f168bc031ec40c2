//! The ways into clusters that kubectl's files know: read as kubectl reads them, as far as they can be gone here.
//!
//! What is not known here is refused by name rather than passed over: a way that is gone otherwise leads elsewhere.

use crate::seal::Hidden;
use crate::secrets::read_value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The most bytes that are read of a kubeconfig, or of a file that it names.
const MOST: usize = 4 << 20;

/// A way into a cluster that cannot be gone.
#[derive(Debug, thiserror::Error)]
pub enum NoWay {
    /// Nothing says where the cluster is.
    #[error("no kubeconfig says where the cluster is")]
    Nowhere,
    /// A file that cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that is none; the parser's own words could quote a token.
    #[error("`{0}` is no kubeconfig")]
    Format(PathBuf),
    /// A name that stands nowhere.
    #[error("the kubeconfig has no {what} `{name}`")]
    Missing {
        /// What was looked for.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// What is not known here.
    #[error("the kubeconfig says `{0}`, which is not known here")]
    Unknown(&'static str),
    /// What is no base64.
    #[error("`{0}` in the kubeconfig is no base64")]
    NoBase64(&'static str),
}

impl NoWay {
    /// Says what to type.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Nowhere => "name one: --kubeconfig FILE, or the variable KUBECONFIG",
            Self::Read { .. } | Self::Format(_) => "name another one: --kubeconfig FILE",
            Self::Missing { .. } => "name a context that is whole: kubectl config get-contexts",
            Self::Unknown(_) => {
                "use a kubeconfig with a certificate or a token in it: knarr kubeconfig --to FILE; kubectl create token NAME"
            }
            Self::NoBase64(_) => "correct it: base64 -w0 < FILE",
        }
    }
}

/// What one or several files say.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kubeconfig {
    current_context: Option<String>,
    contexts: Option<Vec<NamedContext>>,
    clusters: Option<Vec<NamedCluster>>,
    users: Option<Vec<NamedUser>>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    #[serde(default)]
    context: Context,
}

#[derive(Default, Deserialize)]
struct Context {
    #[serde(default)]
    cluster: String,
    #[serde(default)]
    user: String,
    namespace: Option<String>,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    #[serde(default)]
    cluster: Cluster,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    #[serde(default)]
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<Hidden>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<IgnoredAny>,
    proxy_url: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    #[serde(default)]
    user: User,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    token: Option<Hidden>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<Hidden>,
    client_key: Option<PathBuf>,
    client_key_data: Option<Hidden>,
    #[serde(rename = "tokenFile")]
    token_file: Option<IgnoredAny>,
    username: Option<IgnoredAny>,
    exec: Option<IgnoredAny>,
    auth_provider: Option<IgnoredAny>,
    r#as: Option<IgnoredAny>,
}

/// A way to an API server.
pub struct Way {
    /// Its address.
    pub server: String,
    /// The certificates of its authority, in PEM; none for those of this machine.
    pub authority: Option<Zeroizing<Vec<u8>>>,
    /// A certificate and its private key, in PEM.
    pub identity: Option<Zeroizing<Vec<u8>>>,
    /// A token.
    pub token: Option<Zeroizing<String>>,
}

impl Kubeconfig {
    /// Reads the file that is named, else those that the variable KUBECONFIG names, else `~/.kube/config`. Of these, files
    /// that are missing say nothing.
    pub fn read(named: Option<&Path>, context: Option<&str>) -> Result<Self, NoWay> {
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".kube/config"));
        let listed = |list: OsString| std::env::split_paths(&list).collect::<Vec<_>>();
        let usual = || std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()).map(listed);
        let paths = match named {
            Some(path) => vec![path.to_owned()],
            None => usual().unwrap_or_else(|| home().into_iter().collect()),
        };
        let mut all = Self::default();
        for path in paths.iter().filter(|path| !path.as_os_str().is_empty()) {
            match one(path) {
                Err(NoWay::Read { source, .. })
                    if named.is_none() && source.kind() == io::ErrorKind::NotFound => {}
                read => all.add(read?),
            }
        }
        if let Some(context) = context {
            all.current_context = Some(context.to_owned());
        }
        Ok(all)
    }

    /// Returns the namespace of its context: `default` when that says none.
    ///
    /// # Errors
    /// When nothing says where the cluster is, or there is no such context.
    pub fn namespace(&self) -> Result<&str, NoWay> {
        let namespace = self.context()?.namespace.as_deref();
        Ok(namespace.filter(|namespace| !namespace.is_empty()).unwrap_or("default"))
    }

    /// Returns the way of its context.
    pub fn way(&self) -> Result<Way, NoWay> {
        let context = self.context()?;
        let missing = |what, name: &String| NoWay::Missing { what, name: name.clone() };
        let clusters = self.clusters.iter().flatten();
        let cluster = clusters.map(|entry| (&entry.name, &entry.cluster));
        let cluster = cluster.filter(|(name, it)| **name == context.cluster && !it.server.is_empty());
        let cluster = cluster.map(|(_, cluster)| cluster).next();
        let cluster = cluster.ok_or_else(|| missing("cluster with a server", &context.cluster))?;
        let user = self.users.iter().flatten().find(|entry| entry.name == context.user);
        let user = user.ok_or_else(|| missing("user", &context.user))?;
        cluster.way(&user.user)
    }

    fn context(&self) -> Result<&Context, NoWay> {
        let name = self.current_context.as_ref().filter(|name| !name.is_empty()).ok_or(NoWay::Nowhere)?;
        let entry = self.contexts.iter().flatten().find(|entry| entry.name == *name);
        let missing = || NoWay::Missing { what: "context", name: name.clone() };
        entry.map(|entry| &entry.context).ok_or_else(missing)
    }

    /// Adds what another file says: of two things with one name the first counts, as for kubectl.
    fn add(&mut self, other: Self) {
        self.current_context = self.current_context.take().or(other.current_context);
        self.contexts.get_or_insert_default().extend(other.contexts.into_iter().flatten());
        self.clusters.get_or_insert_default().extend(other.clusters.into_iter().flatten());
        self.users.get_or_insert_default().extend(other.users.into_iter().flatten());
    }
}

/// Reads one file; paths in it are relative to its folder.
fn one(path: &Path) -> Result<Kubeconfig, NoWay> {
    let bytes = bytes(path)?;
    let format = || NoWay::Format(path.to_owned());
    let text = std::str::from_utf8(&bytes).map_err(|_| format())?;
    let mut read: Kubeconfig =
        serde_saphyr::from_str::<Option<_>>(text).map_err(|_| format())?.unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new(""));
    let clusters = read.clusters.iter_mut().flatten().map(|entry| &mut entry.cluster.certificate_authority);
    let users = read.users.iter_mut().flatten().map(|entry| &mut entry.user);
    let users = users.flat_map(|user| [&mut user.client_certificate, &mut user.client_key]);
    for file in clusters.chain(users).flatten() {
        *file = folder.join(&*file);
    }
    Ok(read)
}

impl Cluster {
    fn way(&self, user: &User) -> Result<Way, NoWay> {
        let unknown = [
            ("insecure-skip-tls-verify", self.insecure_skip_tls_verify),
            ("tls-server-name", self.tls_server_name.is_some()),
            ("proxy-url", self.proxy_url.is_some()),
            ("tokenFile", user.token_file.is_some()),
            ("username", user.username.is_some()),
            ("exec", user.exec.is_some()),
            ("auth-provider", user.auth_provider.is_some()),
            ("as", user.r#as.is_some()),
        ];
        if let Some((name, _)) = unknown.iter().find(|(_, said)| *said) {
            return Err(NoWay::Unknown(name));
        }
        let authority = pem(
            "certificate-authority-data",
            self.certificate_authority_data.as_ref(),
            self.certificate_authority.as_deref(),
        )?;
        let certificate = pem(
            "client-certificate-data",
            user.client_certificate_data.as_ref(),
            user.client_certificate.as_deref(),
        )?;
        let key = pem("client-key-data", user.client_key_data.as_ref(), user.client_key.as_deref())?;
        let identity = certificate.zip(key).map(|(certificate, key)| joined(&certificate, &key));
        let token = user.token.as_ref().map(|token| token.0.clone());
        Ok(Way { server: self.server.clone(), authority, identity, token })
    }
}

/// Returns what stands in the kubeconfig as base64, else what lies in a file.
fn pem(
    what: &'static str,
    data: Option<&Hidden>,
    file: Option<&Path>,
) -> Result<Option<Zeroizing<Vec<u8>>>, NoWay> {
    match (data, file) {
        (Some(data), _) => {
            let decoded = STANDARD.decode(data.0.as_bytes()).map_err(|_| NoWay::NoBase64(what))?;
            Ok(Some(Zeroizing::new(decoded)))
        }
        (None, Some(path)) => bytes(path).map(Some),
        (None, None) => Ok(None),
    }
}

fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, NoWay> {
    let read = || read_value(&mut std::fs::File::open(path)?, MOST);
    read().map_err(|source| NoWay::Read { path: path.to_owned(), source })
}

fn joined(certificate: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut both = Zeroizing::new(Vec::with_capacity(certificate.len() + key.len() + 1)); // grows no more
    both.extend_from_slice(certificate);
    both.push(b'\n');
    both.extend_from_slice(key);
    both
}

#[cfg(test)]
mod tests;
