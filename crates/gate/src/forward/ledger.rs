//! The forwards of one session in memory, and the task that writes them down.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gatehouse_model::{ForwardCapture, ForwardKind, Timestamp};
use gatehouse_store::{ByteCount, ForwardContext, ForwardId, ForwardLine, ForwardNote, StoreError};
use gatehouse_telemetry::{FORWARD_CONNECTIONS, FORWARDS_REFUSED};
use jiff::SignedDuration;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::{ForwardAsk, ForwardError};
use crate::Gate;
use crate::doing::Counters;
use crate::live::{Core, RETRY};
use crate::meters::ByteMeters;

/// Notes of one session that may wait for the database.
const NOTES: usize = 1_024;
/// Notes written in one transaction.
const BATCH: usize = 64;
/// How long a forward waits for a place among the notes.
const PATIENCE: Duration = Duration::from_secs(5);
/// For how long equal refusals are counted together.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// Different refusals of one session that are counted apart; beyond, each is an event of its own.
const REFUSALS: usize = 256;

/// A forward of the session, in use or used before. Its row is one, however often it is used.
pub(crate) struct Row {
    number: u32,
    id: OnceLock<ForwardId>,
    pub(super) counters: Counters,
    pub(super) meters: ByteMeters,
    kind: ForwardKind,
    /// What holds it open.
    holders: AtomicU32,
    /// Whether the book of forwards was told in which file what it carries is kept.
    captured: AtomicBool,
}

impl Row {
    /// Its number within the session, from 0.
    pub(super) fn number(&self) -> u32 {
        self.number
    }
}

/// The forwards of one session.
#[derive(Default)]
pub(crate) struct Ledger {
    rows: Mutex<HashMap<ForwardLine, Arc<Row>>>,
    writer: Mutex<Option<Writer>>,
    refusals: Mutex<HashMap<(ForwardLine, String), Refusal>>,
}

struct Writer {
    notes: mpsc::Sender<ForwardNote>,
    task: tokio::task::JoinHandle<()>,
}

/// Equal refusals that are counted together.
struct Refusal {
    told: Timestamp,
    count: u32,
}

impl Ledger {
    /// The row of a forward that begins, or is in use once more.
    pub(super) async fn open(&self, core: &Arc<Core>, ask: &ForwardAsk) -> Result<Arc<Row>, ForwardError> {
        let notes = self.room(core, 1).await?;
        Ok(self.hold(core, ask.line(), notes))
    }

    /// The same for a connection, which is an event. The row of one that is captured names the file.
    pub(super) async fn connect(
        &self,
        core: &Arc<Core>,
        ask: &ForwardAsk,
        origin: &str,
        capture: ForwardCapture,
    ) -> Result<Arc<Row>, ForwardError> {
        let mut notes = self.room(core, 3).await?;
        let line = ask.line();
        let connected = ForwardNote::Connected {
            line: line.clone(),
            origin: origin.to_owned(),
            at: core.gate().clock().now(),
        };
        FORWARD_CONNECTIONS.count(&[line.kind.as_str()]);
        let last = notes.pop();
        let named = notes.pop();
        let row = self.hold(core, line, notes);
        if capture == ForwardCapture::On
            && !row.captured.swap(true, Ordering::AcqRel)
            && let Some(place) = named
        {
            place.send(ForwardNote::Captured {
                row: row.number,
                file: super::capture::spec(ask, row.number).file().to_string(),
            });
        }
        if let Some(place) = last {
            place.send(connected);
        }
        Ok(row)
    }

