//! The rows of a session's transfers.
//!
//! They are written behind the recording, many in one transaction, so that a copy of thousands of small files does not
//! wait for the database. Order at the end of a session: recording sealed → what is still queued written → what the queue
//! could not hold taken from the recording's log → row closed. So a closed session shows all of its transfers.

use std::collections::HashSet;

use gatehouse_archive::Sealed;
use gatehouse_model::{SessionId, Timestamp, TransferDirection};
use gatehouse_recording::Transfer;
use gatehouse_recording::transfer::{Direction, STARTED};
use gatehouse_store::{NewTransfer, StoreError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::live::RETRY;
use crate::outage::in_time;
use crate::{Gate, meters};

/// Rows of one transaction.
const AT_ONCE: usize = 256;

/// The task that writes the rows of one session. Holds nothing of the session itself, which would keep its recorder from
/// going.
pub(crate) struct TransferRows {
    session: SessionId,
    started: Timestamp,
    sealed: CancellationToken,
    written: CancellationToken,
}

impl TransferRows {
    /// Begins to write what the recorder tells.
    pub(crate) fn begin(
        gate: &Gate,
        session: SessionId,
        started: Timestamp,
        transfers: mpsc::Receiver<Transfer>,
    ) -> Self {
        let rows = Self {
            session,
            started,
            sealed: CancellationToken::new(),
            written: CancellationToken::new(),
        };
        let sealed = rows.sealed.clone();
        let written = rows.written.clone().drop_guard();
        let task = write(gate.clone(), session, started, transfers, sealed);
        let writing = async move {
            task.await;
            drop(written);
        };
        gate.tasks().spawn(writing.in_current_span());
        rows
    }

    /// The recording is sealed and tells nothing more: waits until each of its transfers has a row.
    pub(crate) async fn complete(&self, gate: &Gate, sealed: Option<&Sealed>) {
        self.sealed.cancel();
        self.written.cancelled().await;
        let Some(sealed) = sealed.filter(|sealed| sealed.transfers_missed > 0) else {
            return;
        };
        let log = match gate
            .archive()
            .library()
            .read(&sealed.path)
            .and_then(|read| read.transfers())
        {
            Ok(log) => log,
            Err(error) => {
                tracing::error!(session = %self.session, error = &error as &dyn std::error::Error, "transfers are missing in the database and cannot be read from the recording");
                return;
            }
        };
        let known = gate
            .store()
            .session(gate.clock().now(), &self.session.to_string())
            .await;
        match known {
            Ok(known) => {
                let rows = missing(self.session, self.started, &log, &known.transfers);
                keep(gate, self.session, rows).await;
            }
            Err(error) => {
                tracing::error!(session = %self.session, %error, "transfers are missing in the database; they stand in the recording");
            }
        }
    }
}

async fn write(
    gate: Gate,
    session: SessionId,
    started: Timestamp,
    mut transfers: mpsc::Receiver<Transfer>,
    sealed: CancellationToken,
) {
    let mut batch = Vec::new();
    loop {
        let last = tokio::select! {
            biased;
            count = transfers.recv_many(&mut batch, AT_ONCE) => count == 0,
            // Only when nothing is queued any more.
            () = sealed.cancelled() => true,
        };
        batch.iter().for_each(meters::transferred);
        let rows: Vec<_> = batch
            .drain(..)
            .filter_map(|transfer| row(session, started, &transfer))
            .collect();
        keep(&gate, session, rows).await;
        if last {
            return;
        }
    }
}

/// Writes rows; while the database is gone, tries again.
async fn keep(gate: &Gate, session: SessionId, rows: Vec<NewTransfer>) {
    while !rows.is_empty() {
        match in_time(gate.store().add_transfers(rows.clone())).await {
            Ok(()) => return,
            Err(error @ StoreError::Database(_)) if !gate.is_stopped() => {
                tracing::warn!(%session, error = &error as &dyn std::error::Error, "transfers cannot be written to the database yet");
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => {
                tracing::error!(%session, %error, "transfers could not be written to the database; they stand in the recording");
                return;
            }
        }
    }
}

/// Rows for those transfers of a recording's log that have none.
pub(crate) fn missing(
    session: SessionId,
    started: Timestamp,
    log: &[Transfer],
    known: &[gatehouse_store::Transfer],
) -> Vec<NewTransfer> {
    let known: HashSet<_> = known
        .iter()
        .map(|row| (row.path.as_str(), row.started_at))
        .collect();
    let rows = log.iter().filter_map(|transfer| row(session, started, transfer));
    rows.filter(|row| !known.contains(&(row.path.as_str(), row.started_at)))
        .collect()
}

/// The row of a transfer; `None` for the note that one has begun.
fn row(session: SessionId, started: Timestamp, transfer: &Transfer) -> Option<NewTransfer> {
    if transfer.result == STARTED {
        return None;
    }
    Some(NewTransfer {
        session,
        direction: match transfer.direction {
            Direction::Download => TransferDirection::Download,
            Direction::Upload | Direction::Remote => TransferDirection::Upload,
        },
        operation: transfer.operation.as_str().to_owned(),
        path: transfer.path.clone(),
        target_path: transfer.target_path.clone(),
        bytes: transfer.bytes,
        result: transfer.result.clone(),
        started_at: transfer.started_at(started),
        duration: transfer.duration,
    })
}
