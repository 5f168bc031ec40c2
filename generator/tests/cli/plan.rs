//! Ranges of a plan, and the plan as a comment.

use crate::home::Home;
use expect_test::expect;

/// Commits another message of the day on a branch, and goes on on main.
fn branched() -> Home {
    let home = Home::with_example();
    home.git("harbor", &["checkout", "--quiet", "-b", "ahoy"]);
    home.write("harbor/host/motd", "Ahoy.\n");
    home.knarr("harbor", &["render"]);
    home.git("harbor", &["commit", "--quiet", "--all", "-m", "ahoy"]);
    home.git("harbor", &["checkout", "--quiet", "main"]);
    home.replace("harbor/cluster.yaml", "vm.swappiness: \"10\"", "vm.swappiness: \"20\"");
    home.knarr("harbor", &["render"]);
    home.git("harbor", &["commit", "--quiet", "--all", "-m", "main"]);
    home
}

#[test]
fn three_dots_are_what_a_branch_alone_would_do() {
    let home = branched();
    let alone = home.knarr("harbor", &["plan", "main...ahoy"]);
    assert!(alone.contains("/etc/motd") && !alone.contains("vm.swappiness"), "{alone}");
    let both = home.knarr("harbor", &["plan", "main..ahoy"]);
    assert!(both.contains("/etc/motd") && both.contains("vm.swappiness"), "{both}");
}

#[test]
fn a_plan_becomes_a_comment() {
    let home = branched();
    expect![[r#"
        <!-- knarr-plan -->
        ### What <code>main&#46;&#46;&#46;ahoy</code> would do

        Machines: 2 changed; at worst: **live**; nothing in the cluster.

        | machine | change | impact |
        |---|---|---|
        | <code>attic</code> | <code>change path /etc/motd</code> | <code>live</code> |
        | <code>worker</code> | <code>change path /etc/motd</code> | <code>live</code> |
        exit 2
    "#]]
    .assert_eq(&home.knarr("harbor", &["plan", "main...ahoy", "--output", "markdown"]));
    let nothing = home.knarr("harbor", &["plan", "main..main", "--output", "markdown"]);
    assert!(nothing.ends_with("Nothing changes on any machine; nothing in the cluster.\n"), "{nothing}");
    let other = home.knarr("harbor", &["render", "--output", "markdown"]);
    assert!(other.contains("use it with `knarr plan A..B`") && other.ends_with("exit 1\n"), "{other}");
}

#[test]
fn a_clone_without_the_commits_is_told_what_to_fetch() {
    let home = branched();
    let url = format!("file://{}", home.path("harbor").display());
    home.git(".", &["clone", "--quiet", "--depth", "1", "--branch", "ahoy", &url, "shallow"]);
    home.git("shallow", &["checkout", "--quiet", "--detach"]);
    for range in ["origin/main...HEAD", "HEAD~1..HEAD", "HEAD~1"] {
        let said = home.knarr("shallow", &["plan", range]);
        assert!(said.contains("git fetch --unshallow origin") && said.ends_with("exit 1\n"), "{said}");
    }
    let all = "+refs/heads/*:refs/remotes/origin/*";
    home.git("shallow", &["fetch", "--quiet", "--depth", "1", "origin", all]);
    let said = home.knarr("shallow", &["plan", "origin/main...HEAD"]);
    assert!(said.contains("share is here") && said.contains("git fetch --unshallow"), "{said}");
    home.git("shallow", &["fetch", "--quiet", "--unshallow", "origin", all]);
    let said = home.knarr("shallow", &["plan", "origin/main...HEAD"]);
    assert!(said.contains("/etc/motd") && said.ends_with("exit 2\n"), "{said}");
    assert!(home.knarr("harbor", &["plan", "nowhere..HEAD"]).contains("there is no commit `nowhere` here"));
}

#[test]
fn what_nobody_said_is_not_guessed() {
    let home = Home::with_example();
    // Nothing here answers ssh: no machine of the example has an address that could.
    for node in ["edge", "worker", "attic"] {
        let file = std::fs::read_to_string(home.path(&format!("harbor/nodes/{node}.yaml"))).unwrap();
        let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with("ssh:")).collect();
        home.write(&format!("harbor/nodes/{node}.yaml"), &(lines.join("\n") + "\n"));
    }
    let said = home.knarr("harbor", &["plan", "--observed"]);
    assert!(said.contains(" edge    -       not heard of: its file does not say how to reach it"), "{said}");
    assert!(said.contains("attic: what it would do cannot be told: nobody has heard of it"), "{said}");
    assert!(
        said.contains("what 3 of 3 machines would do cannot be told") && said.ends_with("exit 3\n"),
        "{said}"
    );
    let json = home.knarr("harbor", &["plan", "--observed", "--output", "json"]);
    assert!(
        json.contains("\"untold\": \"nobody has heard of it\"") && json.contains("\"by\": \"each\""),
        "{json}"
    );
    assert!(home.knarr("harbor", &["plan", "--observed", "HEAD"]).ends_with("exit 1\n"));
}
