use super::*;

const WHOLE: &str = include_str!("../../tests/probes/debian.txt");

fn with(from: &str, to: &str) -> Result<Probe, BadProbe> {
    assert!(WHOLE.contains(from), "the example has no `{from}`");
    parse(WHOLE.replace(from, to).as_bytes())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_rented_server_is_seen_as_it_is() {
    let probe = parse(WHOLE.as_bytes()).unwrap();
    assert_eq!((probe.os.as_str(), &probe.arch, probe.root), ("Debian 12", &Ok(Arch::Amd64), Root::Sudo));
    assert_eq!(probe.addresses, [ip("203.0.113.7"), ip("2001:db8::7"), ip("10.0.0.5")]);
    assert_eq!(probe.dialled, Some(ip("203.0.113.7")));
    let listens: Vec<String> = probe.listens.iter().map(Listens::to_string).collect();
    assert_eq!(listens, ["22 sshd", "80 nginx", "udp/68"]);
    assert_eq!(probe.missing, ["nft", "wg"].map(str::to_owned).into());
    assert!(probe.systemd && probe.apt && probe.routed && probe.enrolled.is_none());
    assert_eq!(probe.host_keys.len(), 1);
}

#[test]
fn what_a_login_shell_says_before_is_passed_over() {
    let noisy = format!("Welcome!\nroot=yes\n{WHOLE}bye\n");
    assert_eq!(parse(noisy.as_bytes()), parse(WHOLE.as_bytes()));
}

#[test]
fn each_broken_answer_is_refused() {
    let half = &WHOLE[..WHOLE.len() / 2];
    assert_eq!(parse(half.as_bytes()), Err(BadProbe::Cut));
    assert_eq!(parse(b""), Err(BadProbe::Cut));
    assert_eq!(parse(b"\xff\xfe\x00"), Err(BadProbe::Cut));
    assert_eq!(with("root=sudo\n", ""), Err(BadProbe::Missing("root")));
    assert!(matches!(with("root=sudo", "root=maybe"), Err(BadProbe::Value { key, .. }) if key == "root"));
    assert!(matches!(with("machine=", "machine=../"), Err(BadProbe::Value { key, .. }) if key == "machine"));
}

#[test]
fn hostile_values_reach_no_terminal_and_no_later_line_wins() {
    let hostile = with("os=Debian 12", "os=\u{1b}[2J\u{7}Debian\u{202e} 12").unwrap();
    assert_eq!(hostile.os, "[2JDebian 12");
    assert_eq!(with("root=sudo", "root=sudo\nroot=yes").unwrap().root, Root::Sudo);
    let long = with("missing=wg", &format!("missing={}", "x".repeat(10_000))).unwrap();
    assert!(long.missing.iter().all(|name| name.len() <= 60));
    let named = with("\"nginx\"", "\"\u{1b}]0;x\u{7}\"").unwrap();
    assert!(named.listens.iter().all(|listens| !listens.to_string().contains('\u{1b}')));
}

#[test]
fn an_enrolled_machine_names_its_cluster() {
    let end = "knarr-probe=end";
    let there = |identity: &str| with(end, &format!("identity={identity}\n{end}")).unwrap().enrolled;
    let known = there(r#"{"cluster":"harbor","node":"edge","floor":"…","later":[1,2]}"#);
    assert_eq!(known, Some(Enrolled::As("harbor".parse().unwrap(), "edge".parse().unwrap())));
    assert_eq!(there("{"), Some(Enrolled::Unreadable));
    assert_eq!(there(r#"{"cluster":"../x","node":"edge"}"#), Some(Enrolled::Unreadable));
}

#[test]
fn firewalls_of_others_are_seen_and_unknown_ones_passed_over() {
    let end = "knarr-probe=end";
    let lines = format!("firewall=ufw\nfirewall=firewalld\nfirewall=\u{1b}[2J\n{end}");
    assert_eq!(with(end, &lines).unwrap().firewalls, [Firewall::Ufw, Firewall::Firewalld].into());
    assert_eq!(parse(WHOLE.as_bytes()).unwrap().firewalls, [].into());
}

#[test]
fn other_machines_are_named_not_guessed() {
    assert_eq!(with("arch=x86_64", "arch=aarch64").unwrap().arch, Ok(Arch::Arm64));
    assert_eq!(with("arch=x86_64", "arch=armv7l").unwrap().arch, Err("armv7l".to_owned()));
    let v6 = with("203.0.113.7 22\n", "::ffff:192.168.1.20 22\n").unwrap();
    assert_eq!(v6.dialled, Some(ip("192.168.1.20")));
    assert_eq!(with("203.0.113.7 22\n", "fe80::1%eth0 22\n").unwrap().dialled, Some(ip("fe80::1")));
}

#[test]
fn public_addresses_are_those_that_the_internet_routes() {
    let public = ["203.0.113.7", "8.8.8.8", "2001:db8::7", "2a01:4f8::1", "::ffff:8.8.8.8"];
    let private =
        ["10.0.0.1", "172.31.0.1", "192.168.1.20", "100.64.0.1", "169.254.1.1", "127.0.0.1", "0.1.2.3"];
    assert!(public.iter().all(|text| is_public(ip(text))));
    assert!(!private.iter().chain(&["fd00::1", "fe80::1", "::1", "::"]).any(|text| is_public(ip(text))));
}

/// The script itself, run here: what it prints is what the parser reads, on whatever machine the tests run.
#[test]
fn the_script_says_what_the_parser_reads() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    for shell in ["sh", "bash"] {
        let mut child = Command::new(shell)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .env("SSH_CONNECTION", "198.51.100.1 5000 203.0.113.7 22")
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(SCRIPT.as_bytes()).unwrap();
        let said = child.wait_with_output().unwrap();
        let probe = parse(&said.stdout).unwrap();
        assert_eq!(probe.dialled, Some(ip("203.0.113.7")));
        assert!(probe.arch.is_ok());
    }
}

#[test]
fn a_list_of_signers_in_the_identity_reaches_the_parser_as_it_stands() {
    let end = "knarr-probe=end";
    let identity =
        r#"{"cluster":"harbor","node":"edge","signers":"me ssh-ed25519 AAAA\nana ssh-ed25519 BBBB\n"}"#;
    let known = with(end, &format!("identity={identity}\n{end}")).unwrap().enrolled;
    assert_eq!(known, Some(Enrolled::As("harbor".parse().unwrap(), "edge".parse().unwrap())));
    let by_echo = SCRIPT.lines().find(|line| line.contains("echo") && line.contains("$identity"));
    assert_eq!(by_echo, None, "the echo of dash turns backslash and n into a line feed");
}
