//! A server of files on loopback, with and without TLS.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Serves the current folder from a port that is free, which it prints first; with TLS where it is given a certificate and key.
const SERVE: &str = "import http.server, ssl, sys
server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
if sys.argv[1:]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()";

/// A certificate of a server that nobody else signed, and no authority's: rustls takes none of those from a server.
const REQUEST: &str = "[req]
distinguished_name = name
x509_extensions = server
[name]
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1
";

pub(crate) struct Server {
    child: Child,
    keys: TempDir,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn plain(folder: &Path) -> Self {
        Self::start(folder, "http", &[], tempfile::tempdir().unwrap())
    }

    /// Serves with a certificate that nobody knows.
    pub(crate) fn tls(folder: &Path) -> Self {
        let keys = tempfile::tempdir().unwrap();
        std::fs::write(keys.path().join("cnf"), REQUEST).unwrap();
        let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -config cnf -subj /CN=here -keyout key -out crt";
        let made = Command::new("openssl").args(words.split(' ')).current_dir(keys.path()).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let files = ["crt", "key"].map(|name| keys.path().join(name).display().to_string());
        Self::start(folder, "https", &files, keys)
    }

    fn start(folder: &Path, scheme: &str, files: &[String], keys: TempDir) -> Self {
        let mut python = Command::new("python3");
        python.args(["-c", SERVE]).args(files).current_dir(folder);
        let mut child = python.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, keys, url: format!("{scheme}://127.0.0.1:{}", port.trim()) }
    }

    /// Returns the file of its certificate.
    pub(crate) fn certificate(&self) -> String {
        self.keys.path().join("crt").display().to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
