//! Blocked sources: rows that administrators make, and those that nodes make by themselves.
//!
//! A block that a node makes refuses new connections and leaves running sessions alone. It lasts longer each time the
//! same source gives cause again: its row carries the step, and stays after its end for as long as the step is to be
//! remembered. Lifting a block forgets the step with it.

use std::collections::HashMap;

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{AddressRange, SpanSeconds, Timestamp, format_time};
use gatehouse_policy::BlockReach;
use sea_orm::sea_query::{Expr, Func};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, EntityTrait, ExprTrait, PaginatorTrait,
    QueryFilter, QueryOrder,
};
use serde::{Serialize, Serializer};

use crate::change::{Change, Scope};
use crate::entity::block;
use crate::instant::{from_db, to_db};
use crate::keyset::{KeyOf, Keyset, count};
use crate::locks::ensure_ahead;
use crate::resolve::{contains_pattern, free_text, not_found, stored};
use crate::sort::KeyValue;
use crate::{BlockSort, Count, Kind, Page, PageRequest, Sort, Store, StoreError};

/// Blocks that nodes made and that are in force at a time. Beyond, none is added: a flood from that many sources is
/// for the limits that hold for all sources together.
pub const NODE_BLOCKS_MAX: u64 = 10_000;

/// A blocked source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Block {
    /// The range.
    pub range: AddressRange,
    /// When it ends; `None`: when lifted.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// What it refuses: `everything`, or `new_connections`.
    #[serde(serialize_with = "reach")]
    pub reach: BlockReach,
    /// How often in a row a node has blocked this source, from 1; `None`: it was blocked by somebody.
    pub repetition: Option<u32>,
    /// Since when.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// Which of the blocks in force to list.
#[derive(Clone, Debug, Default)]
pub struct BlockFilter {
    /// Those that nodes made, or those that somebody made.
    pub by_node: Option<bool>,
    /// Those whose range or reason contains this, in any case of ASCII letters.
    pub text: Option<String>,
    /// In which order.
    pub sort: Sort<BlockSort>,
}

/// A source that has given cause to be blocked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offence {
    /// The range that is to be blocked.
    pub range: AddressRange,
    /// What was done, for people who read the list.
    pub cause: String,
}

/// How long a node blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockLadder {
    /// The lengths, by repetition; the last one repeats.
    pub steps: Vec<SpanSeconds>,
    /// How long after its end a block counts as a repetition's beginning.
    pub memory: SpanSeconds,
}

