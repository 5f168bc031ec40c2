use super::*;
use crate::ui::Format;

fn sources(asked: &[&str], literals: &[&str], files: &[&str]) -> Result<Sources, CliError> {
    let literals: Vec<Literal> = literals.iter().map(|text| text.parse().unwrap()).collect();
    let [asked, files] = [asked, files].map(|words| words.iter().map(|word| (*word).to_owned()).collect());
    let [asked, from_file]: [Vec<String>; 2] = [asked, files];
    let words = super::Words { asked, from_literal: literals, from_file, from_env_file: Vec::new() };
    Sources::of(&words, Empty::Refused)
}

fn keys(sources: &Sources) -> Vec<&str> {
    sources.keys().into_iter().map(DataKey::as_str).collect()
}

#[test]
fn each_way_to_give_a_value_gives_one() {
    let all = sources(&["a", "-"], &["b=1=2", "c="], &["d=/etc/hostname", "/etc/motd"]).unwrap();
    assert_eq!(keys(&all), ["a", "b", "c", "d", "motd"]);
    let given = all.0.into_values().filter_map(|source| match source {
        Source::Given(value) => Some(value.0.to_vec()),
        Source::Asked | Source::File(_) => None,
    });
    assert_eq!(given.collect::<Vec<_>>(), [b"1=2".to_vec(), Vec::new()]);
}

#[test]
fn a_literal_without_a_value_is_asked_for_when_a_dash_stands_behind_it() {
    assert_eq!(keys(&sources(&["-"], &["password"], &[]).unwrap()), ["password"]);
    assert_eq!(keys(&sources(&["a", "-", "-"], &["password"], &[]).unwrap()), ["a", "password"]);
}

type Texts<'a> = &'a [&'a str];

#[test]
fn a_wrong_command_line_is_refused_and_repeats_no_value() {
    let cases: [(Texts, Texts, Texts, &str); 6] = [
        (&["hunter2"], &[], &[], "a key has no `-` behind it"),
        (&["password", "hunter2"], &[], &[], "a key has no `-` behind it"),
        (&[], &["hunter2"], &[], "a --from-literal has no `=`"),
        (&["-"], &[], &[], "a `-` has no key before it"),
        (&["a", "-"], &["a=hunter2"], &[], "`a` is given twice"),
        (&[], &[], &[], "there is nothing to seal"),
    ];
    for (asked, literals, files, message) in cases {
        let error = sources(asked, literals, files).unwrap_err();
        assert_eq!(error.message, message);
        assert!(error.help.is_some() && error.code() == 1);
        assert!(!error.help.unwrap().contains("hunter2"));
    }
    assert!(sources(&[], &["a/b=hunter2"], &[]).unwrap_err().message.starts_with("`a/b` is not a key"));
}

#[test]
fn a_file_that_is_missing_is_named() {
    let error = sources(&[], &[], &["a=/no/such"]).unwrap().read(&Ui::new(Format::Text, false)).unwrap_err();
    assert!(error.message.starts_with("cannot read `/no/such`"), "{}", error.message);
    assert_eq!(error.code(), 3);
}

#[test]
fn no_literal_is_shown_by_debug() {
    assert!(!format!("{:?}", "a=hunter2".parse::<Literal>().unwrap()).contains("hunter2"));
    assert!(!format!("{:?}", sources(&[], &["a=hunter2"], &[]).unwrap()).contains("hunter2"));
}
