//! The rounds of the indexer: which session is read next, and how its lines get into the store.

use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, Instant};

use gatehouse_model::{SessionId, SessionState};
use gatehouse_store::{
    IndexBatch, IndexLine, IndexProgress, LineKind, SessionToIndex, Store, StoreError, Transfer,
};

use crate::reading::{Placed, Reading, Unreadable, command};
use crate::{IndexerSettings, RUNNING_MAX};

/// Lines of one transaction.
const LINES: usize = 500;
/// Lines on screens that are kept of a session.
const SCREEN_LINES: usize = 500;
/// Pieces of a session that runs in one round; a flood is read on in the next.
const PIECES: usize = 256;
/// What a session's row says of a login shell, which is no command.
const SHELL: &str = "shell";

/// Reads recordings into the index until `stop` resolves.
pub async fn run(store: Store, settings: IndexerSettings, stop: impl Future<Output = ()>) {
    let look = settings.pace.look;
    let mut indexer = Indexer::new(store, settings);
    let work = async {
        loop {
            match indexer.round().await {
                Ok(0) => tokio::time::sleep(look).await,
                // There may be more than one round takes.
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the search index cannot be written; it is tried again");
                    tokio::time::sleep(look).await;
                }
            }
        }
    };
    // What is dropped in between is read again: lines and progress are one transaction.
    tokio::select! {
        () = work => {}
        () = stop => {}
    }
}

/// The indexer of a node.
pub struct Indexer {
    store: Store,
    settings: IndexerSettings,
    running: HashMap<SessionId, Followed>,
}

/// A session that runs.
struct Followed {
    reading: Reading,
    progress: IndexProgress,
    read_at: Instant,
    on_screen: Vec<IndexLine>,
}

/// What became of reading.
enum Read {
    /// Everything that there is was read.
    All(Box<Reading>, Lines),
    /// No more of it is kept.
    Enough,
    /// Reading it failed in a way that nobody foresaw.
    Lost,
}

impl Indexer {
    /// An indexer that has read nothing yet.
    pub fn new(store: Store, settings: IndexerSettings) -> Self {
        Self {
            store,
            settings,
            running: HashMap::new(),
        }
    }

