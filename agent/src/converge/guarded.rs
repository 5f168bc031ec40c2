//! A stage that could cut the machine off: it stays only when contact is proven after it.

use super::{Intent, Pass, tidy};
use crate::guard::{BootTime, Contact, Contacts, Gap, Situation, Terms, Verdict, judge, may_begin, prove};
use crate::journal::{Guard, Journal, JournalError};
use aws_lc_rs::digest::{SHA256, digest};
use knarr_node::host::look;
use knarr_node::name::{Digest, Oid};
use knarr_node::plan::{guarded, scope, undo, undo_owned, undo_want};
use knarr_node::report::{Gate, Outcome, Quarantine, Trouble};
use knarr_node::{Act, Have, Id, Item, Seen, Stage};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long is waited for what was lost to come back after a stage was taken back.
const AGAIN: Duration = Duration::from_secs(20);

/// So long all questions may take together; who gets less time and does not answer may answer all the same.
const ROUND: Duration = Duration::from_secs(10);

/// What a pass wants, and what was there when it began.
#[derive(Clone, Copy)]
pub(super) struct Course<'a> {
    pub(super) want: &'a [Item],
    pub(super) have: &'a Have,
}

/// A guarded stage that may begin.
struct Admitted {
    terms: Terms,
    before: Contacts,
    digest: Digest,
    situation: Situation,
}

/// A stage of which a crash left open whether it cut the machine off, and that is taken back.
#[derive(Debug)]
pub struct TakenBack {
    /// The commit that wanted it.
    pub commit: Oid,
    /// What could not be taken back, and why. If there is any, the stage is still to be settled.
    pub troubles: BTreeMap<Id, String>,
}

/// Takes back the guarded stage that was neither proven nor taken back, if there is one. Needs nothing but the disk:
/// no network, clock or other program's help beyond what the items themselves need.
///
/// # Errors
/// Those of the journal. What could not be taken back is tried again at the next call.
pub fn settle_armed(host: &mut dyn Act, journal: &mut Journal) -> Result<Option<TakenBack>, JournalError> {
    let Some(commit) = journal.armed().and(journal.unfinished()).map(|pass| pass.commit.clone()) else {
        return Ok(None);
    };
    let troubles = take_back(host, journal);
    if troubles.is_empty() {
        journal.taken_back()?;
    }
    Ok(Some(TakenBack { commit, troubles }))
}

/// Brings back what was there before the stage. It needs no records of its own: doing it again does no harm, and until
/// the journal says that it is done, it is done again.
fn take_back(host: &mut dyn Act, journal: &Journal) -> BTreeMap<Id, String> {
    let changes = journal.unproven();
    for change in &changes {
        tidy(host, change.id());
    }
    let (want, owned) = (undo_want(&changes), undo_owned(&changes));
    let plan = undo(&changes, &look(scope(&want, &owned), host));
    let mut troubles: BTreeMap<Id, String> =
        plan.skipped.iter().map(|(id, why)| (id.clone(), why.to_string())).collect();
    for change in plan.changes() {
        if let Err(error) = host.act(change) {
            tidy(host, change.id());
            troubles.insert(change.id().clone(), error.why);
        }
    }
    troubles
}

