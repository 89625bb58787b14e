//! The side of a session's recorder that takes events.

use std::sync::Arc;

use bytes::Bytes;
use gatehouse_model::BinaryMode;
use gatehouse_recording::capture::ConnectionSpec;
use gatehouse_recording::channel::Verdict;
use gatehouse_recording::manifest::RecordingEnd;
use gatehouse_recording::{ChannelSpec, Event, Offset, Stream};
use tokio::sync::{oneshot, watch};

use crate::error::{ArchiveError, PushError, RecordingFailed};
use crate::follow::{FollowFrom, Follower};
use crate::queue::{Beginning, Item, Part, Queue};
use crate::recorder::{self, Core};
use crate::seal::Sealed;

/// How far a recording has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Bytes in its files.
    pub written: u64,
    /// Bytes that passed and could not be written.
    pub lost: u64,
    /// Whether it is closed.
    pub sealed: bool,
}

/// The recorder of one session. A handle: clones are the same recorder. If all are dropped before [`Self::seal`], the
/// recording stays open on disk and is sealed at the node's next start.
#[derive(Clone)]
pub struct SessionRecorder {
    core: Arc<Core>,
}

/// The recorder of one channel, or of one connection through a forward. A handle: clones are the same tap; when the last
/// one is dropped the channel's files, or the connection, end.
#[derive(Clone)]
pub struct ChannelTap {
    tap: Arc<TapEnd>,
}

struct TapEnd {
    core: Arc<Core>,
    part: Part,
    answers: Answers,
}

/// Whether an event's verdict must be known before it is relayed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Needed,
    NotNeeded,
}

impl SessionRecorder {
    pub(crate) fn begin(beginning: recorder::Beginning) -> Self {
        Self {
            core: Core::begin(beginning),
        }
    }

    /// The recording's directory, relative to the archive's root: `2026/01/31/{session id}`.
    pub fn path(&self) -> &str {
        &self.core.path
    }

    /// Opens a channel's recording. Its number must be new to the session.
    ///
    /// # Errors
    /// Recording failed before, or is closed, or the number was used.
    pub fn open_channel(&self, spec: ChannelSpec) -> Result<ChannelTap, PushError> {
        let answers = match spec.binary {
            BinaryMode::Refuse => Answers::Needed,
            _ => Answers::NotNeeded,
        };
        let mut queue = self.core.queue.lock();
        queue.check()?;
        if !queue.channels.insert(spec.number) {
            return Err(PushError::Closed);
        }
        Ok(self.open(&mut queue, Beginning::Channel(spec), answers))
    }

    /// Opens the capture of a connection through a forward. A tap that is dropped before both directions had their
    /// [end of file](Event::Eof) leaves a connection that was cut.
    ///
    /// # Errors
    /// Recording failed before, or is closed.
    pub fn open_connection(&self, spec: ConnectionSpec) -> Result<ChannelTap, PushError> {
        let mut queue = self.core.queue.lock();
        queue.check()?;
        let number = queue.connections;
        queue.connections = number.checked_add(1).ok_or(PushError::Closed)?;
        let beginning = Beginning::Connection(number, spec);
        Ok(self.open(&mut queue, beginning, Answers::NotNeeded))
    }

    fn open(&self, queue: &mut Queue, what: Beginning, answers: Answers) -> ChannelTap {
        let part = what.part();
        self.core.enqueue(queue, Item::Open((self.core.clock)(), what));
        ChannelTap {
            tap: Arc::new(TapEnd {
                core: self.core.clone(),
                part,
                answers,
            }),
        }
    }

    /// The failure that ended recording, if there was one. Never in best effort.
    pub fn failure(&self) -> Option<RecordingFailed> {
        self.core.queue.lock().failure.clone()
    }

    /// Waits for the failure that ends recording; forever if none comes. Whoever waits here also sees to it that a disk
    /// that does not answer is found out when nobody pushes.
    pub async fn failed(&self) -> RecordingFailed {
        let mut failed = self.core.failed.subscribe();
        loop {
            self.core.look_at_the_disk();
            let waited = async { failed.wait_for(Option::is_some).await.ok()?.clone() };
            match tokio::time::timeout(self.core.patience / 2, waited).await {
                Ok(Some(failure)) => return failure,
                Ok(None) => std::future::pending().await,
                Err(_) => {}
            }
        }
    }

    /// Bytes that were handed over and are not in the files: none as long as nothing failed.
    pub fn relayed_not_written(&self) -> u64 {
        let failed = self.failure().map_or(0, |failure| failure.relayed_not_written);
        failed.max(self.core.progress.borrow().lost)
    }

