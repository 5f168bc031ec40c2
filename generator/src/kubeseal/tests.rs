use super::*;
use std::ffi::OsString;

fn read(words: &str, variables: &[(&str, &str)]) -> Result<Args, clap::Error> {
    let words = words.split(' ').filter(|word| !word.is_empty()).map(OsString::from);
    let said = |name: &str| variables.iter().find(|(there, _)| *there == name).map(|(_, value)| value.into());
    Args::read(words, said)
}

#[test]
fn switches_and_values_are_read_as_pflag_reads_them() {
    let args = read("--raw=false --raw --re-encrypt=0 --name -x -oyaml -n=shop word --cert=a --cert b", &[])
        .unwrap();
    assert!(args.raw && !args.re_encrypt);
    assert_eq!(args.name.as_deref(), Some("-x"));
    assert_eq!(
        (args.format.as_str(), args.namespace.as_deref(), args.cert.as_deref()),
        ("yaml", Some("shop"), Some("b"))
    );
    assert!(!read("--raw --raw=false", &[]).unwrap().raw);
    assert_eq!(read("--raw=yes", &[]).unwrap_err().exit_code(), 2);
}

#[test]
fn variables_come_before_the_command_line_and_lists_are_joined() {
    let variables = [
        ("SEALED_SECRETS_RAW", "true"),
        ("SEALED_SECRETS_VALIDATE", "perhaps"),
        ("SEALED_SECRETS_SCOPE", "wide"),
        ("SEALED_SECRETS_CONTROLLER_NAME", "sealed-secrets"),
        ("SEALED_SECRETS_RECOVERY_PRIVATE_KEY", "a,b"),
    ];
    let args = read("--recovery-private-key c --controller-name mine", &variables).unwrap();
    assert!(args.raw && !args.validate && args.scope().is_none());
    assert_eq!(args.controller_name, "mine");
    assert_eq!(args.recovery_private_key, ["a", "b", "c"].map(std::path::PathBuf::from));
    assert!(!read("--raw=false", &variables).unwrap().raw);
}

#[test]
fn what_is_not_taken_is_refused_by_name_and_never_with_its_value() {
    for words in ["--token=hunter2", "--token hunter2", "--password hunter2 --raw"] {
        let error = read(words, &[]).unwrap_err().to_string();
        let name = words.split(['=', ' ']).next().unwrap();
        assert!(
            error.starts_with(&format!("error: {name} is not known here\nhelp: put it into a kubeconfig")),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = read("", &[("SEALED_SECRETS_AS_GROUP", "a")]).unwrap_err().to_string();
    assert!(error.starts_with("error: --as-group is not known here"), "{error}");
}
