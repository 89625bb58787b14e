//! Asking the index.

use gatehouse_model::{SessionId, Timestamp};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
    Value,
};
use serde::Serialize;

use super::index::{of_kind, of_server, of_session, of_user};
use super::words::Question;
use super::{LineKind, SLOTS};
use crate::chunks::in_chunks_of;
use crate::entity::{search_line, session};
use crate::instant::from_db;
use crate::keyset::COUNT_MAX;
use crate::resolve::{find_server, find_user, fold, stored};
use crate::{Count, Page, PageRequest, Store, StoreError};

/// Hits of a page without a limit.
const HITS_MAX: u64 = 1_000;

/// Which hits are wanted.
#[derive(Clone, Debug, Default)]
pub struct SearchFilter {
    /// Those in sessions of this person, by name or id.
    pub user: Option<String>,
    /// Those in sessions at this server, by name or id.
    pub server: Option<String>,
    /// Those of this session.
    pub session: Option<SessionId>,
    /// Those of this kind.
    pub kind: Option<LineKind>,
    /// Those of this moment or later.
    pub since: Option<Timestamp>,
    /// Those before this moment.
    pub until: Option<Timestamp>,
}

/// A line that was found.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SearchHit {
    /// The session.
    pub session: SessionId,
    /// The channel.
    pub channel: u32,
    /// When, in seconds since the session's start.
    pub t: f64,
    /// What it is.
    pub kind: LineKind,
    /// The line.
    pub text: String,
    /// The person's name at the time.
    pub user: String,
    /// The server's name at the time.
    pub server: String,
    /// When the session began.
    pub started_at: Timestamp,
}

impl Store {
    /// Finds lines, the newest first. `query` is words, all of which a line has to have; `"words in quotes"` follow
    /// each other; a word with `*` stands for all that begin with it. Case and accents do not matter, and whatever is
    /// neither letter nor digit separates words.
    ///
    /// # Errors
    /// There is no word in the query or too many, the cursor is none, the person or the server is not known, or the
    /// database cannot be read.
    pub async fn search(
        &self,
        query: &str,
        filter: &SearchFilter,
        page: &PageRequest,
    ) -> Result<Page<SearchHit>, StoreError> {
        let db = self.snapshot().await?;
        let limit = page.limit.unwrap_or(HITS_MAX);
        let asked = Asked::read(&db, query, filter, page.after_number()?).await?;
        let mut ids = asked.ids(&db, limit.saturating_add(1)).await?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = ids.len() > wanted;
        ids.truncate(wanted);
        let next = ids.last().filter(|_| more).map(ToString::to_string);
        let items = hits(&db, &ids).await?;
        Ok(Page { items, next })
    }

    /// How many lines a search finds.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn count_search(&self, query: &str, filter: &SearchFilter) -> Result<Count, StoreError> {
        let db = self.snapshot().await?;
        let asked = Asked::read(&db, query, filter, None).await?;
        let found = asked.ids(&db, COUNT_MAX + 1).await?.len() as u64;
        Ok(Count {
            total: found.min(COUNT_MAX),
            total_is_more: found > COUNT_MAX,
        })
    }

    /// The sessions of the newest 10,000 lines that a search finds, the newest first: for
    /// [`SessionFilter::ids`](crate::SessionFilter::ids).
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn search_sessions(
        &self,
        query: &str,
        filter: &SearchFilter,
    ) -> Result<Vec<SessionId>, StoreError> {
        let db = self.snapshot().await?;
        let asked = Asked::read(&db, query, filter, None).await?;
        let ids = asked.ids(&db, COUNT_MAX).await?;
        let mut sessions = Vec::new();
        for chunk in ids.chunks(5_000) {
            let rows = search_line::Entity::find()
                .select_only()
                .column(search_line::Column::SessionId)
                .filter(search_line::Column::Id.is_in(chunk.iter().copied()))
                .distinct()
                .into_tuple::<uuid::Uuid>()
                .all(&db)
                .await?;
            sessions.extend(rows.into_iter().map(SessionId));
        }
        sessions.sort_by(|a, b| b.cmp(a));
        sessions.dedup();
        Ok(sessions)
    }
}

/// A search with its names found.
struct Asked {
    question: Question,
    /// The ids that are wanted: from the first on, and below the second.
    from: i64,
    below: i64,
}