impl Pass<'_> {
    /// Does the stage and keeps it when contact is proven, else takes it back. No later one is begun after that.
    pub(super) fn guarded(&mut self, course: Course<'_>, stage: &Stage) -> Result<(), JournalError> {
        let done = self.done.changes.len();
        let ids: Vec<Id> = stage.changes.iter().map(|change| change.id().clone()).collect();
        let outcome = match self.admit(course, stage) {
            Ok(admitted) => self.judged(&admitted, stage)?,
            Err(outcome) => Some(outcome),
        };
        if outcome.is_some() {
            self.done.changes.truncate(done);
            for id in ids {
                self.done.troubles.entry(id).or_insert(Trouble::Held);
            }
            self.done.network = outcome;
        }
        Ok(())
    }

    /// Finds out by whom the stage can be judged, or why it must not begin.
    fn admit(&mut self, course: Course<'_>, stage: &Stage) -> Result<Admitted, Outcome> {
        if let Some(outcome) = &self.done.network {
            return Err(outcome.clone());
        }
        let (digest, situation) = (course.digest(), self.outside.situation());
        let known = self.journal.quarantined().iter().find(|old| old.digest == digest);
        match (known, &situation.held) {
            _ if self.undoes => {}
            (Some(lost), _) => return Err(Outcome::Lost(lost.clone())),
            (None, Some(node)) => return Err(Outcome::Waiting(vec![Gate::Held(node.clone())])),
            (None, None) => {}
        }
        if stage.changes.iter().any(|change| self.waits(change)) {
            return Err(Outcome::Waiting(std::mem::take(&mut self.done.waits)));
        }
        let terms =
            Terms::of(&stage.changes, course.want, course.have, &situation, self.journal.proven_ssh());
        let before = self.outside.before(&terms);
        match may_begin(&terms, &before) {
            // Who types `knarrd undo` is there.
            Err(gate) if !self.undoes => Err(Outcome::Waiting(vec![gate])),
            Ok(()) | Err(_) => Ok(Admitted { terms, before, digest, situation }),
        }
    }

    /// Returns why the stage was taken back, if it was.
    fn judged(&mut self, admitted: &Admitted, stage: &Stage) -> Result<Option<Outcome>, JournalError> {
        let deadline = self.outside.clock() + admitted.situation.patience;
        if let Err(why) = self.outside.arm(deadline) {
            return Ok(Some(Outcome::Retry { why: format!("the guard does not start: {why}") }));
        }
        let (before, digest) = (admitted.before.clone(), admitted.digest.clone());
        let guard = Guard { deadline, before, digest };
        self.journal.begin(&self.cause, stage.name, self.undoes, Some(guard))?;
        let outcome = match self.do_all(stage)? {
            Err(why) => Some(self.back(Outcome::Retry { why })?),
            Ok(()) => self.wait_and_judge(admitted, stage, deadline)?,
        };
        self.outside.disarm();
        Ok(outcome)
    }

    fn wait_and_judge(
        &mut self,
        admitted: &Admitted,
        stage: &Stage,
        deadline: BootTime,
    ) -> Result<Option<Outcome>, JournalError> {
        self.outside.renew(&stage.changes);
        match self.wait_for_proof(admitted, deadline) {
            Ok(contact) => {
                self.journal.proved(contact, admitted.situation.ssh.clone())?;
                Ok(None)
            }
            Err(gaps) => self.lose(admitted, &gaps).map(Some),
        }
    }

    /// Does the changes up to the first that fails, and says why that failed. The journal knows all of them before
    /// the first is made: after a crash a unit that nobody has restarted yet may have read the new files at a boot.
    fn do_all(&mut self, stage: &Stage) -> Result<Result<(), String>, JournalError> {
        let mut open = Vec::new();
        for change in &stage.changes {
            match self.intend(change.clone())? {
                Intent::Needless => {}
                Intent::Failed => return Ok(Err(self.why_failed(change.id()))),
                Intent::To(n, change) => open.push((n, *change)),
            }
        }
        for (n, change) in open {
            let id = change.id().clone();
            if !self.make(n, change)? {
                return Ok(Err(self.why_failed(&id)));
            }
        }
        Ok(Ok(()))
    }

    fn why_failed(&self, id: &Id) -> String {
        match self.done.troubles.get(id) {
            Some(Trouble::Failed(why)) => format!("{id} failed: {why}"),
            Some(_) | None => format!("{id} failed"),
        }
    }

    fn wait_for_proof(&mut self, admitted: &Admitted, deadline: BootTime) -> Result<Contact, BTreeSet<Gap>> {
        let Admitted { terms, before, .. } = admitted;
        let mut missing: Option<BTreeSet<Gap>> = None;
        loop {
            let whole = deadline.since(self.outside.clock()) >= ROUND;
            let now = self.outside.after(terms, before, deadline);
            match prove(terms, before, &now) {
                proven @ Ok(_) => return proven,
                // Who is not waited for until the end may only be slow.
                Err(gaps) if whole || missing.is_none() => missing = Some(gaps),
                Err(_) => {}
            }
            if self.outside.clock() >= deadline {
                return Err(missing.unwrap_or_default());
            }
            self.outside.pause();
        }
    }

    /// Takes the stage back, then looks again: what answers now was lost by the stage.
    fn lose(&mut self, admitted: &Admitted, gaps: &BTreeSet<Gap>) -> Result<Outcome, JournalError> {
        let unclear = |why: String| Outcome::Retry { why: format!("the network was taken back: {why}") };
        let back = self.back(unclear(describe(gaps)))?;
        if self.journal.armed().is_some() {
            return Ok(back);
        }
        let lost = match self.look_who_is_back(admitted, gaps) {
            Verdict::Unclear(why) => return Ok(unclear(why)),
            Verdict::Lost(why) => why,
        };
        let (digest, commit) = (admitted.digest.clone(), self.cause.commit.clone());
        let quarantine = Quarantine { digest, commit, why: lost };
        if !self.undoes {
            self.journal.quarantine(quarantine.clone())?;
            self.outside.warn(&self.cause.commit);
        }
        Ok(Outcome::Lost(quarantine))
    }

    /// Takes the stage back, and returns the outcome: `then`, or what could not be taken back.
    fn back(&mut self, then: Outcome) -> Result<Outcome, JournalError> {
        let settled = settle_armed(self.host, self.journal)?;
        let mut troubles = settled.into_iter().flat_map(|settled| settled.troubles);
        Ok(match troubles.next() {
            Some((id, why)) => Outcome::Retry { why: format!("{id} cannot be taken back: {why}") },
            None => then,
        })
    }

    fn look_who_is_back(&mut self, admitted: &Admitted, gaps: &BTreeSet<Gap>) -> Verdict {
        let Admitted { terms, before, .. } = admitted;
        self.outside.renew(&[]);
        let until = self.outside.clock() + AGAIN;
        loop {
            let again = self.outside.after(terms, before, until);
            match judge(terms, gaps, &again) {
                lost @ Verdict::Lost(_) => return lost,
                unclear @ Verdict::Unclear(_) if self.outside.clock() >= until => return unclear,
                Verdict::Unclear(_) => self.outside.pause(),
            }
        }
    }
}

impl Course<'_> {
    /// Returns what tells this attempt at the network from others. No byte of a secret is in it, only names.
    fn digest(&self) -> Digest {
        let ids = guarded(self.want, self.have);
        let wanted: Vec<&Item> = self.want.iter().filter(|item| ids.contains(&item.id())).collect();
        let all: BTreeSet<Id> = self.want.iter().map(Item::id).collect();
        let there = self.have.iter().filter(|(_, seen)| matches!(seen, Seen::Is(_))).map(|(id, _)| id);
        let gone: BTreeSet<&Id> = there.filter(|id| ids.contains(id) && !all.contains(id)).collect();
        let text = serde_json::to_vec(&(wanted, gone)).expect("items and ids are plain data");
        Digest::of_sha256(digest(&SHA256, &text).as_ref())
    }
}

fn describe(gaps: &BTreeSet<Gap>) -> String {
    gaps.iter().map(Gap::to_string).collect::<Vec<_>>().join("; ")
}
