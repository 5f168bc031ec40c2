//! From what somebody types to what it means: a code, a key by its path or its end, a file.

use super::key::{File, Key, files};
use crate::finding::{Entry, entries, near};
use serde::Serialize;

/// What was asked for; both lists have the same shape as when nothing is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Answer {
    /// Findings.
    pub findings: Vec<Entry>,
    /// Keys, each with the files that have it so.
    pub keys: Vec<Place>,
    /// Keys whose path only ends so, while others are called so: file and key.
    #[serde(skip)]
    pub also: Vec<(&'static str, String)>,
}

/// A key and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// The files that have it so.
    pub files: Vec<&'static str>,
    /// The key.
    #[serde(flatten)]
    pub key: Key,
}

impl Answer {
    /// Returns everything that there is.
    pub fn all() -> Self {
        let mut answer = Self { findings: entries(), ..Self::default() };
        for file in files() {
            file.keys.iter().for_each(|key| answer.add(file, key));
        }
        answer
    }

    fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.keys.is_empty()
    }

    /// Adds a key, or its file to one that says the same.
    fn add(&mut self, file: &File, key: &Key) {
        match self.keys.iter_mut().find(|place| place.key == *key) {
            Some(place) => place.files.push(file.path),
            None => self.keys.push(Place { files: vec![file.path], key: key.clone() }),
        }
    }
}

/// Finds what one or two words name: `KN0207`, `network.mesh`, `nodes.roles`, `nodes/edge.yaml roles`, `people`.
///
/// # Errors
/// What may have been meant.
pub fn find(words: &[String]) -> Result<Answer, String> {
    let files = files();
    let answer = match words {
        [] => Answer::all(),
        [word] => one(word, files),
        [file, key] => files.iter().find(|it| names(it, file)).map(|it| within(it, key)).unwrap_or_default(),
        _ => Answer::default(),
    };
    if answer.is_empty() { Err(meant(&words.join(" "), files)) } else { Ok(answer) }
}

fn one(word: &str, files: &[File]) -> Answer {
    let findings: Vec<Entry> =
        entries().into_iter().filter(|it| it.code.eq_ignore_ascii_case(word)).collect();
    if !findings.is_empty() {
        return Answer { findings, ..Answer::default() };
    }
    if let Some(file) = files.iter().find(|file| names(file, word)) {
        let mut answer = Answer::default();
        file.keys.iter().for_each(|key| answer.add(file, key));
        return answer;
    }
    let (first, rest) = word.split_once('.').unwrap_or((word, ""));
    let file = files.iter().find(|file| names(file, first)).map(|file| within(file, rest));
    file.filter(|answer| !answer.is_empty()).unwrap_or_else(|| anywhere(word, files))
}

/// Whether a word names a file: its path, that of one of its kind, its folder, or what one of it is called.
fn names(file: &File, word: &str) -> bool {
    let folder = file.path.split_once('/').map(|(folder, _)| folder);
    let in_folder = word.split_once('/').is_some_and(|(first, _)| Some(first) == folder);
    word == file.path || word == file.kind || Some(word) == folder || in_folder
}

fn within(file: &File, typed: &str) -> Answer {
    pick(file.keys.iter().map(|key| (file, key)), |key| fits(key, typed, 0))
}

fn anywhere(typed: &str, files: &[File]) -> Answer {
    let keys = files.iter().flat_map(|file| file.keys.iter().map(move |key| (file, key)));
    pick(keys, |key| fits(key, typed, usize::from(key.key.starts_with("<key>"))))
}

/// Picks the keys of this path, else those whose path ends so.
fn pick<'a>(keys: impl Iterator<Item = (&'a File, &'a Key)>, fits: impl Fn(&Key) -> Option<bool>) -> Answer {
    let (mut answer, mut ends) = (Answer::default(), Answer::default());
    for (file, key) in keys {
        match fits(key) {
            Some(true) => answer.add(file, key),
            Some(false) => ends.add(file, key),
            None => {}
        }
    }
    // A name that people choose may have dots: the path that leaves the fewest to it is meant.
    let names = |place: &Place| place.key.key.matches('.').count();
    let most = answer.keys.iter().map(names).max();
    answer.keys.retain(|place| Some(names(place)) == most);
    if answer.is_empty() {
        return ends;
    }
    answer.also = ends.keys.into_iter().map(|place| (place.files[0], place.key.key)).collect();
    answer
}

