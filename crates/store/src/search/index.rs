//! Writing the index.

use std::collections::{HashMap, HashSet};

use gatehouse_model::{NodeId, SessionId, SessionState};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Statement, Value,
};
use uuid::Uuid;

use super::words::{MARK, as_text, as_tsvector, words};
use super::{
    IndexBatch, IndexLine, IndexProgress, IndexState, LINE_MAX, LineKind, SESSION_LINES_MAX, SLOTS,
    SessionToIndex,
};
use crate::change::Scope;
use crate::chunks::in_chunks_of;
use crate::entity::{search_line, search_state, session};
use crate::instant::from_db;
use crate::resolve::{outside_text, stored};
use crate::{Store, StoreError};

/// Lines of one statement; SQLite takes 32,766 values.
const ROWS: usize = 500;
/// How often ids are looked for.
const TRIES: u32 = 256;
/// Attempts to read a session before it is left alone.
const ATTEMPTS_MAX: i32 = 3;

/// The filter word of a person.
pub(super) fn of_user(user: i64) -> String {
    format!("{MARK}u{user}")
}

/// The filter word of a server.
pub(super) fn of_server(server: i64) -> String {
    format!("{MARK}s{server}")
}

/// The filter word of a session.
pub(super) fn of_session(session: Uuid) -> String {
    format!("{MARK}i{}", session.simple())
}

/// The filter word of a kind.
pub(super) fn of_kind(kind: LineKind) -> String {
    format!("{MARK}k{}", kind.as_str())
}

impl Store {
    /// Sessions of a node that were not read to their ends, at most `limit` of each state: those that run, then those
    /// that are closed, each the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sessions_to_index(
        &self,
        node: NodeId,
        limit: u64,
    ) -> Result<Vec<SessionToIndex>, StoreError> {
        let db = self.snapshot().await?;
        let running = session::Entity::find()
            .filter(session::Column::NodeId.eq(node.0))
            .filter(session::Column::State.eq(SessionState::Active.as_str()))
            .order_by_desc(session::Column::Id)
            .limit(limit)
            .all(&db)
            .await?;
        let pending = search_state::Entity::find()
            .filter(search_state::Column::NodeId.eq(node.0))
            .filter(search_state::Column::Complete.eq(false))
            .order_by_desc(search_state::Column::SessionId)
            // Those that run are among them, and may be the newest.
            .limit(limit.saturating_mul(2))
            .all(&db)
            .await?;
        let ids: Vec<Uuid> = pending.iter().map(|row| row.session_id).collect();
        let closed = in_chunks_of::<session::Entity>(&db, session::Column::Id, &ids).await?;
        let closed = closed
            .into_iter()
            .rev()
            .filter(|row| row.state == SessionState::Closed.as_str())
            .take(usize::try_from(limit).unwrap_or(usize::MAX));
        let mut sessions = Vec::new();
        for row in running.into_iter().chain(closed) {
            let state = match pending.iter().find(|state| state.session_id == row.id) {
                Some(state) => Some(state.clone()),
                None => search_state::Entity::find_by_id(row.id).one(&db).await?,
            };
            let (Some(state), Some(recording)) = (state, row.recording_path) else {
                continue;
            };
            if !state.complete {
                sessions.push(SessionToIndex {
                    id: SessionId(row.id),
                    state: stored("a session state", &row.state)?,
                    started_at: from_db(row.started_at),
                    recording,
                    what: row.what,
                    index: view(state)?,
                });
            }
        }
        Ok(sessions)
    }

    /// How a session's index stands; `None`: it has none and will have none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn index_state(&self, session: SessionId) -> Result<Option<IndexState>, StoreError> {
        let row = search_state::Entity::find_by_id(session.0)
            .one(self.connection())
            .await?;
        row.map(view).transpose()
    }

    /// Adds lines to a session's index, with how far was read, in one transaction. Of a session that is gone, or was
    /// read to its end, nothing is added. Beyond [`SESSION_LINES_MAX`] lines it is complete.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn index_lines(&self, session: SessionId, batch: IndexBatch) -> Result<IndexState, StoreError> {
        let change = self.change(Scope::Record).await?;
        let db = change.db();
        let state = search_state::Entity::find_by_id(session.0)
            .lock_exclusive()
            .one(db)
            .await?;
        let row = session::Entity::find_by_id(session.0).one(db).await?;
        let (Some(mut state), Some(row)) = (state, row) else {
            return Ok(gone());
        };
        if state.complete {
            return view(state);
        }
        search_line::Entity::delete_many()
            .filter(search_line::Column::SessionId.eq(session.0))
            .filter(search_line::Column::OnScreen.eq(true))
            .exec(db)
            .await?;
        let room = SESSION_LINES_MAX.saturating_sub(u64::try_from(state.lines).unwrap_or(0));
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let cut = batch.lines.len() > room;
        let lines = batch.lines.get(..room).unwrap_or(&batch.lines);
        let mut writer = Writer::of(&row);
        writer.write(db, lines, false).await?;
        let count = i64::try_from(lines.len()).unwrap_or(0);
        if !cut && !batch.complete {
            let shown = batch
                .on_screen
                .get(..room.saturating_sub(lines.len()))
                .unwrap_or(&batch.on_screen);
            writer.write(db, shown, true).await?;
        }
        state.lines = state.lines.saturating_add(count);
        state.progress = serde_json::json!(batch.progress).to_string();
        state.complete = batch.complete || cut;
        state.attempts = 0;
        state.trouble = cut.then(|| format!("only the first {SESSION_LINES_MAX} lines were indexed"));
        let state = state.into_active_model().reset_all().update(db).await?;
        change.commit().await?;
        view(state)
    }

    /// Notes that a session could not be read. After the third time in a row, or at once if `for_good`, it is left
    /// alone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn index_failed(
        &self,
        session: SessionId,
        trouble: &str,
        for_good: bool,
    ) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        let state = search_state::Entity::find_by_id(session.0)
            .one(change.db())
            .await?;
        if let Some(state) = state.filter(|state| !state.complete) {
            let attempts = state.attempts.saturating_add(1);
            let mut row = state.into_active_model();
            row.attempts = Set(attempts);
            row.trouble = Set(Some(outside_text(trouble.to_owned())));
            row.complete = Set(for_good || attempts >= ATTEMPTS_MAX);
            row.update(change.db()).await?;
        }
        change.commit().await?;
        Ok(())
    }
}

