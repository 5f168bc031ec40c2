//! Commits from other nodes: a second machine listens, and the git host is away or keeps something back.

use super::*;
use crate::listener::Place;
use crate::load::{Site, load};
use std::net::TcpStream;

/// The machine `edge`, and `worker` beside it, which serves what it accepted.
struct Pair {
    world: World,
    worker: Arc<Listener>,
    net: u8,
    _runtime: tokio::runtime::Runtime,
}

impl Pair {
    /// Both have applied a first commit that lists them.
    fn new(net: u8) -> Self {
        let world = World::new();
        let key = |byte: char| format!("{}=", byte.to_string().repeat(42) + "A");
        let node = |name: &str, ip: &str, byte| {
            format!("  {name}: {{ip: {ip}, key: '{}', at: ['192.0.2.1:51821']}}\n", key(byte))
        };
        let worker_ip = format!("127.{}.77.2", worker_net(net));
        let nodes = node("edge", "127.0.0.1", 'B') + &node("worker", &worker_ip, 'C');
        let head = "format: 1\ndomain: harbor.example\nnetwork: 127.0.0.0/8\npods: 10.42.0.0/16\n";
        let rest = "services: 10.43.0.0/16\nport: 51821\nmtu: 1380\nnodes:\n";
        world.write("rendered/mesh.yaml", &format!("{head}{rest}{nodes}"));
        world.ship(Some("me"), "one");
        assert_eq!(world.pass().outcome, Outcome::Converged);
        let worker = Arc::new(Listener::new(Paths::below(world.at("worker"))));
        std::fs::create_dir_all(world.at("worker/var/lib/knarr")).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(worker.clone().run());
        Self { world, worker, net, _runtime: runtime }
    }

    /// Lets the worker accept the head of the clone.
    fn worker_accepts(&self) -> Oid {
        let (head, repo) = (self.world.head(), Paths::below(self.world.at("worker")).kept("repo.git"));
        let ours = Repo::open(&repo).unwrap();
        self.world.git(&["push", "-q", "-f", repo.to_str().unwrap(), "HEAD:refs/knarr/accepted"]);
        ours.show("main", &head).unwrap();
        let mut place = self.edge();
        place.node = "worker".parse().unwrap();
        place.ip = place.directory.nodes[&place.node].ip;
        place.accepted = head.clone();
        let at = place.address();
        self.worker.stand(Some(place));
        while TcpStream::connect(at).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        head
    }

    fn edge(&self) -> Place {
        let identity = Identity::read(&self.world.paths()).unwrap();
        let repo = Repo::open(&self.world.paths().kept("repo.git")).unwrap();
        let site = Site { repo: &repo, paths: &self.world.paths(), today: Date::MIN };
        let wanted = load(&site, identity.applied.as_ref().unwrap(), &identity).unwrap();
        Place::of(&identity, &wanted).unwrap()
    }

    /// Takes back the last commit on the git host, as one that keeps it back would.
    fn keep_back(&self) {
        self.world.git(&["push", "-q", "-f", "origin", "HEAD~1:main"]);
    }

    fn git_host_is_away(&self) {
        std::fs::rename(self.world.at("origin.git"), self.world.at("away.git")).unwrap();
    }
}

/// Each test has a network of its own, also beside another run of these tests.
fn worker_net(net: u8) -> u8 {
    1 + net * 30 + u8::try_from(std::process::id() % 30).unwrap()
}

#[test]
fn without_the_git_host_commits_come_from_other_nodes() {
    let pair = Pair::new(0);
    pair.world.ship(Some("me"), "two");
    let two = pair.worker_accepts();
    pair.git_host_is_away();
    let report = pair.world.pass();
    assert_eq!(
        (&report.outcome, report.applied, report.seen),
        (&Outcome::Converged, Some(two.clone()), Some(two))
    );
    assert!(report.unfetched.unwrap().contains("cannot fetch from"), "it is said all the same");
    assert_eq!(pair.world.motd().as_deref(), Some("two"));
    assert_eq!(pair.world.ground().keep().unwrap().unwrap().outcome, Outcome::Converged, "also after a boot");
    let again = pair.world.pass();
    assert_eq!(again.outcome, Outcome::Converged, "others answer, though they have nothing new");
    pair.worker.stand(None);
    let at = format!("127.{}.77.2:51821", worker_net(pair.net));
    while TcpStream::connect(&at).is_ok() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(matches!(pair.world.pass().outcome, Outcome::Retry { .. }), "nobody answers");
}

#[test]
fn a_commit_that_the_git_host_keeps_back_comes_from_the_node_that_spoke_of_it() {
    let pair = Pair::new(1);
    pair.world.ship(Some("me"), "two");
    let two = pair.worker_accepts();
    pair.keep_back();
    let ground = pair.world.ground();
    assert!(ground.listener.words.take("worker".parse().unwrap(), two.clone()));
    let report = ground.pass().unwrap();
    drop(ground);
    assert_eq!((report.accepted, report.applied), (two.clone(), Some(two)));
    assert_eq!(pair.world.motd().as_deref(), Some("two"));
    ends(&pair.world.pass(), "set back", Some("knarr mend"));
}

#[test]
fn what_another_node_gives_counts_no_more_than_its_signatures() {
    let pair = Pair::new(2);
    let one = pair.world.head();
    for forge in [true, false] {
        pair.world.git(&["reset", "-q", "--hard", one.as_str()]);
        if forge {
            pair.world.ship(Some("thief"), "stolen");
        } else {
            pair.world.git(&["checkout", "-q", "--orphan", "other"]);
            pair.world.ship(Some("me"), "rewritten");
        }
        pair.worker_accepts();
        pair.world.git(&["push", "-q", "-f", "origin", &format!("{one}:main")]);
        let ground = pair.world.ground();
        ground.listener.words.take("worker".parse().unwrap(), pair.world.head());
        let report = ground.pass().unwrap();
        assert_eq!((report.outcome, report.accepted), (Outcome::Converged, one.clone()));
        assert_eq!(pair.world.motd().as_deref(), Some("one"));
    }
}