    /// Places for notes, taken before anything is promised.
    async fn room(
        &self,
        core: &Arc<Core>,
        count: usize,
    ) -> Result<Vec<mpsc::OwnedPermit<ForwardNote>>, ForwardError> {
        let sender = self.sender(core).ok_or(ForwardError::Over)?;
        let taken = async {
            let mut places = Vec::with_capacity(count);
            for _ in 0..count {
                places.push(
                    sender
                        .clone()
                        .reserve_owned()
                        .await
                        .map_err(|_| ForwardError::Over)?,
                );
            }
            Ok(places)
        };
        tokio::time::timeout(PATIENCE, taken)
            .await
            .unwrap_or(Err(ForwardError::NotWritten))
    }

    fn hold(
        &self,
        core: &Core,
        line: ForwardLine,
        mut places: Vec<mpsc::OwnedPermit<ForwardNote>>,
    ) -> Arc<Row> {
        core.doing.forwarding(&line);
        let mut rows = self.rows.lock();
        let number = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let mut fresh = false;
        let row = rows.entry(line.clone()).or_insert_with(|| {
            fresh = true;
            Arc::new(Row {
                number,
                id: OnceLock::new(),
                counters: Counters::default(),
                meters: ByteMeters::of_forward(line.kind),
                kind: line.kind,
                holders: AtomicU32::new(0),
                captured: AtomicBool::new(false),
            })
        });
        let unused = row.holders.fetch_add(1, Ordering::AcqRel) == 0;
        // Under the lock, so that notes of one forward keep their order.
        if unused && let Some(place) = places.pop() {
            place.send(if fresh {
                ForwardNote::Opened {
                    row: row.number,
                    line,
                    at: core.gate().clock().now(),
                }
            } else {
                ForwardNote::Reopened { row: row.number }
            });
        }
        Arc::clone(row)
    }

    /// One holder less; the last one ends the forward.
    pub(super) fn release(&self, core: &Core, row: &Row) {
        let _order = self.rows.lock();
        if row.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.note(ForwardNote::Ended {
                row: row.number,
                bytes: row.counters.bytes(),
                at: core.gate().clock().now(),
            });
        }
    }

    /// Tells the book of a refusal, or counts it.
    pub(super) fn deny(&self, core: &Arc<Core>, ask: &ForwardAsk, sentence: &str) {
        let (now, line) = (core.gate().clock().now(), ask.line());
        FORWARDS_REFUSED.count(&[line.kind.as_str()]);
        tracing::info!(
            session = %core.id,
            kind = line.kind.as_str(),
            destination = %line.destination,
            listen = %line.listen,
            "forward refused"
        );
        let mut refusals = self.refusals.lock();
        let key = (line, sentence.to_owned());
        if let Some(known) = refusals.get_mut(&key)
            && now.duration_since(known.told) < WINDOW
        {
            known.count += 1;
            return;
        }
        let before = refusals.remove(&key).map_or(0, |refusal| refusal.count);
        if refusals.len() < REFUSALS {
            refusals.insert(key.clone(), Refusal { told: now, count: 0 });
        }
        drop(refusals);
        if self.sender(core).is_some() {
            self.note(denied(key, before + 1, now));
        }
    }

    /// Tells the book that a forward was closed for want of permission.
    pub(super) fn revoke(&self, core: &Arc<Core>, ask: &ForwardAsk, sentence: &str) {
        if self.sender(core).is_some() {
            self.note(ForwardNote::Revoked {
                line: ask.line(),
                sentence: sentence.to_owned(),
                at: core.gate().clock().now(),
            });
        }
    }

    /// Hands a note over without waiting; if there is no room, a task of its own waits for it.
    fn note(&self, note: ForwardNote) {
        let writer = self.writer.lock();
        let Some(writer) = writer.as_ref() else { return };
        if let Err(mpsc::error::TrySendError::Full(note)) = writer.notes.try_send(note) {
            let notes = writer.notes.clone();
            tokio::spawn(async move { notes.send(note).await });
        }
    }

    /// The way to the writer, which starts with the first forward; none once the session is finished.
    fn sender(&self, core: &Arc<Core>) -> Option<mpsc::Sender<ForwardNote>> {
        if core.finished.load(Ordering::Acquire) {
            return None;
        }
        let mut writer = self.writer.lock();
        let writer = writer.get_or_insert_with(|| {
            let (notes, received) = mpsc::channel(NOTES);
            // Weak: the core holds the sender, and the writer ends when that is gone.
            let task = core.spawn(write(
                core.gate().clone(),
                Arc::downgrade(core),
                context(core),
                received,
            ));
            Writer { notes, task }
        });
        Some(writer.notes.clone())
    }

    /// Writes what is left. The session has stopped relaying; what holds a forward now is given up.
    pub(crate) async fn finish(&self, now: Timestamp) {
        for row in self.rows.lock().values() {
            if row.holders.load(Ordering::Acquire) > 0 {
                self.note(ForwardNote::Ended {
                    row: row.number,
                    bytes: row.counters.bytes(),
                    at: now,
                });
            }
        }
        for (key, refusal) in std::mem::take(&mut *self.refusals.lock()) {
            if refusal.count > 0 {
                self.note(denied(key, refusal.count, now));
            }
        }
        let writer = self.writer.lock().take();
        if let Some(Writer { notes, task }) = writer {
            drop(notes);
            if let Err(error) = task.await {
                tracing::error!(%error, "the forwards of a session could not be written");
            }
        }
    }

    /// The counters of forwards whose rows are there.
    fn counts(&self) -> Vec<(ForwardId, ByteCount)> {
        let rows = self.rows.lock();
        let used = rows
            .values()
            .filter(|row| row.holders.load(Ordering::Acquire) > 0);
        used.filter_map(|row| Some((*row.id.get()?, row.counters.bytes())))
            .collect()
    }

    /// The kinds of those that are in use.
    pub(crate) fn in_use(&self) -> Vec<ForwardKind> {
        let rows = self.rows.lock();
        let used = rows
            .values()
            .filter(|row| row.holders.load(Ordering::Acquire) > 0);
        used.map(|row| row.kind).collect()
    }

    fn written(&self, ids: &HashMap<u32, ForwardId>) {
        for row in self.rows.lock().values() {
            if let Some(id) = ids.get(&row.number) {
                let _known = row.id.set(*id);
            }
        }
    }
}

