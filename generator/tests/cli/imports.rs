//! `knarr node import`: lists as the tools write them in tests/imports, and what becomes of each.

use crate::home::{Home, files};
use expect_test::expect_file;
use std::fs;
use std::path::{Path, PathBuf};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/imports");

fn lists() -> Vec<(PathBuf, PathBuf)> {
    let mut all: Vec<(PathBuf, PathBuf)> = Vec::new();
    for case in fs::read_dir(CASES).unwrap() {
        let case = case.unwrap().path();
        let list =
            ["list.json", "list.csv"].map(|name| case.join(name)).into_iter().find(|list| list.exists());
        all.push((case, list.unwrap()));
    }
    all.sort();
    all
}

/// Returns a file of the repository.
fn file(home: &Home, path: &str) -> String {
    fs::read_to_string(home.path("harbor").join(path)).unwrap()
}

#[test]
fn each_list_becomes_files_that_stay_as_they_are() {
    let lists = lists();
    assert!(lists.len() >= 9);
    for (case, list) in lists {
        let home = Home::with_example();
        let list = list.to_str().unwrap();
        let dry = home.knarr("harbor", &["node", "import", list, "--dry-run"]);
        assert_eq!(home.git("harbor", &["status", "--porcelain"]), "", "a dry run writes nothing: {dry}");
        let mut said = home.knarr("harbor", &["node", "import", list, "--yes"]);
        let new = home.git("harbor", &["ls-files", "--others"]);
        for path in new.lines() {
            said = format!("{said}\n--- {path}\n{}", file(&home, path));
        }
        expect_file![case.join("expected.txt")].assert_eq(&said);
        let before = files(&home.path("harbor"));
        let again = home.knarr("harbor", &["node", "import", list]);
        assert!(again.ends_with(" ✓ nodes/ is as the list says\n"), "{again}");
        let check = home.knarr("harbor", &["check"]);
        assert!(check.contains("warning[KN0534]") && check.contains("knarr node add "), "{check}");
        assert!(files(&home.path("harbor")) == before, "a second import, and a check, write nothing");
        assert!(home.knarr("harbor", &["render"]).contains("rendered/ is up to date"));
        let all = before.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>();
        assert!(!String::from_utf8_lossy(&all).contains("MEsCQ0sNUYa4w"), "a private key was written");
    }
}

