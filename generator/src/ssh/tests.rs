//! What is proven here: a real sshd on loopback, with a configuration, host key and user key of the test's own.

use super::*;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// A real sshd; it ends with the test.
struct Sshd {
    folder: TempDir,
    child: Child,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keygen(path: &Path) {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(path);
    assert!(keygen.status().unwrap().success());
}

impl Sshd {
    /// Starts one; `make setup` installs it.
    fn start() -> Self {
        let program = PathBuf::from("/usr/sbin/sshd");
        assert!(program.exists(), "openssh-server is missing: make setup");
        // sshd wants this folder even where it drops no privileges. Source: OpenSSH 9.2, sshd.c, privsep path.
        let _ = std::fs::create_dir_all("/run/sshd");
        let folder = tempfile::tempdir_in("/root").or_else(|_| tempfile::tempdir()).unwrap();
        let at = |name: &str| folder.path().join(name);
        for key in ["host", "me", "stranger"] {
            keygen(&at(key));
        }
        std::fs::copy(at("me.pub"), at("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = std::fs::read_to_string(at("host.pub")).unwrap();
        std::fs::write(at("known"), format!("[127.0.0.1]:{port} {host}")).unwrap();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized\nPidFile none\nUsePAM no\nStrictModes no\n",
            folder.path().display()
        );
        std::fs::write(at("sshd_config"), config).unwrap();
        let mut sshd = Command::new(program);
        sshd.args(["-D", "-e", "-f"]).arg(at("sshd_config")).stderr(Stdio::null());
        let child = sshd.spawn().unwrap();
        let sshd = Self { folder, child, port };
        sshd.answers();
        sshd
    }

    /// Waits until it listens: a refused connection is tried again until then.
    fn answers(&self) {
        let end = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "sshd does not listen");
            std::thread::yield_now();
        }
    }

    fn ssh(&self, key: &str, known: &str) -> Ssh {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let options = [
            ("-F", "/dev/null".to_owned()),
            ("-i", at(key)),
            ("-o", "IdentitiesOnly=yes".to_owned()),
            ("-o", "IdentityAgent=none".to_owned()),
            ("-o", format!("UserKnownHostsFile={}", at(known))),
            ("-o", "GlobalKnownHostsFile=/dev/null".to_owned()),
        ];
        Ssh::with(options.into_iter().flat_map(|(flag, value)| [flag.into(), value.into()]).collect())
            .unwrap()
    }

    fn target(&self) -> Target {
        Target { user: None, host: "127.0.0.1".to_owned(), port: Some(self.port) }
    }
}

#[test]
fn a_command_gets_bytes_and_its_output_and_code_come_back() {
    let sshd = Sshd::start();
    let (ssh, target) = (sshd.ssh("me", "known"), sshd.target());
    let input = b"a secret\nline 2";
    let said = ssh.run(&target, "cat; echo no >&2; exit 7", &Input::Bytes(input), SHORT).unwrap();
    assert_eq!((said.code, said.out.as_slice(), said.err.as_str()), (7, input.as_slice(), "no"));
    let sockets = || std::fs::read_dir(ssh.sockets.path()).unwrap().count();
    assert_eq!(sockets(), 1);
    let root = ssh.root(&target, "printf '%s' \"it's $HOME\"", &Input::Nothing, SHORT);
    assert!(root.is_ok() || matches!(root, Err(SshError::Remote { .. })));
    assert_eq!(sockets(), 1, "a machine is dialled once");
}

#[test]
fn a_command_of_root_knows_the_connection_it_came_by() {
    let sshd = Sshd::start();
    let said = sshd.ssh("me", "known").root(&sshd.target(), "echo \"$1\"", &Input::Nothing, SHORT);
    let said = String::from_utf8(said.unwrap()).unwrap();
    assert!(said.ends_with(&format!(" 127.0.0.1 {}\n", sshd.port)), "{said}");
}

#[test]
fn what_runs_is_given_up_when_nobody_waits_for_it_any_more() {
    let sshd = Sshd::start();
    let (ssh, target) = (sshd.ssh("me", "known"), sshd.target());
    let start = Instant::now();
    std::thread::scope(|scope| {
        let hangs = scope.spawn(|| ssh.run(&target, "exec sleep 600", &Input::Nothing, 10 * SHORT));
        ssh.stop();
        assert!(matches!(hangs.join().unwrap(), Err(SshError::Patience(_))));
    });
    assert!(start.elapsed() < SHORT, "it would have waited for ten times as long");
}

