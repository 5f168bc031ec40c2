//! What is done with Secrets that are sealed: opened, judged by the controller, sealed again by it.

use super::args::Args;
use super::{Text, controller, input, output};
use crate::error::CliError;
use crate::seal::{Entry, Form, SealedFile, SealedSecret, Value, opened};
use crate::sealing;
use crate::ui::Ui;
use knarr_node::name::{BadName, DataKey};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Reads sealed Secrets; what stands beside them would be lost.
pub(super) fn read(text: &str) -> Result<Vec<SealedSecret>, CliError> {
    let refuse = |why: &dyn std::fmt::Display| {
        CliError::user(format!("this is no SealedSecret: {why}"))
            .help("give what kubeseal or knarr seal wrote")
    };
    let file = SealedFile::read(text).map_err(|error| refuse(&error))?;
    let (all, known) = (file.is_alone(), file.entries.iter().all(|entry| entry.sealed.is_known()));
    match (all, known) {
        (true, true) => Ok(file.entries.into_iter().map(|Entry { sealed, .. }| sealed).collect()),
        (false, _) => Err(refuse(&"there are other objects in it")),
        (true, false) => Err(refuse(&"its version is not bitnami.com/v1alpha1")),
    }
}

/// Returns sealed Secrets as text, as kubeseal does: what Knarr notes of them is left out.
pub(super) fn text(all: Vec<SealedSecret>, form: Form) -> Result<Text, CliError> {
    let mut text = Zeroizing::new(String::new());
    for mut sealed in all {
        sealed.forget_key();
        let one = sealed.text(form).ok_or_else(|| CliError::bug("a sealed Secret could not be written"))?;
        text.extend([if form == Form::Yaml { "---\n" } else { "" }, &one]);
    }
    Ok(text)
}

/// Opens what is sealed with private keys of files.
pub(super) fn unseal(args: &Args, ui: &Ui) -> Result<Text, CliError> {
    let keys = sealing::of_files(&args.recovery_private_key)?;
    let all = read(&input(args, ui)?)?;
    if all.is_empty() {
        return Err(CliError::user("there is no SealedSecret in it").help("give one: -f FILE"));
    }
    let form = output::form(args)?;
    let mut text = Zeroizing::new(String::new());
    for sealed in &all {
        let mut values = keys.open_all(sealed).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            CliError::user(format!("cannot open {}: {}", sealed.title(), all.join("; ")))
                .help("name the key that sealed it: --recovery-private-key FILE")
        })?;
        values.extend(filled(sealed)?);
        let one =
            opened(sealed, &values, form).ok_or_else(|| CliError::bug("a Secret could not be written"))?;
        let mut both = Zeroizing::new(String::with_capacity(text.len() + one.len())); // no copy stays behind
        both.extend([text.as_str(), &one]);
        text = both;
    }
    Ok(text)
}

/// Returns what the template adds to the values. Templates of Go are the controller's to fill in.
fn filled(sealed: &SealedSecret) -> Result<BTreeMap<DataKey, Value>, CliError> {
    let there = sealed.spec.template.rest.get("data").and_then(|data| data.as_object());
    let entry = |(key, text): (&String, &serde_json::Value)| {
        let text = text.as_str().filter(|text| !text.contains("{{")).ok_or_else(|| {
            CliError::user(format!("`{key}` in `template.data` is a template, and is not filled in here"))
                .help("take that key out of a copy of the file, and open the copy")
        })?;
        let key = key.parse().map_err(|bad: BadName| CliError::user(bad).help("correct its name"))?;
        Ok((key, text.as_bytes().into()))
    };
    there.into_iter().flatten().map(entry).collect()
}

/// Asks the controller whether it opens all.
pub(super) fn validate(args: &Args, ui: &Ui) -> Result<Text, CliError> {
    let controller = controller(args)?;
    for sealed in read(&input(args, ui)?)? {
        if !controller.opens(&sealed)? {
            let title = sealed.title();
            return Err(CliError::user(format!("unable to decrypt sealed secret: {title}"))
                .help("seal it again with the controller's certificate: --fetch-cert"));
        }
    }
    Ok(Text::default())
}

/// Has the controller seal all again.
pub(super) fn re_encrypt(args: &Args, ui: &Ui) -> Result<Text, CliError> {
    let controller = controller(args)?;
    let (all, form) = (read(&input(args, ui)?)?, output::form(args)?);
    let again = all.iter().map(|sealed| controller.seal_again(sealed)).collect::<Result<_, _>>()?;
    text(again, form)
}