/// The row of a session that has just begun.
pub(crate) async fn begin(db: &impl ConnectionTrait, session: Uuid, node: Uuid) -> Result<(), StoreError> {
    let row = search_state::ActiveModel {
        session_id: Set(session),
        node_id: Set(node),
        progress: Set("{}".to_owned()),
        lines: Set(0),
        complete: Set(false),
        attempts: Set(0),
        trouble: Set(None),
    };
    search_state::Entity::insert(row)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

fn gone() -> IndexState {
    IndexState {
        progress: IndexProgress::default(),
        lines: 0,
        complete: true,
        attempts: 0,
        trouble: None,
    }
}

fn view(row: search_state::Model) -> Result<IndexState, StoreError> {
    Ok(IndexState {
        progress: serde_json::from_str(&row.progress)
            .map_err(|error| StoreError::corrupt("the progress of an index", error))?,
        lines: u64::try_from(row.lines).unwrap_or(0),
        complete: row.complete,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        trouble: row.trouble,
    })
}

/// Writes lines of one session.
struct Writer {
    session: Uuid,
    started: i64,
    marks: Vec<String>,
}

impl Writer {
    fn of(row: &session::Model) -> Self {
        Self {
            session: row.id,
            started: row.started_at.timestamp_micros(),
            marks: vec![of_user(row.user_id), of_server(row.server_id), of_session(row.id)],
        }
    }

    async fn write(
        &mut self,
        db: &impl ConnectionTrait,
        lines: &[IndexLine],
        on_screen: bool,
    ) -> Result<(), StoreError> {
        for chunk in lines.chunks(ROWS) {
            let ids = self.free_ids(db, chunk).await?;
            let rows: Vec<_> = chunk.iter().zip(ids).collect();
            match db.get_database_backend() {
                DbBackend::Postgres => self.insert_postgres(db, &rows, on_screen).await?,
                _ => self.insert_sqlite(db, &rows, on_screen).await?,
            }
        }
        Ok(())
    }

    /// An id for each line: its moment, or the next one that is free.
    async fn free_ids(&self, db: &impl ConnectionTrait, lines: &[IndexLine]) -> Result<Vec<i64>, StoreError> {
        let moment = |line: &IndexLine| {
            let at = i64::try_from(line.at).unwrap_or(i64::MAX);
            self.started
                .saturating_add(at)
                .clamp(0, i64::MAX / SLOTS)
                .saturating_mul(SLOTS)
        };
        let moments: Vec<i64> = lines.iter().map(moment).collect();
        // Where the lines of a moment begin, if others of it are there already.
        let mut begin: HashMap<i64, i64> = HashMap::new();
        for _ in 0..TRIES {
            let ids = in_order(&moments, &begin);
            let held: HashSet<i64> = search_line::Entity::find()
                .select_only()
                .column(search_line::Column::Id)
                .filter(search_line::Column::Id.is_in(ids.iter().copied()))
                .into_tuple()
                .all(db)
                .await?
                .into_iter()
                .collect();
            if held.is_empty() {
                return Ok(ids);
            }
            let last: HashMap<i64, i64> = moments
                .iter()
                .zip(&ids)
                .filter(|(_, id)| held.contains(id))
                .map(|(moment, id)| (*moment, *id))
                .collect();
            for (moment, held) in last {
                begin.insert(moment, last_held(db, held).await?.saturating_add(1));
            }
        }
        Err(StoreError::Conflict(
            "there are too many lines of one moment".to_owned(),
        ))
    }

    fn row(&self, line: &IndexLine, id: i64, on_screen: bool) -> [Value; 7] {
        [
            id.into(),
            self.session.into(),
            i64::from(line.channel).into(),
            i64::try_from(line.at).unwrap_or(i64::MAX).into(),
            line.kind.as_str().into(),
            outside_text(cut(&line.text).to_owned()).into(),
            on_screen.into(),
        ]
    }

    fn marks(&self, line: &IndexLine) -> Vec<String> {
        let mut marks = self.marks.clone();
        marks.push(of_kind(line.kind));
        marks
    }

    async fn insert_postgres(
        &self,
        db: &impl ConnectionTrait,
        rows: &[(&IndexLine, i64)],
        on_screen: bool,
    ) -> Result<(), StoreError> {
        let mut values = Vec::with_capacity(rows.len() * 8);
        for (line, id) in rows {
            values.extend(self.row(line, *id, on_screen));
            values.push(as_tsvector(&words(cut(&line.text)), &self.marks(line)).into());
        }
        let places = places(rows.len(), 8, |places| match places.rsplit_once(", ") {
            Some((others, last)) => format!("({others}, {last}::tsvector)"),
            None => String::new(),
        });
        let sql = format!(
            "INSERT INTO search_lines (id, session_id, channel, at_micros, kind, line, on_screen, words) VALUES {places}"
        );
        db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
            .await?;
        Ok(())
    }

    async fn insert_sqlite(
        &self,
        db: &impl ConnectionTrait,
        rows: &[(&IndexLine, i64)],
        on_screen: bool,
    ) -> Result<(), StoreError> {
        let (mut values, mut of_words) = (
            Vec::with_capacity(rows.len() * 7),
            Vec::with_capacity(rows.len() * 2),
        );
        for (line, id) in rows {
            values.extend(self.row(line, *id, on_screen));
            of_words.push(Value::from(*id));
            of_words.push(as_text(&words(cut(&line.text)), &self.marks(line)).into());
        }
        let whole = |places: &str| format!("({places})");
        let sql = format!(
            "INSERT INTO search_lines (id, session_id, channel, at_micros, kind, line, on_screen) VALUES {}",
            places(rows.len(), 7, whole)
        );
        db.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values))
            .await?;
        let sql = format!(
            "INSERT INTO search_words (rowid, words) VALUES {}",
            places(rows.len(), 2, whole)
        );
        db.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, of_words))
            .await?;
        Ok(())
    }
}

