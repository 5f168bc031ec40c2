use super::*;
use crate::guard::{BootTime, Contacts};
use knarr_node::Item;
use knarr_node::item::File;
use knarr_node::name::Digest;
use std::cell::RefCell;
use std::rc::Rc;

/// Bytes that two journals share, as a file does; appending fails on request.
#[derive(Clone, Default)]
struct Shared {
    bytes: Rc<RefCell<Option<Vec<u8>>>>,
    full: Rc<RefCell<bool>>,
}

impl Storage for Shared {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.bytes.borrow().clone())
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let full = *self.full.borrow();
        let fits = if full { bytes.len() / 2 } else { bytes.len() };
        self.bytes.borrow_mut().get_or_insert_default().extend(&bytes[..fits]);
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        *self.bytes.borrow_mut() = Some(bytes.to_vec());
        Ok(())
    }
}

fn cause(digit: &str) -> Cause {
    Cause { commit: digit.repeat(40).parse().unwrap(), at: 7 }
}
fn file(path: &str) -> Item {
    Item::File(File::text(path.parse().unwrap(), "x"))
}
fn make(path: &str) -> Change {
    Change::to(None, file(path))
}
fn open(storage: &Shared) -> Journal {
    Journal::open(Box::new(storage.clone())).unwrap()
}
fn pass(journal: &mut Journal, digit: &str, change: Change) {
    journal.begin(&cause(digit), StageName::Rest, false, None).unwrap();
    let n = journal.intend(change).unwrap();
    journal.done(n).unwrap();
    journal.end(Ending::Clean).unwrap();
}

#[test]
fn what_was_said_is_read_again() {
    let storage = Shared::default();
    pass(&mut open(&storage), "a", make("/a"));
    let journal = open(&storage);
    assert_eq!(journal.owned().ids(), [file("/a").id()]);
    assert_eq!(journal.last().unwrap().changes(), [make("/a")]);
    assert_eq!(journal.history().len(), 1);
}

#[test]
fn an_id_is_owned_from_its_intention_on_and_until_its_removal_is_done() {
    let storage = Shared::default();
    let mut journal = open(&storage);
    journal.begin(&cause("a"), StageName::Rest, false, None).unwrap();
    journal.intend(make("/a")).unwrap();
    let mut journal = open(&storage);
    assert_eq!(journal.owned().ids(), [file("/a").id()]);
    let n = journal.intend(Change::away(file("/a"))).unwrap();
    assert_eq!(journal.owned().ids(), [file("/a").id()]);
    journal.done(n).unwrap();
    assert!(open(&storage).owned().ids().is_empty());
}

#[test]
fn a_torn_tail_never_happened() {
    let storage = Shared::default();
    let mut journal = open(&storage);
    pass(&mut journal, "a", make("/a"));
    let whole = storage.bytes.borrow().clone().unwrap();
    journal.begin(&cause("b"), StageName::Rest, false, None).unwrap();
    let longer = storage.bytes.borrow().clone().unwrap();
    for length in whole.len()..longer.len() {
        *storage.bytes.borrow_mut() = Some(longer[..length].to_vec());
        let journal = open(&storage);
        assert!(journal.unfinished().is_none());
        assert_eq!(journal.last().unwrap().number, 0);
    }
}

#[test]
fn a_journal_that_begins_broken_is_damaged_and_not_empty() {
    let storage = Shared { bytes: Rc::new(RefCell::new(Some(b"no record".to_vec()))), ..Shared::default() };
    let error = Journal::open(Box::new(storage)).err().unwrap();
    assert!(matches!(error, JournalError::Damaged));
}

#[test]
fn nothing_follows_half_a_record() {
    let storage = Shared::default();
    let mut journal = open(&storage);
    *storage.full.borrow_mut() = true;
    assert!(matches!(journal.begin(&cause("a"), StageName::Rest, false, None), Err(JournalError::Write(_))));
    *storage.full.borrow_mut() = false;
    assert!(matches!(journal.begin(&cause("a"), StageName::Rest, false, None), Err(JournalError::Broken)));
    pass(&mut open(&storage), "a", make("/a"));
    assert_eq!(open(&storage).history().len(), 1);
}

#[test]
fn a_change_that_never_happened_leaves_no_ownership_and_no_pass_to_undo() {
    let storage = Shared::default();
    let mut journal = open(&storage);
    journal.begin(&cause("a"), StageName::Rest, false, None).unwrap();
    let n = journal.intend(make("/a")).unwrap();
    journal.void(n).unwrap();
    journal.end(Ending::Troubles(1)).unwrap();
    let journal = open(&storage);
    assert!(journal.owned().ids().is_empty());
    assert!(journal.last().is_none());
}

#[test]
fn undoing_gives_back_ownership_as_it_was() {
    let mut journal = open(&Shared::default());
    pass(&mut journal, "a", make("/a"));
    pass(&mut journal, "b", Change::away(file("/a")));
    journal.undone().unwrap();
    assert_eq!(journal.owned().ids(), [file("/a").id()]);
    assert!(journal.last().is_none());
}

#[test]
fn the_history_is_bounded_and_failing_again_is_one_line() {
    let mut journal = open(&Shared::default());
    for _ in 0..3 {
        journal.begin(&cause("a"), StageName::Rest, false, None).unwrap();
        journal.end(Ending::Troubles(1)).unwrap();
    }
    assert_eq!(journal.history().len(), 1);
    (0..250).for_each(|_| pass(&mut journal, "b", make("/a")));
    assert_eq!(journal.history().len(), 200);
}

#[test]
fn the_history_names_a_stage_that_was_taken_back_and_counts_none_of_its_changes() {
    let storage = Shared::default();
    let mut journal = open(&storage);
    let guard = Guard {
        deadline: BootTime::default(),
        before: Contacts::default(),
        digest: Digest::of_sha256(&[1; 32]),
    };
    journal.begin(&cause("a"), StageName::NetworkAdd, false, Some(guard)).unwrap();
    let n = journal.intend(make("/a")).unwrap();
    journal.done(n).unwrap();
    journal.taken_back().unwrap();
    journal.begin(&cause("a"), StageName::Rest, false, None).unwrap();
    let n = journal.intend(make("/b")).unwrap();
    journal.done(n).unwrap();
    journal.end(Ending::Clean).unwrap();
    let journal = open(&storage);
    let [line] = journal.history() else { panic!("{:?}", journal.history()) };
    assert_eq!((line.changes, &line.taken_back), (1, &[StageName::NetworkAdd].into()));
}
