//! The controller of a live cluster, asked through the API server as kubeseal asks it.
//! Source: sealed-secrets v0.27.1, pkg/controller/server.go.

use crate::kubeconfig::Way;
use crate::seal::SealedSecret;
use crate::secrets::read_value;
use knarr_node::name::{BadName, Namespace, ObjectName};
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Identity, StatusCode};
use serde::Deserialize;
use std::str::FromStr;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a question is put again that came too early: the controller takes two a second.
const TRIES: u32 = 30;
/// The most bytes of an answer that are read.
const MOST: usize = 4 << 20;

/// Why the controller did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// The certificates or the key of the kubeconfig are none.
    #[error("the kubeconfig holds no certificate, or no key, that can be used")]
    Credentials(#[source] reqwest::Error),
    /// Nobody is there, or it is not who its certificate should name.
    #[error("cannot ask {server}")]
    Ask {
        /// The API server.
        server: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// The API server knows no such Service.
    #[error("there is no Service `{}` in the namespace `{}`", .0.name, .0.namespace)]
    NoService(Address),
    /// Another answer than was hoped for.
    #[error("{what} answers {status}{said}")]
    Answer {
        /// Who.
        what: &'static str,
        /// Its status.
        status: StatusCode,
        /// What it says, if that is text.
        said: String,
    },
    /// An answer that is not what was asked for.
    #[error("{0} is not what sealed-secrets answers")]
    Format(&'static str),
}

impl ControllerError {
    /// Says what to type.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Credentials(_) => "make it anew: knarr kubeconfig",
            Self::Ask { .. } => "see whether kubectl reaches it: kubectl version",
            Self::NoService(_) => {
                "say where it is (kubeseal: --controller-name, --controller-namespace): kubectl get services -A"
            }
            Self::Answer { status, .. } if *status == StatusCode::FORBIDDEN => {
                "use a kubeconfig that may get services and services/proxy there: kubectl auth can-i get services/proxy"
            }
            Self::Answer { .. } | Self::Format(_) => "see whether it runs: kubectl -n kube-system get pods",
        }
    }

    /// Whether it is about what was typed, and not about what is around.
    pub fn is_typed(&self) -> bool {
        matches!(self, Self::NoService(_) | Self::Credentials(_))
    }
}

/// Where a controller is: in a namespace, behind a Service, e.g. `kube-system/sealed-secrets-controller`.
#[derive(Clone, Debug)]
pub struct Address {
    /// The namespace.
    pub namespace: Namespace,
    /// The Service.
    pub name: ObjectName,
}

impl FromStr for Address {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, name) = text.split_once('/').ok_or("write NAMESPACE/SERVICE")?;
        let bad = |bad: BadName| bad.to_string();
        Ok(Self { namespace: namespace.parse().map_err(bad)?, name: name.parse().map_err(bad)? })
    }
}

/// The controller behind its Service.
pub struct Controller {
    client: Client,
    server: String,
    token: Option<Zeroizing<String>>,
    path: String,
}

/// As much of a Service as tells by which name its port is asked.
#[derive(Deserialize)]
struct Service {
    spec: ServiceSpec,
}

#[derive(Deserialize)]
struct ServiceSpec {
    #[serde(default)]
    ports: Vec<ServicePort>,
}

#[derive(Deserialize)]
struct ServicePort {
    #[serde(default)]
    name: String,
}

