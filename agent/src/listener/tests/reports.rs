//! Signed reports.

use super::report::{Heard, Signed, all};
use super::signed::sign;
use super::*;
use knarr_node::report::{Outcome, Report};
use std::collections::BTreeMap;

fn of(number: u8, at: u64, version: &str) -> Report {
    Report {
        node: name(number),
        version: version.to_owned(),
        at,
        seen: None,
        accepted: oid("1111111111111111111111111111111111111111"),
        applied: None,
        outcome: Outcome::Converged,
        unfetched: None,
        items: [].into(),
        mesh: [].into(),
        quarantined: [].into(),
        snapshot: None,
        drift: None,
        cluster: None,
    }
}

fn signed(mesh: &Mesh, by: u8, namespace: &str, report: &Report) -> Signed {
    let report = serde_json::to_string(report).unwrap();
    Signed { signature: sign(&mesh.paths(by), namespace, &report).unwrap(), report }
}

fn push(mesh: &Mesh, from: u8, signed: &Signed) -> StatusCode {
    let client = mesh.client(mesh.ip(from));
    status(client.ask(mesh.ip(1), Method::POST, "/v1/report", Some(signed), SOON))
}

/// Returns what `keeper` holds of `of`: version and time.
fn held(mesh: &Mesh, keeper: u8, of: u8) -> Option<(String, u64)> {
    let report = all(&mesh.paths(keeper)).get(&name(of))?.report().unwrap();
    Some((report.version, report.at))
}

#[test]
fn servers_hear_every_report_and_tell_it_with_its_signature() {
    let mesh = Mesh::new(3);
    for number in [1, 2, 3] {
        mesh.nodes[usize::from(number) - 1].tell(of(number, 7, "1.0.0"));
        wait_until("the server hears it", || held(&mesh, 1, number).is_some());
    }
    assert_eq!(held(&mesh, 3, 2), None, "where there is a server, agents keep only their own");
    let answer = mesh.client(mesh.ip(3)).ask(mesh.ip(1), Method::GET, "/v1/reports", None::<&()>, SOON);
    let reports: BTreeMap<NodeName, Heard> = serde_json::from_slice(&answer.unwrap()).unwrap();
    assert_eq!(reports.keys().cloned().collect::<Vec<_>>(), [name(1), name(2), name(3)]);
    for (node, heard) in reports {
        let place = mesh.place(3, &mesh.floor);
        assert!(
            heard.signed.by(&node, &place, &mesh.paths(3)).unwrap().is_some(),
            "anybody can check {node}"
        );
    }
    let own = mesh.client(mesh.ip(3)).ask(mesh.ip(2), Method::GET, "/v1/report", None::<&()>, SOON);
    let own: Signed = serde_json::from_slice(&own.unwrap()).unwrap();
    assert!(own.report.contains("\"node\":\"n2\""), "{}", own.report);
}

#[test]
fn a_report_that_its_node_did_not_sign_so_is_refused() {
    let mesh = Mesh::new(3);
    let good = signed(&mesh, 2, "knarr-report", &of(2, 7, "1.0.0"));
    let forged = [
        Signed { report: good.report.replace("1.0.0", "6.6.6"), ..good.clone() },
        Signed { signature: "garbage".to_owned(), ..good.clone() },
        Signed { report: "garbage".to_owned(), ..good.clone() },
        signed(&mesh, 3, "knarr-report", &of(2, 7, "1.0.0")),
        signed(&mesh, 2, "git", &of(2, 7, "1.0.0")),
        signed(&mesh, 2, "knarr-report", &of(3, 7, "1.0.0")),
    ];
    for forged in forged {
        assert_eq!(push(&mesh, 2, &forged), StatusCode::FORBIDDEN, "{forged:?}");
    }
    assert_eq!((held(&mesh, 1, 2), held(&mesh, 1, 3)), (None, None));
    assert_eq!(push(&mesh, 2, &good), StatusCode::OK);
    assert!(held(&mesh, 1, 2).is_some());
}

#[test]
fn the_newest_report_stays_and_one_from_the_future_does_not() {
    let mesh = Mesh::new(2);
    let far = 99_999_999_999;
    for (at, version, stays) in
        [(9, "new", "new"), (7, "old", "new"), (far, "future", "future"), (11, "right again", "right again")]
    {
        assert_eq!(push(&mesh, 2, &signed(&mesh, 2, "knarr-report", &of(2, at, version))), StatusCode::OK);
        assert_eq!(held(&mesh, 1, 2).unwrap().0, stays);
    }
}

#[test]
fn a_machine_that_left_is_forgotten() {
    let mesh = Mesh::new(2);
    push(&mesh, 2, &signed(&mesh, 2, "knarr-report", &of(2, 9, "1.0.0")));
    let mut listing = Listing::from(mesh.directory.clone());
    listing.nodes.remove(&name(2));
    let directory = Directory::try_from(listing).unwrap();
    mesh.nodes[0].stand(Some(Place { directory, ..mesh.place(1, &mesh.floor) }));
    assert_eq!(held(&mesh, 1, 2), None);
}
