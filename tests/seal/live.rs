//! The controller of a live cluster: the real one behind a real API server, asked by kubeseal and by us.

mod cluster;

use crate::dropin::world::World;
use cluster::Cluster;
use std::fs;
use std::process::Command;

/// Command lines, each behind `--kubeconfig kubeconfig`.
const WORDS: [&str; 13] = [
    "--fetch-cert",
    "--fetch-cert -w fetched.pem",
    "-f secret.yaml",
    "--validate -f sealed.yaml",
    "--validate -f moved.yaml",
    "--validate -f damaged.yaml",
    "--validate -f empty.yaml",
    "--re-encrypt -f sealed.json",
    "--rotate -f sealed.yaml",
    "--re-encrypt -f sealed.json -w again.yaml",
    "--re-encrypt -f moved.yaml",
    "--fetch-cert --controller-name missing",
    "--fetch-cert --controller-namespace default",
];

#[test]
fn a_live_controller_answers_us_as_it_answers_kubeseal() {
    let cluster = Cluster::start();
    for words in WORDS {
        let world = World::within(&cluster.enter(), &cluster.kubeconfig());
        world.same(&format!("--kubeconfig kubeconfig {words}"), "", &[]);
        if words.contains("sealed.json") && !words.contains("-w") {
            world.same("--recovery-unseal --recovery-private-key other.pem -f sealed.json", "", &[]); // the newest key's
        }
    }
    knarr_validate_asks_it(&cluster);
}

fn knarr_validate_asks_it(cluster: &Cluster) {
    let world = World::within(&cluster.enter(), &cluster.kubeconfig());
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("sealed/shop")).unwrap();
    fs::write(folder.path().join("cluster.yaml"), "name: harbor\n").unwrap();
    let put = |from: &str| {
        let to = folder.path().join("sealed/shop").join(from);
        fs::copy(world.our_file(from), to).unwrap();
    };
    let validate = |more: &[&str]| {
        let enter = cluster.enter();
        let mut command = Command::new(&enter[0]);
        command
            .args(&enter[1..])
            .arg(knarr_tests::built("knarr"))
            .args(["validate", "--controller"])
            .args(more);
        let kubeconfig = world.our_file("kubeconfig");
        command.env("HOME", folder.path()).env("KUBECONFIG", kubeconfig).current_dir(folder.path());
        let output = command.output().unwrap();
        (
            output.status.code(),
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat(),
        )
    };
    put("sealed.yaml");
    let (code, said) = validate(&[]);
    assert_eq!(
        (code, said.contains("1 Secret in 1 file: the controller opens all")),
        (Some(0), true),
        "{said}"
    );
    put("moved.yaml");
    let (code, said) = validate(&[]);
    let line = "sealed/shop/moved.yaml, document 1 (elsewhere/db): the controller does not open it";
    assert_eq!((code, said.contains(line)), (Some(1), true), "{said}");
    assert!(said.contains("error: 1 of 2 Secrets do not open"), "{said}");
    let (code, said) = validate(&["--output", "json"]);
    assert_eq!(
        (code, said.contains(r#""why": "the controller does not open it""#)),
        (Some(1), true),
        "{said}"
    );
}