#[test]
fn a_machine_that_moved_keeps_its_comments_and_one_that_vanished_is_said() {
    let home = Home::with_example();
    let csv = |lines: &str| home.write("list.csv", &format!("name,ip\n{lines}"));
    let import = |args: &[&str]| {
        home.knarr("harbor", &[&["node", "import", "../list.csv", "--source", "rack"], args].concat())
    };
    csv("edge,203.0.113.7\ndb,198.51.100.9\n");
    let said = import(&["--yes"]);
    assert!(said.contains("wrote nodes/db.yaml") && !said.contains("wrote nodes/edge.yaml"), "{said}");
    home.replace("harbor/nodes/edge.yaml", "address: 203.0.113.7", "address: 203.0.113.7 # by contract");
    let text = file(&home, "nodes/edge.yaml");
    csv("edge,203.0.113.99\n");
    let said = import(&["--yes"]);
    assert!(said.contains("db is not there any more. If it is to go: knarr node remove db"), "{said}");
    let moved = text.replace("203.0.113.7", "203.0.113.99");
    assert_eq!(file(&home, "nodes/edge.yaml"), moved);
    assert!(home.path("harbor/nodes/db.yaml").exists(), "nothing is removed");
    let json = import(&["--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["machines"][0]["way_out"], "knarr node remove db");
    assert_eq!(
        (&json["machines"][0]["change"], &json["wrote"]),
        (&"vanished".into(), &serde_json::json!([]))
    );
}

#[test]
fn what_fields_mean_is_kept_and_can_be_said_anew() {
    let home = Home::with_example();
    home.write("list.csv", "label,nic,seat\nA 1,198.51.100.9,x\nB 2,198.51.100.8,x\n");
    let import = |args: &[&str]| home.knarr("harbor", &[&["node", "import", "../list.csv"], args].concat());
    let said = import(&["--yes"]);
    assert!(said.starts_with("error: no field says what the machines are called\nhelp: say which field: --map name=FIELD, with one of label, nic, seat\n"), "{said}");
    let map = ["--map", "name=label", "--map", "address=nic", "--map", "user==debian"];
    assert!(import(&[&map[..], &["--yes"]].concat()).contains(" ✓ wrote nodes/a-1.yaml\n"));
    assert!(file(&home, "nodes/a-1.yaml").contains("ssh: debian@198.51.100.9\n"));
    assert!(import(&[]).ends_with("nodes/ is as the list says\n"));
    let said = import(&["--map", "address=nics"]);
    assert!(
        said.contains("no machine has a field `nics` for address\nhelp: did you mean `nic`?\nexit 1"),
        "{said}"
    );
    let nobody = home
        .command("harbor", env!("CARGO_BIN_EXE_knarr"))
        .args(["node", "import", "-", "--source", "other"])
        .write_stdin("name,ip\nc,198.51.100.7\n")
        .output()
        .unwrap();
    assert!(
        String::from_utf8(nobody.stderr).unwrap().contains("nobody can answer")
            && !home.path("harbor/nodes/c.yaml").exists()
    );
}

#[test]
fn a_list_that_cannot_be_taken_writes_nothing() {
    let home = Home::with_example();
    let cases = [
        ("{\"a\": [", "error: the list is no JSON: "),
        (
            "{\"a\": {\"value\": 1, \"type\": \"number\"}}",
            "error: there is no list of machines with addresses in it, as terraform writes one\n",
        ),
        ("", "error: there is no list of machines with addresses in it, as csv writes one\n"),
        ("name,ip\na.b,198.51.100.1\nA,198.51.100.2\n", "error: `a.b` and `A` would both be called `a`\n"),
        ("name,ip\na,198.51.100.1\nb,\n", "error: without an address: b\n"),
        ("name,ip\n---,198.51.100.1\n", "error: `---` cannot become the name of a machine\n"),
        ("name,ip\na,-oProxyCommand=x\n", "error: `-oProxyCommand=x` of a is no address\n"),
        ("name,ip,user\na,198.51.100.1,-l\n", "error: `-l` of a is no user\n"),
        ("name,ip,role\na,198.51.100.1,king\n", "error: `king` of a is no role\n"),
        ("name,ip,region\na,198.51.100.1,Bad Homburg\n", "error: `Bad Homburg` of a is no region\n"),
        ("name,ip\na,198.51.100.1,x\n", "error: line 2 has 3 values, and the first line names 2\n"),
        ("name,ip\na,\"198\n", "error: a quote in the row that begins at line 2 never ends\n"),
    ];
    for (list, error) in cases {
        home.write("list", list);
        let said = home.knarr("harbor", &["node", "import", "../list", "--yes"]);
        assert!(
            said.starts_with(error) && said.contains("\nhelp: ") && said.ends_with("exit 1\n"),
            "{list}: {said}"
        );
    }
    fs::write(home.path("list"), vec![b'x'; 100 << 20]).unwrap();
    let said = home.knarr("harbor", &["node", "import", "../list", "--yes"]);
    assert!(said.starts_with("error: `../list` has over 8 MiB\n"), "{said}");
    fs::write(home.path("list"), [0xff, 0xfe]).unwrap();
    assert!(
        home.knarr("harbor", &["node", "import", "../list"]).starts_with("error: the list is not UTF-8\n")
    );
    assert!(
        home.knarr("harbor", &["node", "import", "../none"]).starts_with("error: cannot read `../none`: ")
    );
    assert_eq!(home.git("harbor", &["status", "--porcelain"]), "");
    assert!(!Path::new(&home.path("harbor/.knarr/import.yaml")).exists());
}
