//! No secret is left lying about: values that nobody can mistake go through all commands, and are looked for afterwards
//! in all that was said, in journals, in what processes show, in every version of the repository and on the disk.

use super::Story;
use super::hands::PATIENCE;
use crate::{Host, Lab, Watch, wait_until};
use std::collections::{BTreeMap, BTreeSet};

/// Where the patterns lie: memory, and no disk.
const PATTERNS: &str = "/run/lock/leak";

/// Folders of the disk, and of memory that looks like one, in which programs write.
const FOLDERS: &str = "/etc /var /run /tmp /root /home /srv /dev/shm";

/// What must be found where, and nowhere else: docs/security.md has the same in words.
const PLACES: [(&str, &[&str]); 7] = [
    ("first-value-of-a-file", &["/var/lib/knarr/kept"]),
    ("value-of-a-file", &["/etc/leak.secret"]),
    ("sealed-value", &[]),
    ("sealing-key", &[]),
    ("identity-of-a-person", &["/root/.config/knarr/harbor.txt"]),
    ("identity-of-the-machine", &["/var/lib/knarr/age.key"]),
    ("control", &["/var/tmp/control", "a journal", "a process", "an output", "the repository"]),
];

/// What goes in, in steps of its own; other steps may come between that and the search.
pub(super) fn plant(story: &mut Story<'_>) -> Watch {
    story.step("values that nobody can mistake go in: secret set, seal, ship", go_in)
}

/// The steps that search.
pub(super) fn search(story: &mut Story<'_>, watch: Watch) {
    story.step("a secret is changed, the change is taken back, and made again", change_and_undo);
    story
        .step("no secret is left lying about, and the search finds what is", |lab| found_as_told(lab, watch));
    story.step("the next pass with changes lets go what was kept for an undo", kept_no_more);
}

/// Runs text in the clone with a value as its standard input, which no process shows. It comes late, so that the program
/// which reads it lives for some looks of the watch.
fn give(edge: &Host, value: &str, text: &str) {
    let text = format!("cd /root/harbor; {{ sleep 0.5; cat; }} | {text}");
    let done = edge.feed("root", &text, value.as_bytes());
    assert!(done.ok(), "{text}: {done}");
}

/// Makes a value and writes how it may look: as it is, and in base64, which it fills to the last letter.
fn marker(edge: &Host, name: &str) -> String {
    let random =
        std::fs::read_to_string("/proc/sys/kernel/random/uuid").expect("the kernel gives random ids");
    let value = format!("leak-{}", random.trim()) + "-";
    assert_eq!(value.len() % 3, 0, "its base64 has no end of its own");
    edge.expect(&format!("mkdir -p -m 700 {PATTERNS}"));
    give(edge, &value, &format!("cat > {PATTERNS}/{name}.value"));
    edge.expect(&format!(
        "cd {PATTERNS}; {{ cat {name}.value; echo; base64 -w0 < {name}.value; echo; }} > {name}"
    ));
    value
}

fn go_in(lab: &Lab) -> Watch {
    let edge = lab.host("edge");
    let watch = edge.watch();
    let first = marker(edge, "first-value-of-a-file");
    give(edge, &first, "knarr secret set leak");
    let sealed = marker(edge, "sealed-value");
    give(edge, &sealed, "knarr seal leak --app shop value -");
    edge.expect(
        "cd /root/harbor; printf 'host: {files: {/etc/leak.secret: {secret: leak, mode: \"0600\"}}}\n' >> cluster.yaml
         knarr render; knarr ship -y -m 'secrets'",
    );
    edge.expect(&format!("cmp /etc/leak.secret {PATTERNS}/first-value-of-a-file.value"));
    let opened = "kubectl --kubeconfig /root/.kube/config -n shop get secret leak -o jsonpath={.data.value}";
    wait_until("the sealed value is opened", PATIENCE, || {
        edge.run(&format!("{opened} | base64 -d | cmp -s - {PATTERNS}/sealed-value.value")).ok()
    });
    watch
}

fn change_and_undo(lab: &Lab) {
    let edge = lab.host("edge");
    let value = marker(edge, "value-of-a-file");
    let is = |name: &str| edge.expect(&format!("cmp /etc/leak.secret {PATTERNS}/{name}.value"));
    give(edge, &value, "knarr secret set leak --force && knarr ship -y -m 'another secret'");
    is("value-of-a-file");
    edge.expect("knarrd undo");
    is("first-value-of-a-file");
    edge.expect("knarrd retry && knarrd once");
    is("value-of-a-file");
}

