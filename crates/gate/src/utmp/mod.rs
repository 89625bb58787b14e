//! Sessions in utmp and wtmp, so that who(1), w(1) and last(1) show them.
//!
//! Invariants:
//! - **Never in the way.** Records are written by one task, beside the sessions; a file that is missing, locked or
//!   full costs a record and a line in the log, nothing else. At most [`WAITING`] comings wait; what comes beyond
//!   gets no line.
//! - **A line is given once at a time.** It is chosen and taken in one step under utmp's lock; nodes on one machine
//!   share the file. A session beyond the hundredth gets none, and stands in neither file.
//! - **What was entered is left.** The session's end, the node's stop, or the node's next start after a crash writes
//!   the record that frees the line; a node knows its own records by its id in their reserved bytes.
//!
//! Order of operations: utmp, then wtmp, for coming and going alike. A crash between the two leaves a line in utmp
//! that the next start frees in both.

mod file;
mod record;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};

use gatehouse_model::{NodeId, SessionId, Timestamp};
use tokio::sync::mpsc;

use crate::Gate;
use crate::live::Core;
use file::{Utmp, Wtmp};
use record::{Line, Presence};

/// Comings that may wait to be written.
const WAITING: usize = 1_024;

/// Where sessions are shown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LoginRecords {
    /// utmp: who is on now; `None`: nowhere.
    pub utmp: Option<PathBuf>,
    /// wtmp: every coming and going; `None`: nowhere.
    pub wtmp: Option<PathBuf>,
}

enum Order {
    Enter(Weak<Core>, SessionId, Presence),
    Leave(SessionId, Timestamp),
}

/// The way to the task that writes. Without files there is none.
#[derive(Default)]
pub(crate) struct LoginBook {
    orders: OnceLock<mpsc::Sender<Order>>,
}

impl LoginBook {
    /// Frees the lines that an earlier run left, and begins to write. Once.
    pub(crate) fn start(&self, gate: &Gate) {
        let records = &gate.settings().login_records;
        let files = Files {
            utmp: records.utmp.clone().map(|path| Shown::of(Utmp(path))),
            wtmp: records.wtmp.clone().map(|path| Shown::of(Wtmp(path))),
            node: gate.node(),
            taken: HashMap::new(),
        };
        if files.utmp.is_none() && files.wtmp.is_none() {
            return;
        }
        let (sender, orders) = mpsc::channel(WAITING);
        if self.orders.set(sender).is_ok() {
            gate.tasks().spawn(write(gate.clone(), files, orders));
        }
    }

    /// A session has begun.
    pub(crate) fn enter(&self, core: &Arc<Core>) {
        let Some(orders) = self.orders.get() else { return };
        let decided = &core.decided;
        let who = Presence {
            node: core.gate().node(),
            protocol: decided.accepted.protocol(),
            pid: std::process::id(),
            user: decided.user.to_string(),
            host: format!("{}@{}", decided.login, decided.server),
            source: decided.accepted.source().ip(),
            since: core.started,
        };
        if orders
            .try_send(Order::Enter(Arc::downgrade(core), core.id, who))
            .is_err()
        {
            tracing::warn!(session = %core.id, "the session is not shown in utmp: too many wait to be written");
        }
    }

    /// A session has ended. Waits for its turn beside the session, so that no line stays taken.
    pub(crate) fn leave(&self, core: &Core, at: Timestamp) {
        let Some(orders) = self.orders.get().cloned() else {
            return;
        };
        let order = Order::Leave(core.id, at);
        if let Err(mpsc::error::TrySendError::Full(order)) = orders.try_send(order) {
            core.gate()
                .tasks()
                .spawn(async move { drop(orders.send(order).await) });
        }
    }
}

/// Writes until the gate stops, then frees what is still taken.
async fn write(gate: Gate, files: Files, mut orders: mpsc::Receiver<Order>) {
    let clock = gate.clock().clone();
    let now = clock.now();
    let mut files = beside(files, move |files| files.mend(now)).await;
    while let Some(at_work) = files {
        let order = tokio::select! {
            biased;
            order = orders.recv() => order,
            () = gate.stopped() => None,
        };
        let now = clock.now();
        let Some(order) = order else {
            beside(at_work, move |files| files.leave_all(now)).await;
            return;
        };
        files = beside(at_work, move |files| files.carry_out(order)).await;
    }
}

/// Runs what may wait for a disk or a lock where it holds nobody up. `None`: it panicked.
async fn beside(mut files: Files, work: impl FnOnce(&mut Files) + Send + 'static) -> Option<Files> {
    let done = tokio::task::spawn_blocking(move || {
        work(&mut files);
        files
    });
    done.await.ok()
}

/// The files, who writes, and the lines that are taken.
struct Files {
    utmp: Option<Shown<Utmp>>,
    wtmp: Option<Shown<Wtmp>>,
    node: NodeId,
    taken: HashMap<SessionId, (Line, u32)>,
}

/// A file, and whether the log knows that it cannot be written.
struct Shown<F> {
    file: F,
    told: bool,
}

impl<F> Shown<F> {
    fn of(file: F) -> Self {
        Self { file, told: false }
    }

    /// The outcome of a change; a trouble is told once, until something succeeds.
    fn note<T>(&mut self, name: &'static str, outcome: io::Result<T>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.told = false;
                Some(value)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.told, true) {
                    tracing::info!(file = name, %error, "sessions are not shown in a login record that cannot be written");
                }
                None
            }
        }
    }
}

impl Files {
    fn mend(&mut self, now: Timestamp) {
        let node = self.node;
        let Some(utmp) = &mut self.utmp else { return };
        let found = utmp.file.left_over(node);
        for (line, pid) in utmp.note("utmp", found).unwrap_or_default() {
            tracing::info!(line = line.name(), "a line that an earlier run left is freed");
            self.leave(line, pid, now);
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Enter(core, id, who) => {
                let Some(line) = self.choose(&who) else { return };
                self.taken.insert(id, (line, who.pid));
                if let Some(wtmp) = &mut self.wtmp {
                    let entered = wtmp.file.entered(line, &who);
                    wtmp.note("wtmp", entered);
                }
                // Gone already, if it was short.
                if let Some(core) = core.upgrade() {
                    core.doing.on_line(line.name());
                    core.gate().registry().stir();
                }
            }
            Order::Leave(id, at) => {
                if let Some((line, pid)) = self.taken.remove(&id) {
                    self.leave(line, pid, at);
                }
            }
        }
    }

    /// Takes a line: in utmp, or where there is none, one that this node does not use.
    fn choose(&mut self, who: &Presence) -> Option<Line> {
        if let Some(utmp) = &mut self.utmp {
            match utmp.file.enter(who) {
                Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                    utmp.note::<()>("utmp", Err(missing));
                }
                entered => return utmp.note("utmp", entered)?,
            }
        }
        let used: HashSet<Line> = self.taken.values().map(|(line, _)| *line).collect();
        Line::all(who.protocol).find(|line| !used.contains(line))
    }

    fn leave(&mut self, line: Line, pid: u32, at: Timestamp) {
        if let Some(utmp) = &mut self.utmp {
            let left = utmp.file.leave(line, self.node, at);
            utmp.note("utmp", left);
        }
        if let Some(wtmp) = &mut self.wtmp {
            let left = wtmp.file.left(line, pid, at);
            wtmp.note("wtmp", left);
        }
    }

    fn leave_all(&mut self, at: Timestamp) {
        for (line, pid) in std::mem::take(&mut self.taken).into_values() {
            self.leave(line, pid, at);
        }
    }
}