impl Controller {
    /// Finds the controller by its Service.
    pub fn find(way: Way, address: &Address) -> Result<Self, ControllerError> {
        let client = client(&way).map_err(ControllerError::Credentials)?;
        let server = way.server.trim_end_matches('/').to_owned();
        let Address { namespace, name } = address;
        let services = format!("/api/v1/namespaces/{namespace}/services");
        let mut found = Self { client, server, token: way.token, path: format!("{services}/{name}") };
        let answer = found.send(&found.client.get(found.at("")))?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(ControllerError::NoService(address.clone()));
        }
        let body = good("the API server", answer)?;
        let service: Service =
            serde_json::from_slice(&body).map_err(|_| ControllerError::Format("the Service"))?;
        let port = service.spec.ports.into_iter().next().ok_or(ControllerError::Format("the Service"))?.name;
        found.path = format!("{services}/http:{name}:{port}/proxy/v1");
        Ok(found)
    }

    /// Returns the certificates that it seals with now, in PEM.
    pub fn certificate(&self) -> Result<Zeroizing<Vec<u8>>, ControllerError> {
        good("the controller", self.send(&self.client.get(self.at("/cert.pem")))?)
    }

    /// Whether it opens a Secret.
    pub fn opens(&self, sealed: &SealedSecret) -> Result<bool, ControllerError> {
        let answer = self.send(&self.posted("/verify", sealed)?)?;
        if answer.status() == StatusCode::CONFLICT {
            return Ok(false);
        }
        good("the controller", answer).map(|_| true)
    }

    /// Has it seal a Secret again, with its newest key.
    pub fn seal_again(&self, sealed: &SealedSecret) -> Result<SealedSecret, ControllerError> {
        let body = good("the controller", self.send(&self.posted("/rotate", sealed)?)?)?;
        let format = |_| ControllerError::Format("what it sealed");
        // It does not say what kind of object it is.
        let mut object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&body).map_err(format)?;
        object.insert("apiVersion".to_owned(), sealed.api_version.clone().into());
        object.insert("kind".to_owned(), sealed.kind.clone().into());
        serde_json::from_value(object.into()).map_err(format)
    }

    fn at(&self, below: &str) -> String {
        format!("{}{}{below}", self.server, self.path)
    }

    fn posted(&self, below: &str, sealed: &SealedSecret) -> Result<RequestBuilder, ControllerError> {
        let body = serde_json::to_vec(sealed).map_err(|_| ControllerError::Format("the sealed Secret"))?;
        Ok(self.client.post(self.at(below)).body(body))
    }

    /// Asks, and again when that was too early.
    fn send(&self, request: &RequestBuilder) -> Result<Response, ControllerError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut request = request.try_clone().expect("a body in memory can be sent again");
            if let Some(token) = &self.token {
                request = request.bearer_auth(token.as_str());
            }
            let answer = request.send().map_err(|error| ControllerError::Ask {
                server: self.server.clone(),
                source: error.without_url(),
            })?;
            if answer.status() != StatusCode::TOO_MANY_REQUESTS || tries == TRIES {
                return Ok(answer);
            }
            std::thread::sleep(pause(&answer));
        }
    }
}

/// Returns how long the answer asks one to wait; at most some seconds.
fn pause(answer: &Response) -> Duration {
    let said = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(said.unwrap_or(1).clamp(1, 5))
}

fn client(way: &Way) -> reqwest::Result<Client> {
    let mut client =
        Client::builder().timeout(PATIENCE).connect_timeout(PATIENCE / 3).redirect(Policy::none());
    if let Some(authority) = &way.authority {
        client = client.tls_certs_only(Certificate::from_pem_bundle(authority)?);
    }
    if let Some(identity) = &way.identity {
        client = client.identity(Identity::from_pem(identity)?);
    }
    client.build()
}

/// Fetches a certificate from anywhere.
pub fn fetch(url: &str) -> Result<Zeroizing<Vec<u8>>, ControllerError> {
    let client = || Client::builder().timeout(PATIENCE).connect_timeout(PATIENCE / 3);
    let nobody = |_| client().tls_certs_only([]).build(); // where Linux knows no authority, http is fine
    let answer = client().build().or_else(nobody).and_then(|client| client.get(url).send());
    let ask =
        |error: reqwest::Error| ControllerError::Ask { server: url.to_owned(), source: error.without_url() };
    good("the address", answer.map_err(ask)?)
}

/// Returns the body of an answer that is 200.
fn good(what: &'static str, mut answer: Response) -> Result<Zeroizing<Vec<u8>>, ControllerError> {
    let status = answer.status();
    let body = read_value(&mut answer, MOST).map_err(|_| ControllerError::Format("the answer"))?;
    if status == StatusCode::OK {
        return Ok(body);
    }
    let text = String::from_utf8_lossy(&body);
    let message = serde_json::from_str::<serde_json::Value>(&text).ok();
    let message = message.as_ref().and_then(|it| it["message"].as_str()).unwrap_or(text.trim());
    let said: String = message.chars().take(200).collect();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    Err(ControllerError::Answer { what, status, said })
}
