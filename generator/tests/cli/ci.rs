//! The jobs that a new repository brings: their real steps, with real bash, git and curl.

mod api;

use crate::home::Home;
use api::Api;
use knarr::template::Service;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

const SERVICES: [Service; 3] = [Service::Github, Service::Forgejo, Service::Gitlab];

/// An origin with a pull request, and a service that has it.
struct World {
    home: Home,
    api: Api,
    service: Service,
    more: BTreeMap<&'static str, String>,
}

fn job(service: Service) -> Value {
    let all: Value = serde_saphyr::from_str(service.jobs().unwrap().1).unwrap();
    if service == Service::Gitlab { all["knarr"].clone() } else { all["jobs"]["knarr"].clone() }
}

/// Returns the steps that a job takes, but for the packages that its image lacks.
fn steps(service: Service) -> Vec<String> {
    let job = job(service);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    if service == Service::Gitlab {
        return vec![job["script"].as_array().unwrap().iter().map(text).collect::<Vec<_>>().join("\n")];
    }
    let steps = job["steps"].as_array().unwrap().iter().map(|step| text(&step["run"]));
    steps.filter(|step| !step.contains("apt-get")).collect()
}

impl World {
    fn new(service: Service) -> Self {
        let home = Home::with_example();
        for (path, text, program) in service.files() {
            home.write(&format!("harbor/{path}"), text);
            if program {
                home.command("harbor", "chmod").args(["+x", path]).assert().success();
            }
        }
        home.git("harbor", &["add", "--all"]);
        home.git("harbor", &["commit", "--quiet", "-m", "ci"]);
        home.git(".", &["init", "--quiet", "--bare", "git/me/harbor"]);
        home.git("harbor", &["push", "--quiet", "../git/me/harbor", "main"]);
        home.git("harbor", &["checkout", "--quiet", "-b", "ahoy"]);
        let world = Self { home, api: Api::start(), service, more: BTreeMap::new() };
        world.push("Ahoy.\n");
        world
    }

    /// Pushes another message of the day to the pull request.
    fn push(&self, motd: &str) {
        self.home.write("harbor/host/motd", motd);
        self.home.knarr("harbor", &["render"]);
        self.push_as_it_is();
    }

    fn push_as_it_is(&self) {
        self.home.git("harbor", &["commit", "--quiet", "--all", "-m", "ahoy"]);
        let to = ["+HEAD:refs/heads/ahoy", "+HEAD:refs/pull/1/head"];
        self.home.git("harbor", &["push", "--quiet", "../git/me/harbor", to[0], to[1]]);
    }

