use super::*;

#[test]
fn takes_what_the_field_takes() {
    assert!("cp-1".parse::<NodeName>().is_ok());
    assert!("getty@tty1.service".parse::<UnitName>().is_ok());
    assert!("net.ipv4.conf.eth0/100.forwarding".parse::<SysctlKey>().is_ok());
    assert!("/etc/ssh/sshd_config.d/10-knarr.conf".parse::<AbsPath>().is_ok());
    assert!("host/motd".parse::<RepoPath>().is_ok());
    assert_eq!(Mode::try_from("0600".to_owned()).unwrap(), Mode::SECRET);
}

#[test]
fn refuses_what_could_escape_or_confuse() {
    for path in ["etc/motd", "/", "/etc/../shadow", "/etc//motd", "/etc/", "/a\nb", ""] {
        assert!(path.parse::<AbsPath>().is_err(), "{path:?}");
    }
    for path in ["/etc", "../x", "a//b", ""] {
        assert!(path.parse::<RepoPath>().is_err(), "{path:?}");
    }
    for name in ["", "-a", "a-", "A", "a.b", &"a".repeat(64)] {
        assert!(name.parse::<NodeName>().is_err(), "{name:?}");
    }
    for unit in ["hello", ".service", "a/b.service", "x.device"] {
        assert!(unit.parse::<UnitName>().is_err(), "{unit:?}");
    }
    for mode in ["644", "0888", "06444"] {
        assert!(Mode::try_from(mode.to_owned()).is_err(), "{mode:?}");
    }
    for key in ["ip_forward", "net..x", "net.ipv4/../x", "a.b/"] {
        assert!(key.parse::<SysctlKey>().is_err(), "{key:?}");
    }
}

#[test]
fn an_error_names_text_and_rule() {
    let error = "Edge".parse::<NodeName>().unwrap_err().to_string();
    assert_eq!(
        error,
        "`Edge` is not a node name: 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit"
    );
}
