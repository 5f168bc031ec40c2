//! One machine alone: `knarr up` from nothing, commits that start the pass, and the day when the origin moves.

use super::hands::{
    PATIENCE, is_synced, lay_mirror, listen, no_apps, on, outcome, reaches, ssh_from_outside,
};
use super::{Story, keys, leak};
use crate::{Child, Lab, wait_until};

/// A lone server.
pub(super) fn play(story: &mut Story<'_>) {
    story.step("knarr up: an empty machine follows a repository on its own disk", an_empty_machine_comes_up);
    story.step("its firewall closes what was not kept, and sshd stays open", the_firewall_is_up);
    story.step("a commit starts the pass, and ship needs no login", a_commit_starts_the_pass);
    story.step(
        "ship on the machine itself asks for a second login, which proves the change",
        a_login_proves_it,
    );
    story.step("nobody logs in: the change is taken back, and not tried again", nobody_logs_in);
    story.step("knarr up once more changes nothing", once_more_changes_nothing);
    story.step("knarr origin: the machine follows the commits to another place", the_origin_moves);
}

/// A lone server with K3s, which is the stand-in, and the real Argo CD.
pub(super) fn kubernetes(story: &mut Story<'_>) {
    if let Some(why) = no_apps() {
        return story.skip("all steps", why);
    }
    story.step("knarr up --mirror: K3s, Argo CD and the sealing key on one machine", k3s_comes_up);
    story.step("an app from an image is Synced and Healthy, its Secret opened", an_app_runs);
    story.step("a changed app follows", a_changed_app_follows);
    let watch = leak::plant(story);
    keys::play(story);
    leak::search(story, watch);
    keys::anew(story);
    story.step("an app that was removed is followed no more", a_removed_app_is_let_go);
}

fn k3s_comes_up(lab: &Lab) {
    lab.install("edge", "knarr");
    lab.install("edge", "knarrd");
    lay_mirror(lab, "edge");
    let up =
        "knarr up harbor --domain harbor.example --mirror /srv/mirror --recovery /root/kit.txt --yes 2>&1";
    let said = on(lab, "edge", &format!("cd /root && {up}"));
    assert!(said.contains("harbor is up on edge"), "{said}");
    assert!(harbor(lab, "cat cluster.yaml").contains("founded:"), "the founding is recorded");
    harbor(lab, "knarr kubeconfig --use");
    kubectl(lab, "wait --for=condition=Ready --timeout=120s node/edge");
    assert_eq!(kubectl(lab, "auth whoami -o jsonpath={.status.userInfo.username}"), "knarr:me");
    kubectl(lab, "-n argocd rollout status --timeout=120s deployment/argocd-repo-server");
    kubectl(lab, "-n argocd rollout status --timeout=120s statefulset/argocd-application-controller");
}

/// Asks the API with the kubeconfig that Knarr signed.
pub(super) fn kubectl(lab: &Lab, what: &str) -> String {
    on(lab, "edge", &format!("kubectl --kubeconfig /root/.kube/config {what} 2>&1"))
}

pub(super) fn asked(lab: &Lab, what: &str) -> String {
    lab.host("edge").run(&format!("kubectl --kubeconfig /root/.kube/config {what}")).text().to_owned()
}

fn an_app_runs(lab: &Lab) {
    harbor(lab, "knarr app add shop --image registry.harbor.example/shop:1.4 --port 8080");
    harbor(lab, "printf hunter2 | knarr seal db --app shop password -");
    let said = harbor(lab, "knarr ship -y -m 'shop 1.4'");
    assert!(said.contains("+ shop") && said.contains("SealedSecret"), "{said}");
    assert!(said.contains("app shop: Synced, Healthy"), "ship has followed Argo CD: {said}");
    is_synced(lab, "shop");
    assert_eq!(kubectl(lab, "-n shop get secret db -o jsonpath={.data.password} | base64 -d"), "hunter2");
    kubectl(lab, "-n shop rollout status --timeout=60s deployment/shop");
}

fn a_changed_app_follows(lab: &Lab) {
    harbor(lab, "sed -i s/shop:1.4/shop:1.5/ apps/shop/deployment.yaml && knarr ship -y -m 'shop 1.5'");
    let image = "-n shop get deployment shop -o jsonpath={.spec.template.spec.containers[0].image}";
    wait_until("the new image is wanted", PATIENCE, || asked(lab, image).ends_with("shop:1.5"));
}

fn a_removed_app_is_let_go(lab: &Lab) {
    let said = harbor(lab, "knarr app remove shop -y && knarr ship -y -m 'no shop'");
    let line = said.lines().find(|line| line.contains("kubectl delete")).expect("what to type is said");
    wait_until("the Application is gone", PATIENCE, || {
        asked(lab, "-n argocd get applications -o name").is_empty()
    });
    kubectl(lab, "-n shop get deployment shop");
    let line = line.split("&& kubectl ").nth(1).expect("ship, then kubectl");
    kubectl(lab, line);
    wait_until("the app has ended", PATIENCE, || asked(lab, "-n shop get deployment -o name").is_empty());
}

/// Types text in the clone on the machine.
pub(super) fn harbor(lab: &Lab, text: &str) -> String {
    on(lab, "edge", &format!("cd /root/harbor; {{ {text}\n}} 2>&1"))
}

