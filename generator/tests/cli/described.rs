//! Machines that were described and not enrolled: how they are shown, and how their files go.

use crate::home::Home;
use expect_test::expect;

/// Returns a home in which `db` was described.
fn home() -> Home {
    let home = Home::with_example();
    home.write("harbor/nodes/db.yaml", "roles: [agent]\naddress: 198.51.100.31\nssh: debian@198.51.100.31\n");
    home
}

#[test]
fn a_described_machine_is_shown_with_the_line_that_enrols_it() {
    let home = home();
    let list = home.knarr("harbor", &["node", "list"]);
    let db = " db      agent   debian@198.51.100.31  198.51.100.31         described, not enrolled\n";
    assert!(list.contains(db) && list.ends_with("To enrol: knarr node add db\n"), "{list}");
    expect![[r#"
        node       db
        role       agent
        ssh        debian@198.51.100.31
        address    198.51.100.31
        state      described, not enrolled
        to enrol   knarr node add db
    "#]]
    .assert_eq(&home.knarr("harbor", &["node", "show", "db"]));
    let json = home.knarr("harbor", &["node", "show", "db", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let expected = serde_json::json!({
        "node": "db", "state": "described, not enrolled", "role": "agent", "ssh": "debian@198.51.100.31",
        "address": "198.51.100.31", "nat": false, "arch": null, "items": [], "way_out": "knarr node add db",
    });
    assert_eq!(json, expected);
    let all = home.knarr("harbor", &["node", "list", "--output", "json"]);
    let all: Vec<serde_json::Value> = serde_json::from_str(&all).unwrap();
    assert_eq!(all.iter().find(|row| row["node"] == "db"), Some(&json));
    assert_eq!(all.iter().filter(|row| row["state"] == "part of the cluster").count(), 3);
}

#[test]
fn the_file_of_a_described_machine_is_deleted_by_remove_and_by_forget() {
    for verb in ["remove", "forget"] {
        let home = home();
        let said = home.knarr("harbor", &["node", verb, "db"]);
        assert!(said.starts_with(" ✓ deleted nodes/db.yaml: db was never enrolled\n"), "{said}");
        assert_eq!(home.git("harbor", &["status", "--porcelain"]), "");
    }
}

#[test]
fn a_machine_that_lost_its_keys_is_not_taken_for_one_that_was_described() {
    for verb in ["remove", "forget"] {
        let home = home();
        home.write("harbor/rendered/nodes/db.yaml", "its State\n");
        let said = home.knarr("harbor", &["node", verb, "db"]);
        assert!(
            said.starts_with("error: `db` was enrolled, and its keys are gone from its file\n"),
            "{said}"
        );
        assert!(home.path("harbor/nodes/db.yaml").exists());
    }
}

#[test]
fn what_needs_an_enrolled_machine_says_how_to_enrol_it() {
    let said = home().knarr("harbor", &["node", "refresh", "db"]);
    assert_eq!(
        said,
        "error: `db` was not enrolled, so it is no part of the cluster yet\nhelp: knarr node add db\nexit 1\n"
    );
}