#[test]
fn a_file_is_copied_whole_and_a_half_one_never_takes_its_place() {
    let sshd = Sshd::start();
    let (ssh, target) = (sshd.ssh("me", "known"), sshd.target());
    let [from, to] = ["from", "to"].map(|name| sshd.folder.path().join(name));
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    std::fs::write(&from, &bytes).unwrap();
    let copy = |digest: &str| {
        let command = super::copy_command(to.to_str().unwrap(), digest);
        ssh.run(&target, &command, &Input::File(File::open(&from).unwrap()), SHORT).unwrap()
    };
    let wrong = copy(&"0".repeat(64));
    assert_ne!(wrong.code, 0);
    assert!(!to.exists(), "{wrong:?}");
    let right = crate::secrets::digest(&bytes).hex();
    assert_eq!(copy(right.as_str()).code, 0);
    assert_eq!(std::fs::read(&to).unwrap(), bytes);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&to).unwrap().permissions());
    assert_eq!(mode & 0o7777, 0o755);
}

#[test]
fn each_way_to_fail_says_what_to_type() {
    let sshd = Sshd::start();
    let target = sshd.target();
    let fails = |ssh: &Ssh, target: &Target| ssh.run(target, "true", &Input::Nothing, SHORT).unwrap_err();
    let login = fails(&sshd.ssh("stranger", "known"), &target);
    assert!(login.help().contains("ssh-copy-id"), "{login}");
    let stranger = fails(&sshd.ssh("me", "none"), &target);
    assert!(stranger.help().contains("compare the host key"), "{stranger}");
    let other = std::fs::read_to_string(sshd.folder.path().join("me.pub")).unwrap();
    let known = sshd.folder.path().join("changed");
    std::fs::write(known, format!("[127.0.0.1]:{} {other}", sshd.port)).unwrap();
    let changed = fails(&sshd.ssh("me", "changed"), &target);
    assert!(changed.help().contains("ssh-keygen -R \"[127.0.0.1]:"), "{changed}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = fails(&sshd.ssh("me", "known"), &Target { port: Some(closed), ..target.clone() });
    assert!(away.to_string().contains("cannot reach"), "{away}");
    let name = fails(&sshd.ssh("me", "known"), &"nobody.invalid".parse().unwrap());
    assert!(name.to_string().contains("no such host"), "{name}");
}

#[test]
fn patience_and_size_are_bounded() {
    let sshd = Sshd::start();
    let (ssh, target) = (sshd.ssh("me", "known"), sshd.target());
    let hangs = ssh.run(&target, "exec sleep 600", &Input::Nothing, Duration::from_millis(800));
    assert!(matches!(hangs, Err(SshError::Patience(_))), "{hangs:?}");
    let floods = ssh.run(&target, "exec yes", &Input::Nothing, SHORT);
    assert!(matches!(floods, Err(SshError::TooMuch(_))), "{floods:?}");
}

#[test]
fn places_are_read_as_people_write_them() {
    let cases = [
        ("root@203.0.113.7", Some("root"), "203.0.113.7", None),
        ("pi@192.168.1.20:2222", Some("pi"), "192.168.1.20", Some(2222)),
        ("edge", None, "edge", None),
        ("me@[2001:db8::7]:22", Some("me"), "2001:db8::7", Some(22)),
        ("me@2001:db8::7", Some("me"), "2001:db8::7", None),
        ("[fe80::1%eth0]", None, "fe80::1%eth0", None),
    ];
    for (text, user, host, port) in cases {
        let target: Target = text.parse().unwrap();
        assert_eq!((target.user.as_deref(), target.host.as_str(), target.port), (user, host, port), "{text}");
        assert_eq!(target.to_string().parse::<Target>().unwrap(), target);
    }
}

#[test]
fn nothing_that_ssh_or_a_shell_would_obey_is_a_place() {
    for text in [
        "",
        "-oProxyCommand=x",
        "root@-x",
        "a b",
        "a;b",
        "$(x)",
        "a@b:99999",
        "a@b:0",
        "@b",
        "a@",
        "[::1",
        "a:",
    ] {
        assert!(text.parse::<Target>().is_err(), "{text}");
    }
}

#[test]
fn what_a_machine_says_cannot_move_the_cursor() {
    assert_eq!(plain(b"no\r\n\x1b[2Jway\x07\n"), "no\n·[2Jway·");
}
