//! People: who signs, who logs in, who opens secrets.

use super::SshKey;
use super::check::{self, Check};
use crate::finding::{Fault, Place};
use crate::spec::{self, At};
use crate::ui::counted;
use crate::unchanged;
use jiff::civil::Date;
use knarr_node::name::{AccountName, NodeName, PersonName, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

/// One person.
#[derive(Clone, Debug)]
pub struct Person {
    /// The address that signatures are told apart by.
    pub email: String,
    /// Keys that sign and log in.
    pub keys: Vec<SshKey>,
    /// Where this person may log in.
    pub access: Option<Access>,
    /// age recipients that open secrets/.
    pub decrypt: BTreeSet<String>,
    /// The last day on which the keys log in; none: for ever.
    pub until: Option<Date>,
}

impl Person {
    /// Returns the login by which this person's keys open `node`, whatever the day.
    pub fn opens(&self, node: &NodeName) -> Option<&AccountName> {
        let access = self.access.as_ref().filter(|_| !self.keys.is_empty())?;
        access.opens(node).then_some(&access.login)
    }
}

/// How many secrets a finding names.
const SHOWN: usize = 5;

/// Accounts that Debian has for services. Source: base-passwd 3.6, passwd.master; systemd 257, sysusers.d; openssh-server.
const SYSTEM: [&str; 25] = [
    "_apt",
    "backup",
    "bin",
    "daemon",
    "games",
    "irc",
    "list",
    "lp",
    "mail",
    "man",
    "messagebus",
    "news",
    "nobody",
    "polkitd",
    "proxy",
    "sshd",
    "sync",
    "sys",
    "systemd-network",
    "systemd-resolve",
    "systemd-timesync",
    "tss",
    "uucp",
    "uuidd",
    "www-data",
];

/// Where a person may log in.
#[derive(Clone, Debug)]
pub struct Access {
    /// These machines; none for every machine.
    pub only: Option<BTreeSet<NodeName>>,
    /// The login name.
    pub login: AccountName,
}

impl Access {
    /// Whether it opens `node`.
    pub fn opens(&self, node: &NodeName) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(node))
    }
}

impl Check<'_> {
    pub(super) fn people(&mut self) -> BTreeMap<PersonName, Person> {
        let mut people = BTreeMap::new();
        let mut emails: BTreeMap<String, RepoPath> = BTreeMap::new();
        let mut keys: BTreeMap<SshKey, RepoPath> = BTreeMap::new();
        for (file, person) in &self.spec.people {
            let path = check::path(&format!("people/{file}.yaml"));
            let name = self.file_name(&path, file);
            let email = self.email(&path, &person.email);
            if let Some(other) = email.clone().and_then(|email| emails.insert(email, path.clone())) {
                self.findings.add(Place::of(&path, &person.email), Fault::SameEmail { other });
            }
            let own = self.person_keys(&path, person, &mut keys);
            let access = person.access.as_ref().and_then(|access| self.access(&path, access));
            let decrypt = person.decrypt.iter().filter_map(|word| self.age(&path, word)).collect();
            let until = person.until.as_ref().and_then(|word| self.until(&path, word));
            if let (Some(name), Some(email)) = (name, email) {
                people.insert(name, Person { email, keys: own, access, decrypt, until });
            }
        }
        people
    }

    /// Warns of what those who left could read, until it has changed.
    pub(super) fn left(&mut self) {
        for (file, person) in &self.spec.left {
            let path = check::path(&format!("people/{file}.yaml"));
            self.file_name::<PersonName>(&path, file);
            let Some(first) = person.unchanged.first() else { continue };
            let count = person.unchanged.len();
            let mut names: Vec<&str> =
                person.unchanged.iter().map(|name| name.as_str()).take(SHOWN).collect();
            names.extend((count > SHOWN).then_some("…"));
            let fault = Fault::Unchanged {
                count: counted(count, "secret").into(),
                names: names.join(", ").into(),
                command: unchanged::changed_by(first).into(),
            };
            self.findings.add(Place::of(&path, first), fault);
        }
    }

    fn person_keys(
        &mut self,
        path: &RepoPath,
        person: &spec::Person,
        all: &mut BTreeMap<SshKey, RepoPath>,
    ) -> Vec<SshKey> {
        let mut own = Vec::new();
        for word in &person.keys {
            let Some(key) = self.ssh_key(path, word) else { continue };
            match all.insert(key.clone(), path.clone()) {
                Some(other) if other != *path => {
                    self.findings.add(Place::of(path, word), Fault::SameSshKey { other });
                }
                Some(_) | None => own.push(key),
            }
        }
        own
    }

    fn access(&mut self, path: &RepoPath, access: &spec::Access) -> Option<Access> {
        let only = match &access.nodes {
            spec::Which::All => None,
            spec::Which::Only(names) => Some(names.iter().filter_map(|name| self.node(path, name)).collect()),
        };
        let login: AccountName = self.word(path, &access.login)?;
        if SYSTEM.contains(&login.as_str()) {
            self.findings
                .add(Place::of(path, &access.login), Fault::SystemAccount { login: login.to_string() });
        }
        Some(Access { only, login })
    }

    /// Warns of machines that nobody may log in to, once people may somewhere.
    pub(super) fn ways_in(&mut self, people: &BTreeMap<PersonName, Person>) {
        if self.findings.refuse() {
            return; // a key or a person that cannot be read may be the one who does
        }
        let somewhere = people.values().any(|person| person.access.is_some() && !person.keys.is_empty());
        for (file, _) in self.spec.there() {
            let Ok(name) = file.parse::<NodeName>() else { continue };
            if somewhere && !people.values().any(|person| person.opens(&name).is_some()) {
                let path = check::path(&format!("nodes/{file}.yaml"));
                self.findings.add(Place::file(&path), Fault::NoLogin {});
            }
        }
    }

    /// Takes what git's allowed_signers can hold as one name. Source: ssh-keygen(1), ALLOWED SIGNERS: principals are patterns joined by commas.
    fn email(&mut self, path: &RepoPath, word: &At<String>) -> Option<String> {
        let plain = |c: char| c.is_ascii_graphic() && !"*?!,\"#\\".contains(c);
        let valid = word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
            && word.chars().all(plain);
        if !valid {
            self.bad(path, word, "an email address", "as the committer's in git, e.g. me@example.org");
        }
        valid.then(|| word.value.clone())
    }
}
