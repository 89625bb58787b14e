//! Denials: the first of equal ones is written at once, the others of its minute are counted and written as one; and
//! while the database is gone, all wait in a file.
//!
//! The file `denials.jsonl` holds one event a line. To append them to the book it is renamed (`.writing`), read,
//! appended in one transaction and removed; after a crash in between, the renamed file is taken up first. A crash
//! between commit and removal writes its lines twice; none is lost.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatehouse_audit::{Action, Actor, Draft, Outcome};
use gatehouse_model::{Protocol, SourceAddr, Timestamp, format_time};
use jiff::SignedDuration;

use crate::change::Scope;
use crate::key::file_error;
use crate::{Store, StoreError};

/// For how long equal denials are counted together.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// Different denials that are counted apart; beyond, those of one reason are counted together.
const COUNTED_MAX: usize = 10_000;
/// How long the database may take to write a denial before the file is used.
const PATIENCE: Duration = Duration::from_secs(5);
/// For how long the file is used after that without trying again.
const DOWN: SignedDuration = SignedDuration::from_secs(5);
/// Largest file; what comes after is only logged.
const SPOOL_MAX: u64 = 64 * 1_024 * 1_024;

/// A connection that was refused.
#[derive(Clone, Debug)]
pub struct Denied {
    /// When.
    pub at: Timestamp,
    /// Where it came from.
    pub source: SourceAddr,
    /// Where it arrived: the destination address, or the server that was named.
    pub destination: String,
    /// The protocol.
    pub protocol: Protocol,
    /// The reason's word.
    pub reason: String,
    /// The person's name, if known.
    pub user: Option<String>,
    /// The server's name, if known.
    pub server: Option<String>,
    /// The login at the server, if it was given.
    pub login: Option<String>,
    /// The sentence that was shown.
    pub sentence: String,
}

/// What became of the report of a denial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DenialFate {
    /// It stands in the book.
    Written,
    /// An equal one stood there less than a minute ago; it is counted.
    Counted,
    /// The database is gone; it waits in `denials.jsonl`.
    Spooled,
}

impl Store {
    /// Reports a denial to the book. It does not wait long for a database that is gone.
    ///
    /// # Errors
    /// Neither the database nor the file can be written.
    pub async fn deny(&self, denied: Denied) -> Result<DenialFate, StoreError> {
        let at = denied.at;
        match self.denials().count(denied) {
            None => Ok(DenialFate::Counted),
            Some(drafts) => self.append_or_spool(at, drafts).await,
        }
    }

    /// Writes the counts whose minute is over, and what waits in the file. A node calls it every few seconds.
    ///
    /// # Errors
    /// Neither the database nor the file can be written, or the file not be read.
    pub async fn flush_denials(&self, now: Timestamp) -> Result<(), StoreError> {
        let due = self
            .denials()
            // Either way: a clock that was set back must not keep a count for an hour.
            .take(|count| now.duration_since(count.first).abs() >= WINDOW);
        self.flush(now, due).await
    }

    /// Writes every count and what waits in the file, at shutdown.
    ///
    /// # Errors
    /// As [`Store::flush_denials`].
    pub async fn flush_all_denials(&self, now: Timestamp) -> Result<(), StoreError> {
        let all = self.denials().take(|_| true);
        self.flush(now, all).await
    }

    async fn flush(&self, now: Timestamp, drafts: Vec<Draft>) -> Result<(), StoreError> {
        if !drafts.is_empty() {
            self.append_or_spool(now, drafts).await?;
        }
        if self.denials().is_down(now) {
            return Ok(());
        }
        let _file = self.denials().file.lock().await;
        while let Some((path, drafts)) = self.denials().spooled()? {
            if let Err(error) = self.append_in_time(drafts).await {
                self.denials().went_down(now, &error);
                return Ok(());
            }
            fs::remove_file(&path).map_err(|error| file_error(&path, "removed", error))?;
        }
        Ok(())
    }

    async fn append_or_spool(&self, now: Timestamp, drafts: Vec<Draft>) -> Result<DenialFate, StoreError> {
        let ledger = self.denials();
        if !ledger.is_down(now) {
            match self.append_in_time(drafts.clone()).await {
                Ok(()) => return Ok(DenialFate::Written),
                Err(error) => ledger.went_down(now, &error),
            }
        }
        let _file = ledger.file.lock().await;
        ledger.spool(&drafts)?;
        Ok(DenialFate::Spooled)
    }

    async fn append_in_time(&self, drafts: Vec<Draft>) -> Result<(), StoreError> {
        let append = async {
            let mut change = self.change(Scope::Record).await?;
            for draft in drafts {
                change.record(draft);
            }
            change.commit().await.map(|_| ())
        };
        tokio::time::timeout(PATIENCE, append).await.unwrap_or_else(|_| {
            let text = format!("no answer within {} seconds", PATIENCE.as_secs());
            Err(crate::DatabaseError::Unreachable(text).into())
        })
    }
}

/// What makes denials equal. Without source and destination: too many different ones of this reason.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    place: Option<(SourceAddr, String)>,
    reason: String,
}

