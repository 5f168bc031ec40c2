//! The machine that the test runs on, seen through plain system calls and systemctl.

use super::meddler::run;
use super::network::DEVICE;
use super::{DIR, Outside};
use knarrd::host::{LinuxHost, Secrets, Settings};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

pub(super) struct Here;

impl Here {
    /// Takes away all that an earlier case left.
    pub(super) fn clean() -> Self {
        for unit in ["knarr-test.service", "knarr-test-dist.service"] {
            systemctl(&["disable", "--now", unit]);
            for folder in ["/etc/systemd/system", "/usr/lib/systemd/system"] {
                drop(fs::remove_file(format!("{folder}/{unit}")));
            }
            drop(fs::remove_dir_all(format!("/etc/systemd/system/{unit}.d")));
        }
        systemctl(&["daemon-reload"]);
        systemctl(&["stop", "knarr-wg-knarr-test0.service"]);
        run(&["ip", "link", "delete", DEVICE]);
        while run(&["ip", "route", "delete", "10.213.0.0/16"]).is_some() {}
        run(&["nft", "delete", "table", "inet", "knarr_test"]);
        drop(fs::remove_dir_all("/var/lib/knarr/snapshots/knarr-test.service"));
        drop(fs::remove_dir_all("/etc/cloud"));
        drop(fs::remove_dir_all(DIR));
        drop(Command::new("userdel").args(["-r", "knarrtest"]).output());
        fs::write("/proc/sys/net/ipv4/ip_default_ttl", "64").unwrap();
        Self
    }

    pub(super) fn host(secrets: Secrets) -> LinuxHost {
        let path = |text: &str| text.parse().unwrap();
        let program = std::env::var("KNARRD").unwrap_or_else(|_| "/usr/bin/knarrd".to_owned());
        let settings =
            Settings { state: path("/var/lib/knarr"), run: path("/run/knarr"), program: path(&program) };
        LinuxHost::open(settings, secrets).unwrap()
    }
}

impl Outside for Here {
    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(path).ok()
    }
    fn mode(&self, path: &str) -> Option<u32> {
        fs::symlink_metadata(path).ok().map(|meta| meta.mode() & 0o7777)
    }
    fn target(&self, path: &str) -> Option<String> {
        Some(fs::read_link(path).ok()?.to_str()?.to_owned())
    }
    fn plant(&self, path: &str, text: &str, mode: u32) {
        fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    fn plant_link(&self, path: &str, to: &str) {
        fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
        symlink(to, path).unwrap();
    }
    fn plant_folder(&self, path: &str) {
        fs::create_dir_all(path).unwrap();
    }
    fn plant_unit(&self, name: &str, text: &str) {
        fs::write(format!("/usr/lib/systemd/system/{name}"), text).unwrap();
        systemctl(&["daemon-reload"]);
    }
    fn is_active(&self, unit: &str) -> bool {
        systemctl(&["is-active", "-q", unit])
    }
    fn is_enabled(&self, unit: &str) -> bool {
        systemctl(&["is-enabled", "-q", unit])
    }
    fn restart(&self, unit: &str) {
        assert!(systemctl(&["restart", unit]));
    }
    fn start_for_ever(&self, unit: &str) {
        assert!(systemctl(&["restart", "--no-block", unit]));
        let starts = || {
            run(&["systemctl", "show", "-p", "ActiveState", unit])
                .is_some_and(|said| said.contains("=activating"))
        };
        assert!(super::eventually(starts));
    }
}

fn systemctl(args: &[&str]) -> bool {
    Command::new("systemctl").args(args).output().is_ok_and(|output| output.status.success())
}