    /// Bytes that wait to be written: at most 256 KiB, save for a single larger event.
    pub fn waiting(&self) -> usize {
        self.core.queue.lock().weight
    }

    /// Tells how far the recording has come, as it goes.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.core.progress.subscribe()
    }

    /// Follows the recording's lines. A follower reads the files and never slows the session.
    pub fn follow(&self, from: FollowFrom) -> Follower {
        let (directory, session) = (self.core.directory.clone(), self.core.session());
        Follower::new(directory, session, self.core.key.clone(), self.progress(), from)
    }

    /// Closes the recording: ends the channels, makes the files durable, and replaces the manifest by a sealed one. A
    /// second call gives the same answer. After an error it can be called again; if it never succeeds, the recording is
    /// sealed at the node's next start.
    ///
    /// # Errors
    /// The files or the manifest could not be made durable, or the disk did not answer in time.
    pub async fn seal(&self, end: RecordingEnd) -> Result<Sealed, ArchiveError> {
        let (answer, finished) = oneshot::channel();
        {
            let mut queue = self.core.queue.lock();
            queue.closed = true;
            self.core.enqueue(
                &mut queue,
                Item::Finish {
                    at: (self.core.clock)(),
                    answer,
                },
            );
        }
        self.core.changed.notify_waiters();
        let core = self.core.clone();
        let sealing = async move {
            // The answer is dropped only with the pool; sealing is possible all the same.
            drop(finished.await);
            let sealing = tokio::task::spawn_blocking(move || core.seal(end));
            sealing.await.unwrap_or(Err(ArchiveError::Closing))
        };
        let patience = self.core.patience;
        tokio::time::timeout(patience, sealing)
            .await
            .unwrap_or_else(|_| Err(ArchiveError::stalled("close", &self.core.directory, patience)))
            .inspect_err(ArchiveError::count)
    }
}

impl ChannelTap {
    /// Hands an event over; call it before the event is relayed, and relay it only if this succeeds. Waits while 256 KiB
    /// are outstanding or something has been for 100 ms, for as long as [`ArchiveConfig::patience`](crate::ArchiveConfig)
    /// says: a disk that does not answer then has failed. An event larger than that passes when nothing else waits. The
    /// event is stamped when it is taken. Dropping the future takes the event back, if it was still waiting.
    ///
    /// # Errors
    /// The event must not be relayed: see [`PushError`].
    pub async fn push(&self, event: Event) -> Result<(), PushError> {
        let TapEnd { core, part, answers } = &*self.tap;
        let (answer, verdict) = match answers {
            Answers::Needed => {
                let (answer, verdict) = oneshot::channel();
                (Some(answer), Some(verdict))
            }
            Answers::NotNeeded => (None, None),
        };
        let at = Offset::ZERO;
        core.push(Item::Event {
            part: *part,
            at,
            event,
            answer,
        })
        .await?;
        match verdict {
            None => Ok(()),
            Some(verdict) => match verdict.await {
                Ok(Verdict::Continue) => Ok(()),
                Ok(Verdict::EndChannel(sentence)) => Err(PushError::Refused(sentence.to_owned())),
                Err(_) => Err(core.queue.lock().check().err().unwrap_or(PushError::Closed)),
            },
        }
    }

    /// Hands data over: see [`Self::push`].
    ///
    /// # Errors
    /// The data must not be relayed.
    pub async fn data(&self, stream: Stream, bytes: Bytes) -> Result<(), PushError> {
        self.push(Event::Data(stream, bytes)).await
    }

    /// Ends the channel's files, and waits until that is written. Later events are passed over.
    ///
    /// # Errors
    /// Recording failed, or was closed before.
    pub async fn close(&self) -> Result<(), PushError> {
        let TapEnd { core, part, .. } = &*self.tap;
        let (answer, closed) = oneshot::channel();
        core.push(Item::Close {
            part: *part,
            at: Offset::ZERO,
            answer: Some(answer),
        })
        .await?;
        closed
            .await
            .map_err(|_| core.queue.lock().check().err().unwrap_or(PushError::Closed))
    }
}

impl Drop for TapEnd {
    fn drop(&mut self) {
        let mut queue = self.core.queue.lock();
        if queue.check().is_ok() {
            let at = (self.core.clock)();
            self.core.enqueue(
                &mut queue,
                Item::Close {
                    part: self.part,
                    at,
                    answer: None,
                },
            );
        }
    }
}
