//! The change feed: a counter that every change of the directory moves, and that every process follows.
//!
//! A change bumps `meta.revision` in its own transaction. PostgreSQL also tells all listeners; on both databases the
//! counter is read every [`POLL`] as well, so that a lost notification costs no more than that.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::StoreError;
use crate::database::no_answer;

/// How often the counter is read.
pub(crate) const POLL: Duration = Duration::from_millis(150);
/// How long a broken listener is left alone.
const RELISTEN: Duration = Duration::from_secs(2);
/// How long an answer is waited for: a server that is held still never refuses.
const PATIENCE: Duration = Duration::from_secs(15);
/// The channel on which PostgreSQL tells of changes.
pub(crate) const CHANNEL: &str = "gatehouse_changes";

/// The revision as this process knows it, and the task that keeps it true.
pub(crate) struct Feed {
    sender: Arc<watch::Sender<i64>>,
    task: std::sync::OnceLock<AbortHandle>,
}

impl Feed {
    pub(crate) fn new(revision: i64) -> Self {
        Self {
            sender: Arc::new(watch::Sender::new(revision)),
            task: std::sync::OnceLock::new(),
        }
    }

    /// The revision from now on. The first call begins to follow the database.
    pub(crate) fn subscribe(
        &self,
        connection: &DatabaseConnection,
        postgres: Option<&PgPool>,
    ) -> watch::Receiver<i64> {
        let receiver = self.sender.subscribe();
        self.task.get_or_init(|| {
            let follower = Follower {
                connection: connection.clone(),
                postgres: postgres.cloned(),
                sender: self.sender.clone(),
            };
            tokio::spawn(follower.run()).abort_handle()
        });
        receiver
    }

    /// Takes note of a revision that was read or made by this process.
    pub(crate) fn saw(&self, revision: i64) {
        advance(&self.sender, revision);
    }

    pub(crate) fn stop(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop();
    }
}

fn advance(sender: &watch::Sender<i64>, revision: i64) {
    sender.send_if_modified(|known| {
        let newer = revision > *known;
        *known = revision.max(*known);
        newer
    });
}

struct Follower {
    connection: DatabaseConnection,
    postgres: Option<PgPool>,
    sender: Arc<watch::Sender<i64>>,
}

impl Follower {
    async fn run(self) {
        let mut ticks = tokio::time::interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut listener = None;
        let mut listen_again = Instant::now();
        let mut lost = false;
        loop {
            if listener.is_none() && Instant::now() >= listen_again {
                listener = self.listen().await;
                listen_again = Instant::now() + RELISTEN;
            }
            match &mut listener {
                None => {
                    ticks.tick().await;
                }
                Some(heard) => tokio::select! {
                    _ = ticks.tick() => {}
                    // `None` says that the connection was lost and made anew; what was missed is read below.
                    told = heard.try_recv() => if told.is_err() { listener = None },
                },
            }
            let read = tokio::time::timeout(PATIENCE, read_revision(&self.connection)).await;
            match read.unwrap_or_else(|_| Err(no_answer(PATIENCE).into())) {
                Ok(revision) => {
                    if std::mem::take(&mut lost) {
                        tracing::info!("the database answers again");
                    }
                    advance(&self.sender, revision);
                }
                Err(error) => {
                    if !std::mem::replace(&mut lost, true) {
                        tracing::warn!(%error, "changes cannot be followed; what is known stays in force");
                    }
                }
            }
        }
    }

    async fn listen(&self) -> Option<PgListener> {
        let mut listener = PgListener::connect_with(self.postgres.as_ref()?).await.ok()?;
        listener.listen(CHANNEL).await.ok()?;
        Some(listener)
    }
}

/// The revision as the database has it.
pub(crate) async fn read_revision(connection: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let sql = "SELECT revision FROM meta WHERE id = 1";
    let row = connection
        .query_one_raw(Statement::from_string(connection.get_database_backend(), sql))
        .await?;
    let row = row.ok_or_else(|| StoreError::corrupt("no revision", "the row of table meta is missing"))?;
    Ok(row.try_get("", "revision")?)
}
