//! A database that does not answer: how long anybody waits for it, and who is told.

use std::time::Duration;

use gatehouse_store::{DatabaseError, StoreError};

/// For the database to do what a session waits for. Longer than it takes to find out that no connection can be had.
const PATIENCE: Duration = Duration::from_secs(15);

/// Does something with the database, or gives up. What was given up may have been done all the same.
///
/// # Errors
/// Its own, or that there was no answer: a server that is held still refuses nothing, and its sockets stay open.
pub(crate) async fn in_time<T>(
    done: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    // On the heap: these are large, and wait within the callbacks of connections.
    tokio::time::timeout(PATIENCE, Box::pin(done))
        .await
        .unwrap_or_else(|_| {
            let sentence = format!("no answer within {} seconds", PATIENCE.as_secs());
            Err(DatabaseError::Unreachable(sentence).into())
        })
}

/// Whether the database answers, for the log: each outage is told once, and its end.
#[derive(Default)]
pub(crate) struct Outage {
    lasting: bool,
}

impl Outage {
    pub(crate) fn note(&mut self, outcome: Result<(), StoreError>) {
        match outcome {
            Ok(()) if self.lasting => {
                self.lasting = false;
                tracing::info!("the database answers again");
            }
            Ok(()) => {}
            Err(error) if self.lasting => tracing::debug!(%error, "the database still does not answer"),
            Err(error) => {
                self.lasting = true;
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the database does not answer; running sessions go on"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_held_still_is_given_up() {
        let held = in_time(std::future::pending::<Result<(), _>>()).await;
        assert!(matches!(
            held,
            Err(StoreError::Database(DatabaseError::Unreachable(_)))
        ));
        assert_eq!(in_time(async { Ok(7) }).await.unwrap(), 7);
    }
}
