//! A mirror of K3s's releases: a folder laid out like the release address, served by a real HTTP server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{OLD, damaged_one};
use crate::story::hands::ARGO_CD;
use crate::{Child, K3S_NEWER, Lab, wait_until};
use std::time::Duration;

const RELEASES: &str = "k3s-io/k3s/releases/download";
/// Where it is, for all hosts.
pub(crate) const URL: &str = "http://203.0.113.1:8000";

/// A running mirror, for this machine's architecture.
pub(crate) struct Mirror {
    folder: PathBuf,
    server: Child,
}

impl Mirror {
    /// Lays the folder out and serves it on the lab's internet; `peers` has what `make peers` built.
    pub(crate) fn serve(lab: &Lab, peers: &Path) -> Self {
        let programs = peers.join("k3s");
        let folder = PathBuf::from(lab.internet().expect("mktemp -d /tmp/knarr-mirror-XXXXXX"));
        let damaged = damaged_one();
        let newer = K3S_NEWER.map(|new| (new, new));
        for (version, of) in [(OLD, OLD), (&*damaged, OLD)].into_iter().chain(newer) {
            let release = folder.join(RELEASES).join(version);
            fs::create_dir_all(&release).expect("a temporary folder can be written");
            symlink(programs.join(of).join("k3s"), release.join(file())).expect("a link can be made");
            let digest =
                if version == damaged { "d".repeat(64) } else { digest(lab, &programs.join(of).join("k3s")) };
            let text = format!("{digest}  {}\n", file());
            fs::write(release.join(sums()), text).expect("it can be written");
        }
        let argo_cd = folder.join(ARGO_CD);
        fs::create_dir_all(&argo_cd).expect("a temporary folder can be written");
        symlink(peers.join("manifests/argocd-core-install.yaml"), argo_cd.join("core-install.yaml"))
            .expect("a link can be made");
        let text =
            format!("exec setpriv --pdeathsig KILL busybox httpd -f -vv -p 8000 -h {}", folder.display());
        let server = lab.internet().spawn(&text);
        wait_until("the mirror answers", Duration::from_secs(10), || {
            lab.internet().run("nc -z 203.0.113.1 8000").ok()
        });
        Self { folder, server }
    }

    /// The digest that it tells of a version's file.
    pub(crate) fn digest(&self, version: &str) -> String {
        let sums = self.folder.join(RELEASES).join(version).join(sums());
        let sums = fs::read_to_string(sums).expect("the mirror has its digests");
        sums.split_whitespace().next().expect("a digest comes first").to_owned()
    }

    /// Whether it gave somebody a file from somewhere in the middle to its end.
    pub(crate) fn gave_a_part_to(&self, address: &str) -> bool {
        self.log().lines().any(|line| line.contains(address) && line.ends_with("response:206"))
    }

    pub(crate) fn log(&self) -> String {
        self.server.said()
    }
}

fn digest(lab: &Lab, file: &Path) -> String {
    lab.internet().expect(&format!("sha256sum {} | cut -d' ' -f1", file.display()))
}

/// Source: k3s:install.sh, v1.36.
fn sums() -> &'static str {
    if cfg!(target_arch = "aarch64") { "sha256sum-arm64.txt" } else { "sha256sum-amd64.txt" }
}

fn file() -> &'static str {
    if cfg!(target_arch = "aarch64") { "k3s-arm64" } else { "k3s" }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}