    /// Returns what the service tells a job; `pull` is whether it runs for the pull request.
    fn told(&self, pull: bool) -> BTreeMap<&'static str, String> {
        let api = &self.api.address;
        let git = format!("file://{}", self.home.path("git").display());
        let mut told = match self.service {
            Service::Gitlab => BTreeMap::from([
                ("CI_API_V4_URL", format!("{api}/api/v4")),
                ("KNARR_COMMENT_TOKEN", "hunter2".to_owned()),
            ]),
            Service::Github | Service::Forgejo | Service::None => BTreeMap::from([
                ("GITHUB_SERVER_URL", git),
                ("GITHUB_REPOSITORY", "me/harbor".to_owned()),
                ("GITHUB_API_URL", api.clone()),
                ("GITHUB_STEP_SUMMARY", self.home.path("summary").display().to_string()),
                ("TOKEN", "hunter2".to_owned()),
                ("REF", if pull { "refs/pull/1/head" } else { "refs/heads/main" }.to_owned()),
            ]),
        };
        if pull && self.service == Service::Gitlab {
            told.insert("CI_MERGE_REQUEST_IID", "1".to_owned());
            told.insert("CI_MERGE_REQUEST_PROJECT_ID", "5".to_owned());
            told.insert("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main".to_owned());
        } else if pull {
            told.insert("GITHUB_BASE_REF", "main".to_owned());
        }
        told.extend(self.more.clone());
        told
    }

    /// Runs the job on a runner that has `knarr`, in an empty folder.
    fn runs(&self, pull: bool) -> Output {
        let bin = Path::new(env!("CARGO_BIN_EXE_knarr")).parent().unwrap().display().to_string();
        self.runs_with(pull, &format!("{bin}:{}", std::env::var("PATH").unwrap()))
    }

    fn runs_with(&self, pull: bool, path: &str) -> Output {
        let _ = std::fs::remove_dir_all(self.home.path("runner"));
        std::fs::create_dir_all(self.home.path("runner/home")).unwrap();
        if self.service == Service::Gitlab {
            // GitLab's runner has cloned the commit, and no branch.
            let from = self.home.path("git/me/harbor").display().to_string();
            self.home
                .git("runner", &["clone", "--quiet", "--no-checkout", &format!("file://{from}"), "work"]);
            let branch = if pull { "origin/ahoy" } else { "origin/main" };
            self.home.git("runner/work", &["checkout", "--quiet", "--detach", branch]);
            self.home.git("runner/work", &["update-ref", "-d", "refs/remotes/origin/main"]);
        }
        std::fs::create_dir_all(self.home.path("runner/work")).unwrap();
        let mut last = None;
        for step in steps(self.service) {
            let mut bash = std::process::Command::new("bash");
            bash.args(["-e", "-c", &step]).current_dir(self.home.path("runner/work"));
            bash.env_clear().env("PATH", path).env("HOME", self.home.path("runner/home"));
            let output = bash.envs(self.told(pull)).output().unwrap();
            let failed = !output.status.success();
            last = Some(output);
            if failed {
                break;
            }
        }
        last.unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_job_may_read_and_comment_and_runs_nothing_of_others() {
    for service in SERVICES {
        let text = service.jobs().unwrap().1;
        assert!(
            !text.contains("uses:") && !text.contains("pull_request_target") && !text.contains("secrets.")
        );
        assert!(!steps(service).is_empty());
    }
    let all: Value = serde_saphyr::from_str(Service::Github.jobs().unwrap().1).unwrap();
    assert_eq!(all["permissions"], serde_json::json!({"contents": "read", "pull-requests": "write"}));
    let events: Vec<&String> = all["on"].as_object().unwrap().keys().collect();
    assert_eq!(events, ["pull_request", "push"]);
}

#[test]
fn programs_of_a_new_repository_are_what_shellcheck_asks_for() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let home = Home::empty();
    let programs =
        ["cluster-repo-template/.knarr/ci", "templates/hooks/pre-commit", "templates/hooks/pre-push"];
    home.command(".", "shellcheck")
        .args(programs.map(|program| format!("{root}/{program}")))
        .assert()
        .success();
    for service in SERVICES {
        for step in steps(service) {
            home.write("step", &step);
            home.command(".", "shellcheck")
                .args(["--shell=bash", "--exclude=SC2016", "step"])
                .assert()
                .success();
        }
    }
}

#[test]
fn a_pull_request_has_one_comment_that_follows_it() {
    for service in SERVICES {
        let world = World::new(service);
        // Source: Forgejo's API, issueGetComments, knows no pages.
        world.api.there.lock().unwrap().whole = service == Service::Forgejo;
        let fake = "<!-- knarr-plan -->\nnothing happens";
        world.api.stranger_says(fake);
        (0..150).for_each(|n| world.api.stranger_says(&format!("comment {n}")));
        let ended = world.runs(true);
        assert!(ended.status.success(), "{service:?}: {}", said(&ended));
        let first = world.api.own();
        assert!(first.len() == 1 && first[0].contains("/etc/motd"), "{service:?}: {first:?}");
        assert!(!first[0].contains("hello"), "{first:?}");

        world.home.replace("harbor/nodes/edge.yaml", "mode: \"0640\"", "mode: \"0600\"");
        world.push("Ahoy again.\n");
        let ended = world.runs(true);
        assert!(ended.status.success(), "{service:?}: {}", said(&ended));
        let second = world.api.own();
        assert!(second.len() == 1 && second[0].contains("hello"), "{service:?}: {second:?}");
        let there = world.api.there.lock().unwrap();
        assert_eq!(there.comments[0]["body"], fake, "{service:?}: it is of somebody else");
        assert!(there.asked.iter().all(|(_, _, proof)| proof.ends_with("hunter2")), "{service:?}");
    }
}

#[test]
fn a_pull_request_from_a_fork_gets_its_plan_in_the_log() {
    for service in SERVICES {
        let world = World::new(service);
        world.api.there.lock().unwrap().read_only = true;
        let ended = world.runs(true);
        assert!(ended.status.success(), "{service:?}: {}", said(&ended));
        assert!(
            said(&ended).contains("/etc/motd") && world.api.own().is_empty(),
            "{service:?}: {}",
            said(&ended)
        );
    }
    let mut world = World::new(Service::Gitlab);
    world.more.insert("KNARR_COMMENT_TOKEN", String::new());
    let ended = world.runs(true);
    assert!(ended.status.success() && said(&ended).contains("artifact plan.md"), "{}", said(&ended));
    assert!(world.api.there.lock().unwrap().asked.is_empty());
    let plan = std::fs::read_to_string(world.home.path("runner/work/plan.md")).unwrap();
    assert!(plan.contains("/etc/motd"), "{plan}");
}