/// Different ids for these moments, each the moment or the first one after it that is free.
fn in_order(moments: &[i64], begin: &HashMap<i64, i64>) -> Vec<i64> {
    let (mut next, mut taken) = (HashMap::new(), HashSet::new());
    let mut ids = Vec::with_capacity(moments.len());
    for moment in moments {
        let next = next
            .entry(*moment)
            .or_insert_with(|| begin.get(moment).copied().unwrap_or(*moment));
        while !taken.insert(*next) {
            *next = next.saturating_add(1);
        }
        ids.push(*next);
    }
    ids
}

/// The last id of those that follow this one closely.
async fn last_held(db: &impl ConnectionTrait, held: i64) -> Result<i64, StoreError> {
    let last = search_line::Entity::find()
        .select_only()
        .column(search_line::Column::Id)
        .filter(search_line::Column::Id.between(held, held.saturating_add(SLOTS)))
        .order_by_desc(search_line::Column::Id)
        .limit(1)
        .into_tuple::<i64>()
        .one(db)
        .await?;
    Ok(last.unwrap_or(held))
}

/// The places of the values of so many rows.
fn places(rows: usize, columns: usize, row: impl Fn(&str) -> String) -> String {
    let of_row = |number: usize| {
        let places: Vec<_> = (1..=columns)
            .map(|column| format!("${}", number * columns + column))
            .collect();
        row(&places.join(", "))
    };
    (0..rows).map(of_row).collect::<Vec<_>>().join(", ")
}

/// What is kept of a line.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LINE_MAX)).unwrap_or(text)
}