/// Writes how the private keys look, which nobody chose: of each sealing key a line of its PEM, and a part of that in
/// base64, as it stands in a Secret.
const KEYS: &str = "
cd /root/harbor; knarr sealing-key export --pem > PATTERNS/all.pem; cd PATTERNS
awk '/BEGIN RSA/ {file = \"key\" ++n} file {print > file} /END RSA/ {file = \"\"}' all.pem
for key in key?; do sed -n 7p $key; base64 -w0 < $key | cut -c 400-460; done > sealing-key; rm all.pem key?
grep -o 'AGE-SECRET-KEY-1[A-Z0-9]*' /root/.config/knarr/harbor.txt > identity-of-a-person
grep -o 'AGE-SECRET-KEY-1[A-Z0-9]*' /var/lib/knarr/age.key > identity-of-the-machine
cat sealing-key identity-* | wc -l
";

/// Leaves a value everywhere: a search that does not see it is blind.
const CONTROL: &str = "
cd PATTERNS; cp control /var/tmp/control; systemd-cat cat control; cat control
sh -c 'sleep 1; true' $(cat control.value)
for _ in $(seq 600); do journalctl -o export | grep -qaFf control && break; sleep 0.1; done
git -C /root/harbor hash-object -w --stdin < control.value >/dev/null
";

fn found_as_told(lab: &Lab, watch: Watch) {
    let edge = lab.host("edge");
    assert_eq!(edge.expect(&KEYS.replace("PATTERNS", PATTERNS)), "8", "all patterns are there");
    marker(edge, "control");
    edge.expect(&CONTROL.replace("PATTERNS", PATTERNS));
    let shown: Vec<Vec<u8>> = watch.seen().into_iter().collect();
    let shown = String::from_utf8_lossy(&shown.join(&b'\n')).into_owned();
    for ours in ["knarr\0secret\0set\0leak\0", "knarr\0seal\0leak\0--app\0shop\0value\0-\0", "knarr\0ship\0"]
    {
        assert!(shown.contains(ours), "{ours:?} was not seen: the watch is blind");
    }
    let found = PLACES.map(|(name, _)| (name, places(edge, name, &shown)));
    let told = PLACES.map(|(name, places)| (name, places.iter().map(|it| (*it).to_owned()).collect()));
    assert_eq!(BTreeMap::from(found), BTreeMap::from(told));
}

/// Returns all places where a pattern is.
fn places(edge: &Host, name: &str, shown: &str) -> BTreeSet<String> {
    let pattern = edge.text(&format!("{PATTERNS}/{name}"));
    let patterns: Vec<&str> = pattern.lines().collect();
    let has = |text: &str| patterns.iter().any(|pattern| text.contains(pattern));
    let mut places = on_disk(edge, name);
    let mut add = |is: bool, place: &str| places.extend(is.then(|| place.to_owned()));
    add(has(&edge.said()), "an output");
    add(has(shown), "a process");
    let is = |text: &str| edge.run(&format!("{text} | grep -qaFf {PATTERNS}/{name}")).ok();
    add(is("journalctl -o export"), "a journal");
    let objects = |folder: &str| is(&format!("git -C {folder} cat-file --batch-all-objects --batch"));
    add(
        ["/root/harbor", "/srv/knarr/harbor.git", "/var/lib/knarr/repo.git"].iter().any(|it| objects(it)),
        "the repository",
    );
    places
}

/// Returns the files that have a pattern; those that are kept for an undo have numbers for names.
fn on_disk(edge: &Host, name: &str) -> BTreeSet<String> {
    let search = format!(
        "grep -rlaFf {PATTERNS}/{name} --exclude-dir=leak --exclude=*.journal {FOLDERS} 2>/dev/null || true"
    );
    let found = edge.expect(&search);
    let place = |file: &str| match file.rsplit_once('/') {
        Some((folder @ "/var/lib/knarr/kept", _)) => folder.to_owned(),
        Some(_) | None => file.to_owned(),
    };
    found.lines().map(place).collect()
}

/// Adds a file beside the secret, and ships it.
const OTHER_WORDS: &str = "
cd /root/harbor; mkdir -p host; echo other > host/leak
sed -i 's|{files: {|&/etc/leak.words: {from: host/leak}, |' cluster.yaml; knarr ship -y -m 'other words'
";

fn kept_no_more(lab: &Lab) {
    let edge = lab.host("edge");
    edge.expect(OTHER_WORDS);
    assert_eq!(on_disk(edge, "first-value-of-a-file"), [].into());
}