fn an_empty_machine_comes_up(lab: &Lab) {
    lab.install("edge", "knarr");
    lab.install("edge", "knarrd");
    for port in [80, 3306] {
        listen(lab, "edge", port);
    }
    let refused = lab.host("edge").refuse("cd /root && knarr up harbor --recovery /root/kit.txt");
    assert!(refused.says("3306 will close") && refused.says("add --yes"), "{refused:?}");
    assert!(!lab.host("edge").run("test -e /root/harbor").ok(), "nothing is done before the question");
    let said = on(lab, "edge", "cd /root && knarr up harbor --open 80 --recovery /root/kit.txt --yes 2>&1");
    assert!(said.contains("harbor is up on edge") && said.contains("knarr origin URL"), "{said}");
    assert!(on(lab, "edge", "knarrd status").contains("converged"));
    assert_eq!(on(lab, "edge", "stat -c %a /root/kit.txt"), "600");
    assert!(harbor(lab, "git verify-commit HEAD && knarr check").contains("KN0731"), "a lone copy is said");
    let tip = on(lab, "edge", "git -C /srv/knarr/harbor.git rev-parse main");
    assert_eq!(harbor(lab, "git rev-parse HEAD"), tip);
}

fn the_firewall_is_up(lab: &Lab) {
    wait_until("people get in", PATIENCE, || ssh_from_outside(lab, "edge"));
    let edge = lab.host("edge").address();
    reaches(lab, "laptop", &edge, 80);
    lab.host("laptop").refuse(&format!("nc -z -w1 {edge} 3306"));
    on(lab, "edge", "wg show knarr0 && knarr --version");
}

fn a_commit_starts_the_pass(lab: &Lab) {
    harbor(
        lab,
        "mkdir -p host && echo one > host/motd && printf 'host: {files: {/etc/motd: {from: host/motd}}}\\n' >> cluster.yaml",
    );
    let said = harbor(lab, "knarr ship -y -m 'a motd'");
    assert!(said.contains("converged"), "{said}");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "one");
    // What git alone pushes is found by the watch of the origin, else by the timer.
    harbor(
        lab,
        "echo two > host/motd && knarr render && git add -A && git commit -q -S -m two && git push -q",
    );
    wait_until("the motd of the commit is there", PATIENCE, || lab.host("edge").text("/etc/motd") == "two\n");
}

/// Types `knarr ship` on the machine itself, at a terminal that came by an SSH login, and waits for its request.
fn ship_there(lab: &Lab, edit: &str, message: &str) -> Child {
    harbor(lab, edit);
    let target = lab.host("edge").ssh();
    let line = format!("ssh -tt {target} 'cd harbor && knarr ship -y -m {message}'");
    let ship = lab.host("laptop").spawn_on_terminal("me", &line);
    ship.wait_says("Open a second SSH login", PATIENCE);
    ship
}

fn a_login_proves_it(lab: &Lab) {
    let ship = ship_there(lab, "sed -i 's/^open:.*/open: [80, 443]/' nodes/edge.yaml", "https");
    assert!(on(lab, "edge", "nft list ruleset").contains("443"), "it is tried while the login is awaited");
    wait_until("the second login", PATIENCE, || ssh_from_outside(lab, "edge"));
    let (code, said) = ship.finish(PATIENCE);
    assert!(code == 0 && said.contains("converged"), "{said}");
    assert!(on(lab, "edge", "nft list ruleset").contains("443"));
}

fn nobody_logs_in(lab: &Lab) {
    on(lab, "edge", "mkdir -p /etc/knarr && echo 5 > /etc/knarr/guard-seconds");
    let ship = ship_there(lab, "sed -i 's/^open:.*/open: [80, 8443]/' nodes/edge.yaml", "https");
    let (code, said) = ship.finish(PATIENCE);
    assert!(code != 0 && said.contains("nobody logged in anew by SSH"), "{said}");
    let table = || on(lab, "edge", "nft list ruleset");
    assert!(!table().contains("8443") && table().contains("443"), "the table is the one before");
    assert!(outcome(lab, "edge").contains("nobody logged in anew"), "it is not tried again");
    harbor(lab, "git revert --no-edit HEAD && knarr ship -y");
    on(lab, "edge", "rm /etc/knarr/guard-seconds && knarrd status");
}

fn once_more_changes_nothing(lab: &Lab) {
    let before = harbor(lab, "git rev-parse HEAD");
    let said = on(lab, "edge", "cd /root && knarr up harbor --open 80 --yes 2>&1");
    assert!(said.contains("harbor is up on edge"), "{said}");
    assert_eq!(harbor(lab, "git rev-parse HEAD"), before);
}

fn the_origin_moves(lab: &Lab) {
    lab.repository("harbor");
    on(lab, "edge", "ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519");
    on(lab, "edge", "ssh-keyscan 203.0.113.2 >> /root/.ssh/known_hosts 2>/dev/null");
    let git = lab.host("git");
    git.authorize("git", &on(lab, "edge", "cat /root/.ssh/id_ed25519.pub"));
    git.authorize("git", &harbor(lab, "cat .knarr/deploy.pub"));
    let said = harbor(lab, "knarr origin git@203.0.113.2:harbor.git");
    let line = said.lines().find_map(|line| line.strip_prefix("Then: ")).expect("what to type is said");
    harbor(lab, &line.replace("knarr ship", "knarr ship -y"));
    assert!(!harbor(lab, "knarr check").contains("KN0731"));
    harbor(lab, "echo three > host/motd && knarr ship -y -m three");
    assert_eq!(on(lab, "edge", "cat /etc/motd"), "three");
    let [new, old] =
        ["origin", "old-origin"].map(|remote| harbor(lab, &format!("git ls-remote {remote} main")));
    assert_ne!(new, old, "the new place alone has the last commit");
}
