use super::*;
use std::fs;

const ALL: &str = "
current-context: b
contexts:
- {name: a, context: {cluster: c, user: u}}
- {name: b, context: {cluster: c, user: u, namespace: shop}}
clusters:
- {name: c, cluster: {server: 'https://192.0.2.1:6443', certificate-authority: ca.crt}}
users:
- {name: u, user: {token: hunter2}}
";

fn read(text: &str, context: Option<&str>) -> (tempfile::TempDir, Result<Kubeconfig, NoWay>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config"), text).unwrap();
    fs::write(folder.path().join("ca.crt"), "authority").unwrap();
    let read = Kubeconfig::read(Some(&folder.path().join("config")), context);
    (folder, read)
}

fn refused(text: &str) -> String {
    let (_folder, read) = read(text, None);
    read.and_then(|read| read.way()).map(drop).unwrap_err().to_string()
}

#[test]
fn the_context_says_namespace_and_way_and_files_lie_beside_it() {
    let (_folder, config) = read(ALL, None);
    let config = config.unwrap();
    let way = config.way().unwrap();
    assert_eq!((config.namespace().unwrap(), way.server.as_str()), ("shop", "https://192.0.2.1:6443"));
    assert_eq!(way.authority.unwrap().as_slice(), b"authority");
    assert_eq!(way.token.unwrap().as_str(), "hunter2");
    let (_folder, config) = read(ALL, Some("a"));
    assert_eq!(config.unwrap().namespace().unwrap(), "default");
}

#[test]
fn a_certificate_and_its_key_go_together() {
    let text = ALL.replace("token: hunter2", "client-certificate-data: b25l, client-key-data: dHdv");
    let (_folder, config) = read(&text, None);
    assert_eq!(config.unwrap().way().unwrap().identity.unwrap().as_slice(), b"one\ntwo");
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let cases = [
        ("token: hunter2", "exec: {command: aws}", "says `exec`"),
        ("token: hunter2", "auth-provider: {name: oidc}", "says `auth-provider`"),
        ("token: hunter2", "tokenFile: /a", "says `tokenFile`"),
        ("token: hunter2", "token: a, as: root", "says `as`"),
        ("token: hunter2", "username: a, password: hunter2", "says `username`"),
        (
            "token: hunter2",
            "client-certificate-data: '?', client-key-data: ''",
            "`client-certificate-data` in",
        ),
        (
            "certificate-authority: ca.crt",
            "insecure-skip-tls-verify: true",
            "says `insecure-skip-tls-verify`",
        ),
        ("certificate-authority: ca.crt", "proxy-url: 'http://192.0.2.9'", "says `proxy-url`"),
        ("certificate-authority: ca.crt", "tls-server-name: a", "says `tls-server-name`"),
        ("current-context: b", "current-context: z", "no context `z`"),
        ("current-context: b", "", "where the cluster is"),
        ("{name: u, ", "{name: v, ", "no user `u`"),
        ("server: 'https://192.0.2.1:6443', ", "", "no cluster with a server `c`"),
        ("users:", "users: {", "is no kubeconfig"),
    ];
    for (from, to, why) in cases {
        let error = refused(&ALL.replace(from, to));
        assert!(error.contains(why) && !error.contains("hunter2"), "{why}: {error}");
    }
}

#[test]
fn of_several_files_the_first_counts() {
    let (_one, first) = read("current-context: a", None);
    let (_two, second) = read(ALL, None);
    let mut all = first.unwrap();
    all.add(second.unwrap());
    assert_eq!(all.namespace().unwrap(), "default");
}