impl Store {
    /// The blocks in force, in the order in which they were made.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn blocks(&self, now: Timestamp) -> Result<Vec<Block>, StoreError> {
        let rows = block::Entity::find()
            .filter(in_force(now))
            .order_by_asc(block::Column::Id)
            .all(self.connection());
        rows.await?.into_iter().map(view).collect()
    }

    /// Lists blocks in force, in the order in which they were made unless another is asked for.
    ///
    /// # Errors
    /// The database cannot be read, or the cursor is none.
    pub async fn blocks_where(
        &self,
        now: Timestamp,
        filter: &BlockFilter,
        page: &PageRequest,
    ) -> Result<Page<Block>, StoreError> {
        let query = block::Entity::find().filter(wanted(now, filter));
        let rows = order(filter.sort).page(self.connection(), query, page).await?;
        rows.try_map(view)
    }

    /// How many blocks in force a filter leaves.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn count_blocks(&self, now: Timestamp, filter: &BlockFilter) -> Result<Count, StoreError> {
        count(
            self.connection(),
            block::Entity::find().filter(wanted(now, filter)),
        )
        .await
    }

    /// Blocks a source, for a time or until lifted. Running sessions from it end. A block of the same range gets the
    /// new end and reason.
    ///
    /// # Errors
    /// The end has passed.
    pub async fn add_block(
        &self,
        actor: &Actor,
        now: Timestamp,
        range: AddressRange,
        until: Option<Timestamp>,
        reason: Option<String>,
    ) -> Result<Block, StoreError> {
        ensure_ahead(now, until)?;
        let new = NewBlock {
            range,
            until,
            reason: free_text("reason", reason)?,
            reach: BlockReach::Everything,
            step: None,
        };
        let mut change = self.change(Scope::Directory).await?;
        let row = replace(&mut change, actor, now, new).await?;
        change.commit().await?;
        view(row)
    }

    /// Blocks sources that have given cause, each for as long as its repetition says, and answers the blocks that
    /// were made. One that is blocked already stays as it is; beyond [`NODE_BLOCKS_MAX`] none is made.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn block_sources(
        &self,
        actor: &Actor,
        now: Timestamp,
        offences: &[Offence],
        ladder: &BlockLadder,
    ) -> Result<Vec<Block>, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let ranges = offences.iter().map(|offence| offence.range.to_string());
        let known = block::Entity::find()
            .filter(block::Column::Range.is_in(ranges))
            .all(change.db())
            .await?;
        let known: HashMap<_, _> = known.into_iter().map(|row| (row.range.clone(), row)).collect();
        let by_nodes = in_force(now).add(block::Column::Step.is_not_null());
        let mut count = block::Entity::find().filter(by_nodes).count(change.db()).await?;
        let mut made = Vec::new();
        for offence in offences {
            let Some((step, length)) = next_step(known.get(&offence.range.to_string()), now, ladder) else {
                continue;
            };
            if count >= NODE_BLOCKS_MAX {
                break;
            }
            let new = NewBlock {
                range: offence.range,
                until: Some(now.checked_add(length.signed()).unwrap_or(Timestamp::MAX)),
                reason: free_text("reason", Some(offence.cause.clone()))?,
                reach: BlockReach::NewConnections,
                step: Some(step),
            };
            made.push(view(replace(&mut change, actor, now, new).await?)?);
            count += 1;
        }
        if !made.is_empty() {
            change.commit().await?;
        }
        Ok(made)
    }

    /// Lifts a block, and forgets the step of one that has ended.
    ///
    /// # Errors
    /// There is none of this range.
    pub async fn remove_block(
        &self,
        actor: &Actor,
        now: Timestamp,
        range: AddressRange,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let text = range.to_string();
        let deleted = block::Entity::delete_many()
            .filter(block::Column::Range.eq(&text))
            .exec(change.db())
            .await?;
        if deleted.rows_affected == 0 {
            let known = block::Entity::find()
                .filter(in_force(now))
                .all(change.db())
                .await?
                .into_iter()
                .map(|row| row.range)
                .collect();
            return Err(not_found(Kind::Block, &text, known));
        }
        change.record(Draft::new(Action::BlockRemoved, actor, now).detail("range", text));
        change.commit().await?;
        Ok(())
    }

    /// Deletes the rows of blocks that have ended, those of nodes once their steps are to be forgotten. Answers how
    /// many. It is not audited: their ends were when they were made.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn forget_blocks(&self, now: Timestamp, memory: SpanSeconds) -> Result<u64, StoreError> {
        let remembered = now.checked_sub(memory.signed()).unwrap_or(Timestamp::MIN);
        let ended = |by: Timestamp| block::Column::Until.lte(to_db(by));
        let due = Condition::any()
            .add(
                Condition::all()
                    .add(ended(now))
                    .add(block::Column::Step.is_null()),
            )
            .add(ended(remembered));
        if block::Entity::find()
            .filter(due.clone())
            .one(self.connection())
            .await?
            .is_none()
        {
            return Ok(0);
        }
        let change = self.change(Scope::Record).await?;
        let deleted = block::Entity::delete_many().filter(due).exec(change.db()).await?;
        change.commit().await?;
        Ok(deleted.rows_affected)
    }
}

struct NewBlock {
    range: AddressRange,
    until: Option<Timestamp>,
    reason: Option<String>,
    reach: BlockReach,
    step: Option<usize>,
}

