//! Who a secret is for: whoever writes or opens an age file in secrets/ asks here.

use crate::error::CliError;
use crate::secrets::{Identities, SecretError};
use crate::spec::{At, Person, Spec};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// Returns the age recipients of everybody who may open a secret.
pub fn recipients(spec: &Spec, secret: &str) -> BTreeSet<String> {
    let all = people(spec, secret).flat_map(|(_, person)| &person.decrypt);
    all.map(|recipient| recipient.value.clone()).collect()
}

/// Returns the people who may open a secret: those that `secrets` in cluster.yaml names for it, by name or group, else all.
fn people<'a>(spec: &'a Spec, secret: &str) -> impl Iterator<Item = (&'a String, &'a Person)> {
    let lists = spec.cluster.as_ref().map(|cluster| &cluster.secrets);
    let list = lists.and_then(|lists| lists.get(&At::from(secret)));
    let named = move |(name, person): &(&String, &Person)| {
        list.is_none_or(|list| list.iter().any(|word| word.value == **name || person.groups.contains(word)))
    };
    spec.people.iter().filter(named)
}

/// Opens a secret of the repository; where it is not for these identities, says whom to ask.
///
/// # Errors
/// When it does not open.
pub fn open(
    identities: &Identities,
    spec: &Spec,
    secret: &str,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CliError> {
    identities.open(&format!("secrets/{secret}.age"), sealed).map_err(|error| {
        let own = identities.recipients();
        let others = people(spec, secret).filter(|(_, person)| {
            !person.decrypt.is_empty() && !person.decrypt.iter().any(|it| own.contains(&it.value))
        });
        let others: Vec<&str> = others.map(|(name, _)| name.as_str()).collect();
        let ask = matches!(error, SecretError::NotForYou(_)) && !others.is_empty();
        let error = CliError::from(error);
        if !ask {
            return error;
        }
        error.help(format!(
            "ask {} to type the same, or to let you open it: by `secrets` in cluster.yaml, and knarr secret rekey {secret}",
            others.join(" or ")
        ))
    })
}
