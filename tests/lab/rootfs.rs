//! The root file system that all hosts share, made once by debootstrap and kept in the cache. Never written afterwards:
//! each host has an overlay of its own on it.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell;

/// What Debian's packages bring to each host. Those that Knarr's own package depends on are among them.
const PACKAGES: &[&str] = &[
    "systemd",
    "systemd-sysv",
    "dbus",
    "libpam-systemd", // the machine
    "iproute2",
    "nftables",
    "wireguard-tools",
    "wireguard-go", // what knarrd steers
    "git",
    "openssh-client",
    "openssh-server",
    "ca-certificates",
    "sudo",
    "age", // how people and knarrd come in
    "iptables",
    "conntrack",
    "iputils-ping",
    "curl",
    "netcat-openbsd",
    "procps",
    "strace", // judges
];

/// Makes an image of a machine out of what debootstrap left; part of the cache's key. What a host may lack lies in
/// /srv/apt, the only source of its apt, since no host reaches a mirror.
const FINISH: &str = r"
mkdir -p srv/apt
for package in wireguard-tools wireguard-go conntrack libnetfilter-conntrack3; do
  deb=$(echo var/cache/apt/archives/${package}_*.deb)
  mv $deb srv/apt/$package.deb
  dpkg-deb --field srv/apt/$package.deb
  echo Filename: ./$package.deb
  echo Size: $(stat -c %s srv/apt/$package.deb)
  echo SHA256: $(sha256sum srv/apt/$package.deb | cut -d' ' -f1)
  echo
done > srv/apt/Packages
rm -rf etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/apt ./' > etc/apt/sources.list
rm -f etc/ssh/ssh_host_* etc/hostname var/cache/apt/archives/*.deb var/lib/apt/lists/*_* var/log/*.log
: > etc/machine-id
: > etc/resolv.conf
mkdir -p var/log/journal
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer console-getty.service; do
  ln -sf /dev/null etc/systemd/system/$unit
done
for program in usr/sbin/sshd usr/bin/git usr/bin/wg usr/bin/wireguard-go usr/sbin/nft usr/bin/sudo usr/bin/age; do
  test -x $program
done
";

/// Returns the folder of the root file system, after having made it when the cache has none for this list of packages.
pub(crate) fn rootfs(cache: &Path) -> PathBuf {
    let source = source();
    let ready = cache.join(format!("rootfs-{:016x}", key(&source)));
    fs::create_dir_all(cache).expect("the cache can be made");
    let lock = fs::File::create(cache.join("rootfs.lock")).expect("the cache can be written");
    lock.lock().expect("a lock in the cache can be waited for");
    if !ready.is_dir() {
        build(&source, cache, &ready);
    }
    ready
}

/// Where this machine's own packages come from.
#[derive(Debug)]
struct Source {
    site: String,
    release: String,
}

/// Reads mirror and release of this machine from its apt: the hosts run the same Debian.
fn source() -> Source {
    let release = shell::must(". /etc/os-release; echo $VERSION_CODENAME");
    let targets =
        shell::must("apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages'");
    let site = site_of(&targets, &release)
        .unwrap_or_else(|| panic!("apt has no source for `{release} main`:\n{targets}"));
    Source { site, release }
}

fn site_of(targets: &str, release: &str) -> Option<String> {
    let wanted = format!(" {release} main");
    targets.lines().find_map(|line| line.strip_suffix(&wanted)).map(str::to_owned)
}

fn key(source: &Source) -> u64 {
    let mut hasher = DefaultHasher::new();
    (PACKAGES, FINISH, &source.release).hash(&mut hasher);
    hasher.finish()
}

/// Builds under another name and renames: what bears the final name is complete.
fn build(source: &Source, cache: &Path, ready: &Path) {
    println!("building the root file system of the test hosts, once (about a minute)");
    let part = cache.join("rootfs.part");
    discard(&part);
    let mut command = Command::new("debootstrap");
    command.arg("--variant=minbase").arg(format!("--include={}", PACKAGES.join(",")));
    let output = shell::run(command.arg(&source.release).arg(&part).arg(&source.site), b"");
    assert!(output.ok(), "debootstrap failed, its log is in {}/debootstrap\n{output}", part.display());
    shell::must(&format!("cd {}\n{FINISH}", part.display()));
    fs::rename(&part, ready).expect("a rename within the cache works");
}

/// Removes what an interrupted build left, with the mounts that debootstrap makes meanwhile.
fn discard(part: &Path) {
    let part = part.display();
    shell::must(&format!(
        "for it in proc sys; do ! mountpoint -q {part}/$it || umount {part}/$it; done; rm -rf --one-file-system {part}"
    ));
}

#[cfg(test)]
mod tests {
    #[test]
    fn takes_the_mirror_of_the_release_itself() {
        let targets =
            "http://a.example/debian bookworm-updates main\nhttp://b.example/debian bookworm main\n";
        assert_eq!(super::site_of(targets, "bookworm").as_deref(), Some("http://b.example/debian"));
        assert_eq!(super::site_of(targets, "trixie"), None);
    }
}