/// Puts the block in the place of one of the same range, and records it.
async fn replace(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    new: NewBlock,
) -> Result<block::Model, StoreError> {
    let text = new.range.to_string();
    block::Entity::delete_many()
        .filter(block::Column::Range.eq(&text))
        .exec(change.db())
        .await?;
    let step = new.step.map(|step| i32::try_from(step).unwrap_or(i32::MAX));
    let row = block::ActiveModel {
        range: Set(text.clone()),
        until: Set(new.until.map(to_db)),
        reason: Set(new.reason.clone()),
        created_at: Set(to_db(now)),
        created_by: Set(actor.name().to_owned()),
        reach: Set(reach_word(new.reach).to_owned()),
        step: Set(step),
        ..Default::default()
    };
    let row = row.insert(change.db()).await?;
    let event = Draft::new(Action::BlockAdded, actor, now)
        .detail("range", text)
        .detail("until", new.until.map(format_time))
        .detail("repetition", repetition(step));
    change.record(match new.reason {
        Some(reason) => event.reason(reason),
        None => event,
    });
    Ok(row)
}

/// The step of a new block, from 0, and its length. `None`: the source is blocked already, or is not to be blocked.
fn next_step(
    known: Option<&block::Model>,
    now: Timestamp,
    ladder: &BlockLadder,
) -> Option<(usize, SpanSeconds)> {
    let step = match known.map(|row| (row.step, row.until.map(from_db))) {
        Some((_, None)) => return None,
        Some((_, Some(until))) if until > now => return None,
        Some((Some(step), Some(until))) if now.duration_since(until) < ladder.memory.signed() => {
            usize::try_from(step).unwrap_or(0).saturating_add(1)
        }
        _ => 0,
    };
    let step = step.min(ladder.steps.len().checked_sub(1)?);
    ladder.steps.get(step).map(|length| (step, *length))
}

fn wanted(now: Timestamp, filter: &BlockFilter) -> Condition {
    let step = block::Column::Step;
    let contains = |text: &String| {
        let lower = |column| Expr::expr(Func::lower(Expr::col(column)));
        lower(block::Column::Range)
            .like(contains_pattern(text))
            .or(lower(block::Column::Reason).like(contains_pattern(text)))
    };
    in_force(now)
        .add_option(filter.by_node.map(|by_node| {
            if by_node {
                step.is_not_null()
            } else {
                step.is_null()
            }
        }))
        .add_option(filter.text.as_ref().map(contains))
}

fn order(sort: Sort<BlockSort>) -> Keyset<block::Model, i64> {
    let key = match sort.key {
        BlockSort::CreatedAt => None,
        BlockSort::Until => {
            let until = Expr::col(block::Column::Until).if_null(to_db(Timestamp::MAX));
            Some(KeyOf::instant(until, |row: &block::Model| {
                let until = row.until.unwrap_or_else(|| to_db(Timestamp::MAX));
                KeyValue::Number(until.timestamp_micros())
            }))
        }
    };
    Keyset::new(sort, key, Expr::col(block::Column::Id), |row| row.id)
}

fn in_force(now: Timestamp) -> Condition {
    let lasting = Condition::any()
        .add(block::Column::Until.is_null())
        .add(block::Column::Until.gt(to_db(now)));
    Condition::all().add(lasting)
}

fn repetition(step: Option<i32>) -> Option<u32> {
    step.map(|step| u32::try_from(step).unwrap_or(0).saturating_add(1))
}

fn view(row: block::Model) -> Result<Block, StoreError> {
    Ok(Block {
        range: stored("a block", &row.range)?,
        until: row.until.map(from_db),
        reach: reach_of(&row)?,
        reason: row.reason,
        repetition: repetition(row.step),
        created_at: from_db(row.created_at),
        created_by: row.created_by,
    })
}

/// What the block of a row refuses.
pub(crate) fn reach_of(row: &block::Model) -> Result<BlockReach, StoreError> {
    [BlockReach::Everything, BlockReach::NewConnections]
        .into_iter()
        .find(|reach| reach_word(*reach) == row.reach)
        .ok_or_else(|| StoreError::corrupt("a block", &row.reach))
}

fn reach_word(reach: BlockReach) -> &'static str {
    match reach {
        BlockReach::Everything => "everything",
        BlockReach::NewConnections => "new_connections",
    }
}

fn reach<S: Serializer>(reach: &BlockReach, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(reach_word(*reach))
}