#[test]
fn a_push_is_only_checked_and_what_is_wrong_fails_the_job() {
    for service in SERVICES {
        let world = World::new(service);
        let ended = world.runs(false);
        assert!(
            ended.status.success() && world.api.there.lock().unwrap().asked.is_empty(),
            "{}",
            said(&ended)
        );
        world.home.replace("harbor/cluster.yaml", "signers: [me]", "signers: [mee]");
        world.push_as_it_is();
        let ended = world.runs(true);
        assert_eq!(ended.status.code(), Some(1), "{service:?}: {}", said(&ended));
        assert!(
            said(&ended).contains("KN0207") && world.api.own().len() == 1,
            "{service:?}: {}",
            said(&ended)
        );
    }
}

#[test]
fn what_is_not_rendered_fails_the_job() {
    let world = World::new(Service::Github);
    world.home.write("harbor/host/motd", "Not rendered.\n");
    world.push_as_it_is();
    let ended = world.runs(true);
    assert!(!ended.status.success() && said(&ended).contains("KN0403"), "{}", said(&ended));
}

#[test]
fn knarr_comes_by_its_digest_or_not_at_all() {
    let mut world = World::new(Service::Github);
    let path = std::env::var("PATH").unwrap();
    let ended = world.runs_with(false, &path);
    assert!(
        !ended.status.success() && said(&ended).contains("write KNARR_URL and KNARR_SHA256"),
        "{}",
        said(&ended)
    );
    let program = env!("CARGO_BIN_EXE_knarr");
    world.more.insert("KNARR_URL", format!("file://{program}"));
    for digest in ["", &"0".repeat(64)] {
        world.more.insert("KNARR_SHA256", digest.to_owned());
        let ended = world.runs_with(false, &path);
        assert!(
            !ended.status.success() && said(&ended).contains("is not what KNARR_SHA256 says"),
            "{}",
            said(&ended)
        );
    }
    let sum = world.home.command(".", "sha256sum").arg(program).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap().split(' ').next().unwrap().to_owned();
    world.more.insert("KNARR_SHA256", sum);
    let ended = world.runs_with(false, &path);
    assert!(ended.status.success(), "{}", said(&ended));
}

#[test]
fn knarr_comes_out_of_a_package() {
    let mut world = World::new(Service::Github);
    let home = &world.home;
    home.write(
        "deb/DEBIAN/control",
        "Package: knarr\nVersion: 1\nArchitecture: all\nMaintainer: me <me@example.org>\nDescription: x\n",
    );
    std::fs::create_dir_all(home.path("deb/usr/bin")).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_knarr"), home.path("deb/usr/bin/knarr")).unwrap();
    home.command(".", "dpkg-deb").args(["-Znone", "--build", "deb", "knarr.deb"]).assert().success();
    let sum = home.command(".", "sha256sum").arg("knarr.deb").output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap().split(' ').next().unwrap().to_owned();
    let url = format!("file://{}", home.path("knarr.deb").display());
    world.more.extend([("KNARR_URL", url), ("KNARR_SHA256", sum)]);
    let ended = world.runs_with(false, &std::env::var("PATH").unwrap());
    assert!(ended.status.success(), "{}", said(&ended));
}

#[test]
fn a_service_is_known_by_the_host_of_the_origin() {
    for (origin, service) in [
        ("git@github.com:me/harbor.git", Service::Github),
        ("ssh://git@github.com:22/me/harbor.git", Service::Github),
        ("https://gitlab.com/me/harbor.git", Service::Gitlab),
        ("git@codeberg.org:me/harbor.git", Service::Forgejo),
        ("git@git.example.org:github.com/harbor.git", Service::None),
        ("https://git.example.org/github.com/harbor.git", Service::None),
        ("/srv/knarr/harbor.git", Service::None),
    ] {
        assert_eq!(Service::of(origin), service, "{origin}");
    }
}

#[test]
fn a_new_repository_has_the_jobs_of_its_origins_host_or_those_that_were_asked_for() {
    let home = Home::empty();
    let url = "git@github.com:me/harbor.git";
    let said = home.knarr(".", &["new", "harbor", "--origin", url, "--recovery", "kit"]);
    assert!(said.contains("once harbor/.github/workflows/knarr.yml says where `knarr` is"), "{said}");
    let there =
        home.git("harbor", &["ls-tree", "-r", "HEAD", "--", ".knarr/ci", ".github", ".gitlab-ci.yml"]);
    assert!(there.lines().count() == 2 && there.contains("100755"), "{there}");
    home.knarr(".", &["new", "haven", "--origin", url, "--ci", "none", "--recovery", "kit2"]);
    assert_eq!(home.git("haven", &["ls-tree", "-r", "HEAD", "--", ".knarr/ci", ".github"]), "");
}
