//! tests/cases/valid: repositories as people have them, from the lone machine to a cluster of several providers.

use crate::repository::{Repository, all, cases, name};

#[test]
fn each_repository_is_fine_and_is_rendered_alike_twice() {
    let base = Repository::base();
    let cases = cases("valid");
    assert!(cases.len() >= 12, "there are {}", cases.len());
    all(&cases, |case| {
        let repository = base.with(case);
        repository.unrender();
        let said = repository.knarr("render");
        assert_eq!(said.code, 0, "{}: {}", name(case), said.text);
        let first = repository.files();
        let said = repository.knarr("check");
        assert!(said.code == 0 && said.text.starts_with(" ✓ "), "{}: {}", name(case), said.text);
        assert_eq!(repository.knarr("render").text.lines().last(), Some("rendered/ is up to date"));
        assert!(repository.files() == first, "{}: a second render wrote something", name(case));
        repository.unrender();
        repository.knarr("render");
        // An encrypted file is never the same twice, and its line in the list with it.
        let changing = |path: &std::path::Path| {
            path.extension().is_some_and(|end| end == "age") || path.ends_with("rendered/owned.yaml")
        };
        for ((old, bytes), (new, anew)) in first.iter().zip(repository.files()) {
            assert!(*old == new && (*bytes == anew || changing(old)), "{}: {}", name(case), old.display());
        }
    });
}