    /// Reads on in each session that runs and is due, and reads those to their ends that are closed. Answers how many
    /// of these there were.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn round(&mut self) -> Result<usize, StoreError> {
        let sessions = self
            .store
            .sessions_to_index(self.settings.node, RUNNING_MAX)
            .await?;
        self.running
            .retain(|id, _| sessions.iter().any(|session| session.id == *id));
        let mut closed = 0;
        for session in sessions {
            match session.state {
                SessionState::Opening => {}
                SessionState::Active => self.follow(&session).await?,
                SessionState::Closed => {
                    closed += 1;
                    self.close(&session).await?;
                }
            }
        }
        Ok(closed)
    }

    async fn follow(&mut self, session: &SessionToIndex) -> Result<(), StoreError> {
        let (reading, progress, before) = match self.running.remove(&session.id) {
            Some(followed) if followed.read_at.elapsed() < self.settings.pace.running => {
                self.running.insert(session.id, followed);
                return Ok(());
            }
            Some(followed) => (
                self.looked_again(followed.reading).await,
                followed.progress,
                followed.on_screen,
            ),
            None => (
                self.open(session).await,
                session.index.progress.clone(),
                Vec::new(),
            ),
        };
        let reading = match reading {
            Ok(reading) => reading,
            Err(Unreadable::LeftOut) => return self.leave_out(session.id).await,
            Err(Unreadable::Failed(error)) => {
                tracing::debug!(session = %session.id, %error, "a running recording cannot be read for the index yet");
                return Ok(());
            }
        };
        let Read::All(reading, mut lines) = self
            .read(session.id, reading, Lines::from(progress), PIECES)
            .await?
        else {
            return Ok(());
        };
        let mut on_screen = reading.on_screen();
        on_screen.truncate(SCREEN_LINES);
        if !lines.ready.is_empty() || on_screen != before {
            let mut batch = lines.take(LINES);
            batch.on_screen.clone_from(&on_screen);
            self.store.index_lines(session.id, batch).await?;
        }
        let followed = Followed {
            reading: *reading,
            progress: lines.progress,
            read_at: Instant::now(),
            on_screen,
        };
        self.running.insert(session.id, followed);
        Ok(())
    }

    async fn close(&mut self, session: &SessionToIndex) -> Result<(), StoreError> {
        let (reading, progress) = match self.running.remove(&session.id) {
            Some(followed) => (self.looked_again(followed.reading).await, followed.progress),
            None => (self.open(session).await, session.index.progress.clone()),
        };
        let reading = match reading {
            Ok(reading) => reading,
            Err(Unreadable::LeftOut) => return self.leave_out(session.id).await,
            Err(Unreadable::Failed(error)) => {
                return self
                    .store
                    .index_failed(session.id, &error.to_string(), false)
                    .await;
            }
        };
        let (reading, mut lines) = match self
            .read(session.id, reading, Lines::from(progress), usize::MAX)
            .await?
        {
            Read::All(reading, lines) => (reading, lines),
            Read::Enough => return Ok(()),
            Read::Lost => {
                let trouble = "reading its recording failed";
                return self.store.index_failed(session.id, trouble, true).await;
            }
        };
        lines.add_files(session, &self.transfers(session).await?);
        if let Some(what) = session
            .what
            .as_ref()
            .filter(|what| *what != SHELL && !reading.commands.contains(*what))
        {
            lines.add(command(0, what));
        }
        while lines.ready.len() > LINES {
            if self
                .store
                .index_lines(session.id, lines.take(LINES))
                .await?
                .complete
            {
                return Ok(());
            }
        }
        let mut last = lines.take(LINES);
        last.complete = reading.damage.is_none();
        self.store.index_lines(session.id, last).await?;
        match &reading.damage {
            Some(damage) => self.store.index_failed(session.id, damage, true).await,
            None => Ok(()),
        }
    }

    /// Reads what there is, and writes it as far as it fills transactions. Of a session that runs what is on screens
    /// is left on them; else the channels are read to their ends.
    async fn read(
        &self,
        session: SessionId,
        mut reading: Reading,
        mut lines: Lines,
        pieces: usize,
    ) -> Result<Read, StoreError> {
        let to_the_end = pieces == usize::MAX;
        for _ in 0..pieces {
            let began = Instant::now();
            let piece = tokio::task::spawn_blocking(move || {
                let left = |reading: &mut Reading| to_the_end.then(|| reading.finish_one()).flatten();
                let piece = reading.piece().or_else(|| left(&mut reading));
                (reading, piece)
            });
            let Ok((back, piece)) = piece.await else {
                return Ok(Read::Lost);
            };
            reading = back;
            let Some(piece) = piece else { break };
            lines.add_all(piece);
            while lines.ready.len() >= LINES {
                if self.store.index_lines(session, lines.take(LINES)).await?.complete {
                    return Ok(Read::Enough);
                }
            }
            self.rest(began.elapsed()).await;
        }
        Ok(Read::All(Box::new(reading), lines))
    }

    async fn rest(&self, took: Duration) {
        tokio::time::sleep(took.saturating_mul(self.settings.pace.rest)).await;
    }

    async fn open(&self, session: &SessionToIndex) -> Result<Reading, Unreadable> {
        let directory = self.settings.data_dir.join(&session.recording);
        let (keys, encrypted) = (self.settings.keys.clone(), self.settings.encrypted);
        let progress = session.index.progress.clone();
        // A few names and a manifest.
        Reading::open(directory, keys, encrypted, &progress)
    }

    async fn looked_again(&self, mut reading: Reading) -> Result<Reading, Unreadable> {
        reading.look_again()?;
        Ok(reading)
    }

    async fn leave_out(&self, session: SessionId) -> Result<(), StoreError> {
        let why = "it is encrypted, and search.encrypted_recordings is off";
        self.store.index_failed(session, why, true).await
    }

    async fn transfers(&self, session: &SessionToIndex) -> Result<Vec<Transfer>, StoreError> {
        match self
            .store
            .session(session.started_at, &session.id.to_string())
            .await
        {
            Ok(session) => Ok(session.transfers),
            Err(StoreError::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// Lines that wait for a transaction, and how far was read once they are written.
struct Lines {
    progress: IndexProgress,
    ready: Vec<Ready>,
}

/// A line, with what its being written says of the progress.
struct Ready {
    line: Option<IndexLine>,
    channel: Option<(u32, u64)>,
    files: Option<u64>,
}

impl From<IndexProgress> for Lines {
    fn from(progress: IndexProgress) -> Self {
        Self {
            progress,
            ready: Vec::new(),
        }
    }
}

impl Lines {
    fn add_all(&mut self, placed: Vec<Placed>) {
        self.ready.extend(placed.into_iter().map(|placed| Ready {
            line: placed.line,
            channel: Some((placed.channel, placed.number)),
            files: None,
        }));
    }

    fn add(&mut self, line: IndexLine) {
        self.ready.push(Ready {
            line: Some(line),
            channel: None,
            files: None,
        });
    }

    fn add_files(&mut self, session: &SessionToIndex, transfers: &[Transfer]) {
        for (number, transfer) in (1..).zip(transfers) {
            if number <= self.progress.files {
                continue;
            }
            let at = transfer.started_at.duration_since(session.started_at).as_micros();
            let line = |text: &String| IndexLine {
                channel: 0,
                at: u64::try_from(at).unwrap_or(0),
                kind: LineKind::File,
                text: text.clone(),
            };
            let other = transfer.target_path.as_ref().map(line);
            let names = other.into_iter().chain([line(&transfer.path)]);
            self.ready.extend(names.map(|line| Ready {
                line: Some(line),
                channel: None,
                files: None,
            }));
            if let Some(last) = self.ready.last_mut() {
                last.files = Some(number);
            }
        }
    }

    /// The next lines, at most so many.
    fn take(&mut self, most: usize) -> IndexBatch {
        let rest = self.ready.split_off(most.min(self.ready.len()));
        let mut lines = Vec::new();
        for ready in std::mem::replace(&mut self.ready, rest) {
            lines.extend(ready.line);
            if let Some((channel, number)) = ready.channel {
                self.progress.channels.insert(channel, number);
            }
            self.progress.files = ready.files.unwrap_or(self.progress.files);
        }
        IndexBatch {
            lines,
            on_screen: Vec::new(),
            progress: self.progress.clone(),
            complete: false,
        }
    }
}
