//! Verification of the audit book, page by page.

use gatehouse_audit::{ChainVerifier, Head};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::book::event;
use crate::entity::audit;
use crate::{AuditReport, SealedHead, Store, StoreError};

/// Lines read at a time: enough that the round trips do not count, few enough that the memory does not.
const PAGE: u64 = 10_000;

impl Store {
    /// Reads the whole book and compares it with itself, with `audit.head` and with `kept`. Lines that are appended
    /// meanwhile are read too. It is not audited by itself; record `audit.verified`.
    ///
    /// # Errors
    /// The database or `audit.head` cannot be read. A fault of the book is not an error but the answer.
    pub async fn verify_audit(&self, kept: Option<Head>) -> Result<AuditReport, StoreError> {
        let sealed = self.sealed_head()?;
        let mut heads: Vec<Head> = kept.into_iter().collect();
        if let SealedHead::Kept(head, _) = sealed {
            heads.push(head);
        }
        let mut verifier = ChainVerifier::new(heads);
        let mut after = i64::MIN;
        loop {
            let rows = audit::Entity::find()
                .filter(audit::Column::Seq.gt(after))
                .order_by_asc(audit::Column::Seq)
                .limit(PAGE)
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
        }
        let verdict = verifier.finish();
        Ok(AuditReport {
            lines: verdict.lines,
            head: verdict.head,
            fault: verdict.fault,
            sealed,
        })
    }
}
