//! Verification of the audit book, page by page: all of it, or what came after a line that is known.

use std::time::Duration;

use gatehouse_audit::{ChainVerifier, Fault, Head, Verdict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::book::event;
use crate::entity::audit;
use crate::{AuditReport, SealedHead, Store, StoreError};

/// How eagerly the book is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditPace {
    /// Somebody waits for the answer.
    Fast,
    /// Sessions run beside it: small pages, and a pause after each.
    Gentle,
}

impl AuditPace {
    /// Lines read at a time. For those in a hurry, enough that the round trips do not count and few enough that the
    /// memory does not.
    fn page(self) -> u64 {
        match self {
            Self::Fast => 10_000,
            Self::Gentle => 500,
        }
    }

    fn pause(self) -> Option<Duration> {
        match self {
            Self::Fast => None,
            Self::Gentle => Some(Duration::from_millis(5)),
        }
    }
}

impl Store {
    /// Reads the whole book and compares it with itself, with `audit.head` and with `kept`. Lines that are appended
    /// meanwhile are read too. It is not audited by itself; record `audit.verified`.
    ///
    /// # Errors
    /// The database or `audit.head` cannot be read. A fault of the book is not an error but the answer.
    pub async fn verify_audit(&self, kept: Option<Head>, pace: AuditPace) -> Result<AuditReport, StoreError> {
        let sealed = self.sealed_audit_head()?;
        let mut heads: Vec<Head> = kept.into_iter().collect();
        if let SealedHead::Kept(head, _) = sealed {
            heads.push(head);
        }
        let verdict = self.walk(ChainVerifier::new(heads), i64::MIN, pace).await?;
        Ok(AuditReport {
            lines: verdict.lines,
            head: verdict.head,
            fault: verdict.fault,
            sealed,
        })
    }

    /// Reads what was appended after `known` and compares it with itself. The line that `known` names must still be
    /// there, with its hash.
    ///
    /// # Errors
    /// The database cannot be read. A fault of the book is not an error but the answer.
    pub async fn verify_audit_after(&self, known: Head) -> Result<Verdict, StoreError> {
        if let Some(fault) = self.fault_at(known).await? {
            return Ok(Verdict {
                lines: 0,
                head: known,
                fault: Some(fault),
            });
        }
        let after = match known.seq {
            0 => i64::MIN,
            seq => i64::try_from(seq).unwrap_or(i64::MAX),
        };
        let verifier = ChainVerifier::after(known, Vec::new());
        self.walk(verifier, after, AuditPace::Gentle).await
    }

    /// What is wrong with the line that a head names, as far as that shows without the lines around it.
    async fn fault_at(&self, known: Head) -> Result<Option<Fault>, StoreError> {
        if known == Head::EMPTY {
            return Ok(None);
        }
        let seq = i64::try_from(known.seq).unwrap_or(i64::MAX);
        let row = audit::Entity::find_by_id(seq).one(self.connection()).await?;
        let Some(row) = row else {
            let last = self.audit_head().await?.seq;
            return Ok(Some(if last < known.seq {
                Fault::CutOff {
                    last,
                    reached: known.seq,
                }
            } else {
                Fault::Missing { seq: known.seq }
            }));
        };
        Ok((event(row).hash != known.hash).then_some(Fault::Rewritten { seq: known.seq }))
    }

    async fn walk(
        &self,
        mut verifier: ChainVerifier,
        mut after: i64,
        pace: AuditPace,
    ) -> Result<Verdict, StoreError> {
        loop {
            let rows = audit::Entity::find()
                .filter(audit::Column::Seq.gt(after))
                .order_by_asc(audit::Column::Seq)
                .limit(pace.page())
                .all(self.connection())
                .await?;
            let Some(last) = rows.last() else { break };
            after = last.seq;
            for row in rows {
                verifier.push(&event(row));
            }
            if verifier.is_decided() {
                break;
            }
            if let Some(pause) = pace.pause() {
                tokio::time::sleep(pause).await;
            }
        }
        Ok(verifier.finish())
    }
}
