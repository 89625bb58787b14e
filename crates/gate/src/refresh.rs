//! The directory in memory, kept true to the store.

use std::sync::Arc;
use std::time::Duration;

use gatehouse_policy::{BuildError, Directory, DirectoryRows, DirectorySettings};
use gatehouse_store::{Store, StoreError};

use crate::Gate;
use crate::outage::in_time;

/// Pause before the directory is read again after a failure.
const RETRY: Duration = Duration::from_millis(250);

/// The directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rows make no directory.
    #[error("the directory cannot be built from the database")]
    Build(#[from] BuildError),
}

pub(crate) async fn load(
    store: &Store,
    settings: &DirectorySettings,
) -> Result<Arc<Directory>, DirectoryError> {
    let rows = in_time(store.directory_rows()).await?;
    Ok(Arc::new(Directory::build(rows, settings.clone())?))
}

/// Reads the directory anew at each change of the store, until the gate stops. While the store does not answer, the
/// last one stays in force; rows that make no directory put an empty one in force, which denies everybody.
pub(crate) async fn follow(gate: Gate) {
    let mut changes = gate.store().changes();
    loop {
        tokio::select! {
            () = gate.stopped() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
        loop {
            changes.borrow_and_update();
            match load(gate.store(), &gate.settings().directory).await {
                Ok(directory) => {
                    tracing::debug!(revision = directory.revision(), "directory in force");
                    gate.replace_directory(directory);
                    break;
                }
                Err(DirectoryError::Build(error)) => {
                    // Rows that make no directory may hold a lock or a revocation: nobody is let in on the old one.
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the directory cannot be built; everybody is denied until it can"
                    );
                    if let Ok(empty) =
                        Directory::build(DirectoryRows::default(), gate.settings().directory.clone())
                    {
                        gate.replace_directory(Arc::new(empty));
                    }
                    break;
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the directory could not be read; the last one stays in force"
                    );
                }
            }
            tokio::select! {
                () = gate.stopped() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }
}
