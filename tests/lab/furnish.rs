//! Makes one host out of the shared root file system before its first boot: names, keys, users. Works on the overlay from
//! outside; never runs while the host is on.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::shell;
use crate::spec::{HOSTS, HostSpec, Login, hosts_file};

/// SSH keys of a lab: one of the operator, one of each host.
#[derive(Debug)]
pub(crate) struct Keys {
    operator: Pair,
    hosts: BTreeMap<&'static str, Pair>,
}

#[derive(Debug)]
struct Pair {
    private: String,
    public: String,
}

impl Keys {
    /// Makes all keys; `folder` holds them only meanwhile.
    pub(crate) fn make(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("the lab's folder can be written");
        let hosts = HOSTS.iter().map(|host| (host.name, Pair::make(folder, &format!("root@{}", host.name))));
        Self { operator: Pair::make(folder, "me@laptop"), hosts: hosts.collect() }
    }

    /// A known_hosts file with all hosts by name and by address on each leg.
    fn known_hosts(&self) -> String {
        let mut text = String::new();
        for host in HOSTS {
            let addresses: Vec<String> = host.legs.iter().map(|leg| leg.address()).collect();
            let key = &self.hosts[host.name].public;
            writeln!(text, "{},{} {key}", host.name, addresses.join(",")).expect("a String takes all text");
        }
        text
    }
}

impl Pair {
    fn make(folder: &Path, comment: &str) -> Self {
        let file = folder.join(comment).display().to_string();
        shell::must(&format!("ssh-keygen -q -t ed25519 -N '' -C {comment} -f {file}"));
        let read = |file: &str| fs::read_to_string(file).expect("ssh-keygen wrote both halves");
        Self { private: read(&file), public: read(&format!("{file}.pub")).trim().to_owned() }
    }
}

/// Furnishes the host whose file system is mounted at `root`.
pub(crate) fn furnish(host: &HostSpec, root: &Path, keys: &Keys) {
    let write =
        |path: &str, text: &str| fs::write(root.join(path), text).expect("an overlay of ours can be written");
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid").expect("the kernel gives random ids");
    write("etc/machine-id", &id.replace('-', ""));
    write("etc/hostname", &format!("{}\n", host.name));
    write("etc/hosts", &hosts_file(host));
    write("etc/ssh/ssh_host_ed25519_key", &keys.hosts[host.name].private);
    write("etc/ssh/ssh_host_ed25519_key.pub", &format!("{}\n", keys.hosts[host.name].public));
    write("tmp/operator", &keys.operator.private);
    write("tmp/operator.pub", &format!("{}\n", keys.operator.public));
    write("tmp/known_hosts", &keys.known_hosts());
    let (root, script) = (root.display(), script(host));
    shell::must(&format!("chroot {root} sh -e <<'END'\n{script}\nEND"));
}

/// What is done inside: packages that this machine lacks, the user who logs in, and nothing left in /tmp.
fn script(host: &HostSpec) -> String {
    let user = host.login.user();
    let make = match host.login {
        Login::Root => "home=/root".to_owned(),
        Login::Sudo(user) => format!(
            "useradd -m -s /bin/bash -G sudo {user}; home=/home/{user}
             echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}; chmod 0440 /etc/sudoers.d/{user}
             echo 'PermitRootLogin no' > /etc/ssh/sshd_config.d/lab.conf"
        ),
        Login::Operator(user) => format!("useradd -m -s /bin/bash {user}; home=/home/{user}"),
        Login::Git => "useradd -m -d /srv/git -s /usr/bin/git-shell git; home=/srv/git".to_owned(),
    };
    let keys = match host.login {
        Login::Operator(_) => {
            "mv /tmp/operator $home/.ssh/id_ed25519; mv /tmp/operator.pub $home/.ssh/id_ed25519.pub
             mv /tmp/known_hosts $home/.ssh/known_hosts
             printf '[user]\\n\\tname = Me\\n\\temail = me@laptop.example\\n' > $home/.gitconfig; chmod 0644 $home/.gitconfig"
        }
        Login::Root | Login::Sudo(_) | Login::Git => "mv /tmp/operator.pub $home/.ssh/authorized_keys",
    };
    let without = host.lacks.join(" ");
    format!(
        "[ -z '{without}' ] || dpkg --purge {without} >/dev/null 2>&1
         umask 077
         {make}
         mkdir -p $home/.ssh
         {keys}
         chmod 600 $home/.ssh/*; chown -R {user}: $home
         chmod 600 /etc/ssh/ssh_host_ed25519_key
         rm -f /tmp/operator* /tmp/known_hosts"
    )
}