impl Asked {
    async fn read(
        db: &impl ConnectionTrait,
        query: &str,
        filter: &SearchFilter,
        after: Option<i64>,
    ) -> Result<Self, StoreError> {
        let mut question = Question::parse(query)?;
        if let Some(user) = &filter.user {
            let ids = ids_of_user(db, user).await?;
            question.and_one_of(ids.into_iter().map(of_user).collect());
        }
        if let Some(server) = &filter.server {
            let ids = ids_of_server(db, server).await?;
            question.and_one_of(ids.into_iter().map(of_server).collect());
        }
        if let Some(session) = filter.session {
            question.and_one_of(vec![of_session(session.0)]);
        }
        if let Some(kind) = filter.kind {
            question.and_one_of(vec![of_kind(kind)]);
        }
        let first = |moment: Timestamp| moment.as_microsecond().saturating_mul(SLOTS);
        let until = filter.until.map_or(i64::MAX, first);
        Ok(Self {
            question,
            from: filter.since.map_or(i64::MIN, first),
            below: after.unwrap_or(i64::MAX).min(until),
        })
    }

    /// The ids of the newest lines.
    async fn ids(&self, db: &impl ConnectionTrait, limit: u64) -> Result<Vec<i64>, StoreError> {
        let backend = db.get_database_backend();
        let (sql, question) = match backend {
            DbBackend::Postgres => (
                "SELECT id FROM search_lines WHERE words @@ $1::tsquery AND id >= $2 AND id < $3 \
                 ORDER BY id DESC LIMIT $4",
                self.question.tsquery(),
            ),
            _ => (
                "SELECT rowid AS id FROM search_words WHERE search_words MATCH $1 AND rowid >= $2 AND rowid < $3 \
                 ORDER BY rowid DESC LIMIT $4",
                self.question.fts5(),
            ),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values: [Value; 4] = [question.into(), self.from.into(), self.below.into(), limit.into()];
        let rows = db
            .query_all_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?;
        rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
    }
}

async fn hits(db: &impl ConnectionTrait, ids: &[i64]) -> Result<Vec<SearchHit>, StoreError> {
    let mut lines = crate::chunks::in_chunks::<search_line::Entity>(db, search_line::Column::Id, ids).await?;
    lines.sort_by_key(|line| std::cmp::Reverse(line.id));
    let mut sessions: Vec<_> = lines.iter().map(|line| line.session_id).collect();
    sessions.sort_unstable();
    sessions.dedup();
    let sessions = in_chunks_of::<session::Entity>(db, session::Column::Id, &sessions).await?;
    let of = |id| sessions.iter().find(|row| row.id == id);
    let mut hits = Vec::with_capacity(lines.len());
    for line in lines {
        let Some(session) = of(line.session_id) else {
            continue;
        };
        hits.push(SearchHit {
            session: SessionId(line.session_id),
            channel: u32::try_from(line.channel).unwrap_or(0),
            t: std::time::Duration::from_micros(u64::try_from(line.at_micros).unwrap_or(0)).as_secs_f64(),
            kind: stored("a kind of line", &line.kind)?,
            text: line.line,
            user: session.user_name.clone(),
            server: session.server_name.clone(),
            started_at: from_db(session.started_at),
        });
    }
    Ok(hits)
}

/// The ids of a person, or of all who had this name in a session.
async fn ids_of_user(db: &impl ConnectionTrait, who: &str) -> Result<Vec<i64>, StoreError> {
    match find_user(db, who).await {
        Ok(row) => Ok(vec![row.id]),
        Err(unknown @ StoreError::NotFound { .. }) => {
            let of = session::Column::UserFolded.eq(fold(who));
            past(db, session::Column::UserId, of).await?.ok_or(unknown)
        }
        Err(error) => Err(error),
    }
}

async fn ids_of_server(db: &impl ConnectionTrait, server: &str) -> Result<Vec<i64>, StoreError> {
    match find_server(db, server).await {
        Ok(row) => Ok(vec![row.id]),
        Err(unknown @ StoreError::NotFound { .. }) => {
            let of = session::Column::ServerFolded.eq(fold(server));
            past(db, session::Column::ServerId, of).await?.ok_or(unknown)
        }
        Err(error) => Err(error),
    }
}

async fn past(
    db: &impl ConnectionTrait,
    id: session::Column,
    named: sea_orm::sea_query::SimpleExpr,
) -> Result<Option<Vec<i64>>, StoreError> {
    let ids: Vec<i64> = session::Entity::find()
        .select_only()
        .column(id)
        .filter(named)
        .distinct()
        .order_by_asc(id)
        .into_tuple()
        .all(db)
        .await?;
    Ok((!ids.is_empty()).then_some(ids))
}
