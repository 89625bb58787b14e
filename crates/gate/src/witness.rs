//! The node as a witness of the audit book: it checks the book before it seals its head, and raises the alarm when
//! the book is not what was written.
//!
//! - **Every minute**, and when the node stops: the line that was last when it looked before must still be there with
//!   its hash, every line since must follow from it, and `audit.head` must not be forged. Only then is the new head sealed and logged. At the start the
//!   line of the sealed head (`audit.head`) is the one to begin from; without one, the first.
//! - **Once a day** ([`GateSettings::check_book`](crate::GateSettings)), for the first time within an hour of the
//!   start: the whole book, gently.
//!
//! When a check fails, `audit.broken` is written, which is an alert, and the head is not sealed any more, so that
//! `audit.head` goes on to prove it. The minute's check rests until `audit.head` is another (an administrator has
//! looked into it: `gatehouse audit verify` seals a sound book anew, and a removed file begins anew) or a check of the
//! whole book finds it sound.

use std::time::Duration;

use gatehouse_audit::{Action, Actor, Draft, Fault, Head, Outcome};
use gatehouse_store::{AuditPace, SealedHead, StoreError};

use gatehouse_telemetry::{AUDIT_CHECKED, AUDIT_INTACT};

use crate::Gate;
use crate::housekeeping::ticker;

/// New lines are checked, and the head is sealed, this often.
const HEAD: Duration = Duration::from_secs(60);
/// The first check of the whole book comes at the latest this long after the start.
const FIRST_WHOLE: Duration = Duration::from_secs(3_600);

/// What the node knows of the book.
#[derive(Default)]
pub(crate) struct Witness {
    /// The last line that was found right; `None`: nothing was looked at yet.
    known: Option<Head>,
    /// What `audit.head` said when a check failed.
    broken: Option<SealedHead>,
}

/// Why the book is not what was written.
enum Break {
    Fault(Fault),
    /// `audit.head` is no seal of this store.
    Forged,
}

impl Break {
    fn kind(&self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.kind(),
            Self::Forged => "forged_head",
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Fault(fault) => fault.to_string(),
            Self::Forged => {
                "audit.head was not sealed with this store's key: it was forged or exchanged".to_owned()
            }
        }
    }
}

/// Checks and seals until the gate stops.
pub(crate) async fn run(gate: Gate) {
    let every = gate.settings().check_book.max(Duration::from_secs(1));
    let mut minute = ticker(HEAD);
    let first = tokio::time::Instant::now() + every.min(FIRST_WHOLE);
    let mut whole = tokio::time::interval_at(first, every);
    whole.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let outcome = tokio::select! {
            () = gate.stopped() => return,
            _ = minute.tick() => within(&gate, seal(&gate)).await,
            _ = whole.tick() => within(&gate, check_whole(&gate)).await,
        };
        match outcome {
            Ok(()) => {}
            // Housekeeping tells of the database.
            Err(error @ StoreError::Database(_)) => {
                tracing::debug!(%error, "the audit book could not be checked");
            }
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "the audit book could not be checked and its head not be sealed"
            ),
        }
    }
}

/// A check of a long book does not hold up the node's end.
async fn within(gate: &Gate, check: impl Future<Output = Result<(), StoreError>>) -> Result<(), StoreError> {
    tokio::select! {
        outcome = check => outcome,
        () = gate.stopped() => Ok(()),
    }
}

/// Checks the lines since the last one known, then seals the head.
pub(crate) async fn seal(gate: &Gate) -> Result<(), StoreError> {
    let mut witness = gate.witness().lock().await;
    let sealed = gate.store().sealed_audit_head()?;
    if witness.broken.as_ref() == Some(&sealed) {
        return Ok(());
    }
    let looked_into = witness.broken.take().is_some();
    let known = match (sealed, witness.known) {
        (SealedHead::Forged, _) => Err(Break::Forged),
        (_, Some(known)) if !looked_into => Ok(known),
        (SealedHead::Kept(head, _), _) => Ok(head),
        (SealedHead::None, _) => Ok(Head::EMPTY),
    };
    let verdict = match known {
        Err(forged) => return witness.raise(gate, &forged, "new lines").await,
        Ok(known) => gate.store().verify_audit_after(known).await?,
    };
    if let Some(fault) = verdict.fault {
        return witness.raise(gate, &Break::Fault(fault), "new lines").await;
    }
    note_check(gate, 1);
    gate.store().seal_audit_head(gate.clock().now(), verdict.head)?;
    witness.known = Some(verdict.head);
    tracing::info!(head = %verdict.head, "audit head");
    Ok(())
}

/// Checks the whole book.
pub(crate) async fn check_whole(gate: &Gate) -> Result<(), StoreError> {
    let known = gate.witness().lock().await.known;
    // Without the lock: the book may be long, and heads are sealed meanwhile.
    let report = gate.store().verify_audit(known, AuditPace::Gentle).await?;
    let mut witness = gate.witness().lock().await;
    let found = match (report.fault, report.sealed) {
        (Some(fault), _) => Some(Break::Fault(fault)),
        (None, SealedHead::Forged) => Some(Break::Forged),
        (None, _) => None,
    };
    match found {
        Some(found) => witness.raise(gate, &found, "the whole book").await,
        None => {
            note_check(gate, 1);
            tracing::info!(lines = report.lines, head = %report.head, "the whole audit book is as it was written");
            if witness.broken.take().is_some() {
                witness.known = Some(report.head);
            }
            Ok(())
        }
    }
}

/// Tells those who watch the node of a check: whether the book is as it was written.
fn note_check(gate: &Gate, intact: u64) {
    AUDIT_INTACT.set(&[], intact);
    let now = u64::try_from(gate.clock().now().as_second()).unwrap_or(0);
    AUDIT_CHECKED.set(&[], now);
}

impl Witness {
    /// Writes the alarm, and keeps the head from being sealed.
    async fn raise(&mut self, gate: &Gate, found: &Break, checked: &str) -> Result<(), StoreError> {
        note_check(gate, 0);
        let sentence = found.sentence();
        tracing::error!(
            kind = found.kind(),
            checked,
            "the audit book is not what was written: {sentence}"
        );
        let mut draft = Draft::new(Action::AuditBroken, &Actor::node(gate.node()), gate.clock().now())
            .outcome(Outcome::Failed)
            .reason(&sentence)
            .detail("kind", found.kind())
            .detail("checked", checked);
        if let Break::Fault(fault) = found {
            draft = draft.detail("line", fault.seq());
        }
        gate.store().record(draft).await?;
        // Only now: an alarm that could not be written is raised again at the next check.
        self.broken = Some(gate.store().sealed_audit_head()?);
        Ok(())
    }
}