/// Whether what was typed is a key's path (true) or how the path ends, from its name `least` on (false).
fn fits(key: &Key, typed: &str, least: usize) -> Option<bool> {
    let path: Vec<&str> = key.key.split('.').collect();
    let typed: Vec<&str> = typed.split('.').collect();
    let mut from = (least..path.len()).filter(|from| *from == 0 || path[*from] != "<key>");
    from.find(|from| same(&path[*from..], &typed, key.open)).map(|from| from == 0)
}

/// Whether names are those of a path, where a name that people choose may have dots.
fn same(path: &[&str], typed: &[&str], open: bool) -> bool {
    match path {
        [] => typed.is_empty() || open,
        ["<key>", rest @ ..] => (1..=typed.len()).any(|n| same(rest, &typed[n..], open)),
        [name, rest @ ..] => typed.first() == Some(name) && same(rest, &typed[1..], open),
    }
}

fn meant(typed: &str, files: &[File]) -> String {
    let codes: Vec<&str> = entries().iter().map(|entry| entry.code).collect();
    let keys = files.iter().flat_map(|file| file.keys.iter().map(move |key| (file, key.key.as_str())));
    let named = keys.clone().flat_map(|(file, key)| {
        let folder = file.path.split('/').next().unwrap_or(file.path);
        [format!("{}.{key}", file.kind), format!("{folder}.{key}"), format!("{folder} {key}")]
    });
    let named: Vec<String> = named.chain(files.iter().map(|file| file.path.to_owned())).collect();
    let known = keys.map(|(_, key)| key).chain(codes).chain(named.iter().map(String::as_str));
    near(&typed.replace("kn", "KN"), known, "knarr explain, without a word, lists all findings and keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &str) -> Vec<String> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let answer = find(&words).unwrap_or_else(|help| panic!("{words:?}: {help}"));
        let keys = answer.keys.iter().map(|place| format!("{} {}", place.files.join("+"), place.key.key));
        answer.findings.iter().map(|entry| entry.code.to_owned()).chain(keys).collect()
    }

    #[test]
    fn a_key_is_found_by_what_people_would_type() {
        for (words, found) in [
            ("KN0207", "KN0207"),
            ("kn0207", "KN0207"),
            ("cluster.yaml network.mesh", "cluster.yaml network.mesh"),
            ("network.mesh", "cluster.yaml network.mesh"),
            ("cluster.network.mesh", "cluster.yaml network.mesh"),
            ("nodes.roles", "nodes/<name>.yaml roles"),
            ("nodes/edge.yaml roles", "nodes/<name>.yaml roles"),
            ("node.keys.age", "nodes/<name>.yaml keys.age"),
            ("nodes host.files./etc/hello.conf.mode", "nodes/<name>.yaml host.files.<key>.mode"),
            ("labels.topology.kubernetes.io/region", "nodes/<name>.yaml labels"),
            ("k3s.config.kubelet-arg", "cluster.yaml k3s.config"),
            ("remotes", "cluster.yaml git.remotes"),
            ("host.sysctl", "cluster.yaml+nodes/<name>.yaml host.sysctl"),
        ] {
            assert_eq!(asked(words), [found], "{words}");
        }
    }

    #[test]
    fn a_key_of_several_files_is_told_for_all() {
        assert_eq!(asked("mesh"), ["nodes/<name>.yaml mesh", "peers/<name>.yaml mesh"]);
        let also = find(&["mesh".to_owned()]).unwrap().also;
        assert!(also.contains(&("cluster.yaml", "network.mesh".to_owned())), "{also:?}");
        assert!(asked("peers").iter().all(|key| key.starts_with("peers/<name>.yaml ")));
        assert_eq!(asked("peers").len(), 6);
    }

    #[test]
    fn a_slip_is_told_what_it_may_have_meant() {
        for (words, meant) in [
            ("nodes.role", "did you mean `nodes.roles`?"),
            ("netwrok.mesh", "did you mean `network.mesh`?"),
            ("KN207", "did you mean `KN0207`?"),
            ("nodes role", "did you mean `nodes roles`?"),
            ("weather", "knarr explain, without a word, lists all findings and keys"),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            assert_eq!(find(&words), Err(meant.to_owned()), "{words:?}");
        }
    }
}