struct Count {
    first: Timestamp,
    last: Timestamp,
    /// Those after the first.
    more: u64,
    denied: Denied,
    place: Option<(SourceAddr, String)>,
}

/// The counts of this process, and the file.
pub(crate) struct DenialLedger {
    path: PathBuf,
    counts: Mutex<HashMap<Key, Count>>,
    down_until: Mutex<Option<Timestamp>>,
    /// Held while the file is written or emptied.
    file: tokio::sync::Mutex<()>,
}

impl DenialLedger {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join("denials.jsonl"),
            counts: Mutex::default(),
            down_until: Mutex::default(),
            file: tokio::sync::Mutex::default(),
        }
    }

    /// Counts a denial. Answers what is to be written now, if it is not one of a minute that is counted.
    fn count(&self, denied: Denied) -> Option<Vec<Draft>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let place = Some((denied.source, denied.destination.clone()));
        let mut key = Key {
            place,
            reason: denied.reason.clone(),
        };
        if counts.len() >= COUNTED_MAX && !counts.contains_key(&key) {
            key.place = None;
        }
        if let Some(count) = counts.get_mut(&key)
            && denied.at.duration_since(count.first).abs() < WINDOW
        {
            count.more += 1;
            count.last = count.last.max(denied.at);
            return None;
        }
        let first = event(&denied, denied.at).detail("count", 1);
        let count = Count {
            first: denied.at,
            last: denied.at,
            more: 0,
            place: key.place.clone(),
            denied,
        };
        let before = counts.insert(key, count).and_then(|before| before.summary());
        Some(before.into_iter().chain([first]).collect())
    }

    /// Takes counts out, as the events that sum them up.
    fn take(&self, which: impl Fn(&Count) -> bool) -> Vec<Draft> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .extract_if(|_, count| which(count))
            .filter_map(|(_, count)| count.summary())
            .collect()
    }

    fn is_down(&self, now: Timestamp) -> bool {
        let down = self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        // Not if the clock was set back since.
        down.is_some_and(|until| now < until && until.duration_since(now) <= DOWN)
    }

    fn went_down(&self, now: Timestamp, error: &StoreError) {
        tracing::warn!(%error, "denials cannot be written to the audit book; they wait in denials.jsonl");
        let mut down = self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        *down = now.checked_add(DOWN).ok();
    }

    fn spool(&self, drafts: &[Draft]) -> Result<(), StoreError> {
        let failed = |error| file_error(&self.path, "written", error);
        if fs::metadata(&self.path).is_ok_and(|found| found.len() > SPOOL_MAX) {
            tracing::error!(
                lost = drafts.len(),
                "denials.jsonl is full; denials are lost to the audit book"
            );
            return Ok(());
        }
        let mut lines = Vec::new();
        for draft in drafts {
            serde_json::to_writer(&mut lines, draft).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(failed)?;
        file.write_all(&lines)
            .and_then(|()| file.sync_data())
            .map_err(failed)
    }

    /// The file that is to be emptied next, with its events.
    fn spooled(&self) -> Result<Option<(PathBuf, Vec<Draft>)>, StoreError> {
        let taken = self.path.with_extension("jsonl.writing");
        if !taken.exists() {
            match fs::rename(&self.path, &taken) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(file_error(&self.path, "renamed", error)),
            }
        }
        let text = fs::read(&taken).map_err(|error| file_error(&taken, "read", error))?;
        let mut drafts = Vec::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(draft) => drafts.push(draft),
                // A line torn by a crash.
                Err(error) => {
                    tracing::warn!(%error, "a line of denials.jsonl is not an event and is left out")
                }
            }
        }
        Ok(Some((taken, drafts)))
    }
}

impl Count {
    fn summary(self) -> Option<Draft> {
        if self.more == 0 {
            return None;
        }
        let event = match self.place {
            Some(_) => event(&self.denied, self.last),
            None => Draft::new(Action::SessionDenied, &Actor::system(), self.last)
                .outcome(Outcome::Denied)
                .reason(&self.denied.reason)
                .detail("sources", "many"),
        };
        Some(
            event
                .detail("count", self.more)
                .detail("repeated_since", format_time(self.first))
                .detail("repeated_until", format_time(self.last)),
        )
    }
}

fn event(denied: &Denied, at: Timestamp) -> Draft {
    let actor = denied.user.as_deref().and_then(|user| user.parse().ok());
    let actor = actor.map_or_else(Actor::system, |name| Actor::user(&name, Some(denied.source)));
    let mut event = Draft::new(Action::SessionDenied, &actor, at)
        .source(denied.source)
        .outcome(Outcome::Denied)
        .reason(&denied.reason)
        .detail("destination", denied.destination.as_str())
        .detail("protocol", denied.protocol.as_str())
        .detail("login", denied.login.as_deref())
        .detail("sentence", denied.sentence.as_str());
    if let Some(user) = &denied.user {
        event = event.user(user);
    }
    if let Some(server) = &denied.server {
        event = event.server(server);
    }
    event
}
