//! The certificate authorities of a cluster: made before it is born, so that joins are pinned and nothing is fetched.

use jiff::civil::Date;
use knarr_node::name::{ClusterName, RepoPath, SecretName};
use pem_rfc7468::LineEnding;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    date_time_ymd,
};
use zeroize::Zeroizing;

/// How long an authority lasts, in years: K3s does not renew it. As K3s's own.
/// Source: K3s documentation, cli/certificate.md, v1.36.
const YEARS: i16 = 10;

/// One authority of a K3s cluster.
/// Source: k3s:contrib/util/generate-custom-ca-certs.sh, v1.36.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Authority {
    /// It signs what clients show to the API.
    Client,
    /// It signs what the API shows; tokens pin it.
    Server,
    /// It signs what the API shows to its extensions.
    RequestHeader,
    /// It signs what members of etcd show each other.
    EtcdPeer,
    /// It signs what etcd and its clients show each other.
    EtcdServer,
}

/// Keys or certificates that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// The library or the operating system refused.
    #[error("cannot make K3s's certificate authorities")]
    Authority,
    /// The same, for the key that signs the tokens of service accounts.
    #[error("cannot make K3s's service key")]
    Service,
    /// The operating system has no randomness.
    #[error("cannot make K3s's tokens: the system has no randomness")]
    Token,
}

/// A certificate and its private key, both in PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: Zeroizing<String>,
}

impl Authority {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Client, Self::Server, Self::RequestHeader, Self::EtcdPeer, Self::EtcdServer];

    /// Returns the name of its files below `server/tls`, without `.crt` and `.key`.
    pub fn stem(self) -> &'static str {
        match self {
            Self::Client => "client-ca",
            Self::Server => "server-ca",
            Self::RequestHeader => "request-header-ca",
            Self::EtcdPeer => "etcd/peer-ca",
            Self::EtcdServer => "etcd/server-ca",
        }
    }

    fn name(self) -> String {
        self.stem().replace('/', "-")
    }

    /// Returns where its certificate lies in the repository, in clear as any certificate.
    pub fn certificate(self) -> RepoPath {
        format!("secrets/{}.crt", self.name()).parse().expect("it is a path")
    }

    /// Returns the secret that is its private key.
    pub fn key(self) -> SecretName {
        let name = self.name();
        let short = name.strip_suffix("-ca").expect("each name ends so");
        format!("k3s-ca-{short}").parse().expect("it is a label")
    }

    /// Makes its certificate, which holds from `today`, UTC.
    pub(super) fn pair(self, cluster: &ClusterName, today: Date) -> Result<Pair, MaterialError> {
        let failed = |_| MaterialError::Authority;
        let key = Zeroizing::new(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?);
        let params = self.params(cluster, today);
        let certificate = params.self_signed(&*key).map_err(failed)?;
        let pem = |label, der: &[u8]| {
            pem_rfc7468::encode_string(label, LineEnding::LF, der).map_err(|_| MaterialError::Authority)
        };
        Ok(Pair {
            certificate: pem("CERTIFICATE", certificate.der())?,
            key: Zeroizing::new(pem("PRIVATE KEY", key.serialized_der())?),
        })
    }

    fn params(self, cluster: &ClusterName, today: Date) -> CertificateParams {
        let day = |date: Date| {
            date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
        };
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("{cluster} k3s-{}", self.name()));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.not_before = day(today);
        params.not_after = day(today.saturating_add(jiff::Span::new().years(YEARS)));
        params
    }
}