fn denied((line, sentence): (ForwardLine, String), count: u32, at: Timestamp) -> ForwardNote {
    ForwardNote::Denied {
        line,
        sentence,
        count,
        at,
    }
}

fn context(core: &Core) -> ForwardContext {
    ForwardContext {
        session: core.id,
        actor: core.actor(),
        user: core.decided.user.to_string(),
        server: core.decided.server.to_string(),
    }
}

/// Writes notes until their last sender is gone, however long the database takes.
async fn write(
    gate: Gate,
    core: std::sync::Weak<Core>,
    context: ForwardContext,
    mut notes: mpsc::Receiver<ForwardNote>,
) {
    let mut ids = HashMap::new();
    let mut batch = Vec::with_capacity(BATCH);
    while notes.recv_many(&mut batch, BATCH).await > 0 {
        while let Err(error) = gate.store().note_forwards(&context, &mut ids, &batch).await {
            let lost = gate.is_stopped() || !matches!(error, StoreError::Database(_));
            tracing::warn!(
                session = %context.session,
                error = &error as &dyn std::error::Error,
                lost,
                "forwards could not be written to the database"
            );
            if lost {
                break;
            }
            tokio::time::sleep(RETRY).await;
        }
        batch.clear();
        if let Some(core) = core.upgrade() {
            core.ledger.written(&ids);
        }
    }
}

/// Writes the counters of every running forward.
pub(crate) async fn write_counts(gate: &Gate) -> Result<(), StoreError> {
    let counts: Vec<_> = gate
        .registry()
        .all()
        .iter()
        .flat_map(|entry| entry.core.ledger.counts())
        .collect();
    gate.store().count_forward_bytes(&counts).await
}
