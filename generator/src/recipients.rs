//! Who a secret is for: whoever writes an age file in secrets/ asks here.

use crate::spec::Spec;
use std::collections::BTreeSet;

/// Returns the age recipients of everybody who has `decrypt`.
pub fn recipients(spec: &Spec) -> BTreeSet<String> {
    let people = spec.people.values().flat_map(|person| &person.decrypt);
    people.map(|recipient| recipient.value.clone()).collect()
}
