//! Finding requests.

use gatehouse_model::{PolicyId, RequestId, RequestKind, RequestState, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
};
use serde::Serialize;

use crate::break_glass::unreviewed;
use crate::entity::{policy, request, session, session_policy};
use crate::instant::to_db;
use crate::policy_view;
use crate::request_address::overlaps;
use crate::request_rights::{Reader, absent, decided_by, may_decide, may_see, sees_names, visible_to};
use crate::request_view::view;
use crate::requests::find;
use crate::resolve::{find_server, find_user, fold};
use crate::{AccessRequest, Page, PageRequest, RequestDetail, Session, Store, StoreError, session_view};

/// Sessions that are listed with a request.
const SESSIONS_MAX: u64 = 200;

/// Which requests to list.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    /// Those in this state.
    pub state: Option<RequestState>,
    /// Those of this person, by name or id.
    pub user: Option<String>,
    /// Those for this server, by name or id.
    pub server: Option<String>,
    /// Those of this kind.
    pub kind: Option<RequestKind>,
    /// Those that wait and that this person may decide.
    pub to_decide: Option<String>,
    /// Only what was opened by break-glass and is not reviewed.
    pub unreviewed: bool,
}

/// How much waits for somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct RequestCounts {
    /// Requests that wait for a decision.
    pub pending: u64,
    /// Access opened by break-glass that waits for a review.
    pub unreviewed: u64,
}

impl Store {
    /// Lists the requests that are there for the reader, the newest first. The cursor is a request's number.
    ///
    /// # Errors
    /// The database cannot be read, the cursor is none, or a name in the filter is not known.
    pub async fn requests(
        &self,
        now: Timestamp,
        reader: &Reader,
        filter: &RequestFilter,
        page: &PageRequest,
    ) -> Result<Page<AccessRequest>, StoreError> {
        let db = self.snapshot().await?;
        let condition = condition(&db, now, reader, filter)
            .await?
            .add_option(page.after_number()?.map(|after| request::Column::Id.lt(after)));
        let rows = request::Entity::find()
            .filter(condition)
            .order_by_desc(request::Column::Id)
            .limit(page.limit_and_one())
            .all(&db)
            .await?;
        let requests = rows
            .into_iter()
            .map(|row| view(row, now))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(requests, page.limit, |request| request.id.to_string()))
    }

    /// How many requests a list would hold, counted up to `most`.
    ///
    /// # Errors
    /// The database cannot be read, or a name in the filter is not known.
    pub async fn count_requests(
        &self,
        now: Timestamp,
        reader: &Reader,
        filter: &RequestFilter,
        most: u64,
    ) -> Result<u64, StoreError> {
        let db = self.snapshot().await?;
        let condition = condition(&db, now, reader, filter).await?;
        let query = request::Entity::find().filter(condition).limit(most);
        Ok(query.count(&db).await?)
    }

    /// One request with its grant and the sessions that followed.
    ///
    /// # Errors
    /// There is no such request for the reader, or the database cannot be read.
    pub async fn request(
        &self,
        now: Timestamp,
        reader: &Reader,
        id: RequestId,
    ) -> Result<RequestDetail, StoreError> {
        let db = self.snapshot().await?;
        let row = find(&db, id).await?;
        let (own, may_decide) = match reader.acting(&db, now).await? {
            None => (false, true),
            Some(acting) => {
                if !may_see(&db, &acting, &row).await? {
                    return Err(absent(id.0));
                }
                let may = may_decide(&db, &acting, &row).await?;
                (acting.person.id == row.user_id, may)
            }
        };
        let overlaps = if own {
            Vec::new()
        } else {
            overlaps(&db, &row).await?
        };
        let policy = match row.policy_id {
            Some(policy) => {
                let rows = policy::Entity::find_by_id(policy).all(&db).await?;
                policy_view::view_all(&db, now, rows).await?.pop()
            }
            None => None,
        };
        let sessions = match row.policy_id {
            Some(policy) => sessions_allowed_by(&db, now, policy).await?,
            None => Vec::new(),
        };
        let request = view(row, now)?;
        let may_decide = may_decide && request.state == RequestState::Pending;
        Ok(RequestDetail {
            request,
            policy,
            sessions,
            overlaps,
            may_decide,
        })
    }

    /// The requests that grants were made by, in the order of their numbers.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn requests_of_policies(
        &self,
        now: Timestamp,
        policies: &[PolicyId],
    ) -> Result<Vec<AccessRequest>, StoreError> {
        let ids = policies.iter().map(|policy| policy.0);
        let rows = request::Entity::find()
            .filter(request::Column::PolicyId.is_in(ids))
            .order_by_asc(request::Column::Id)
            .all(self.connection())
            .await?;
        rows.into_iter().map(|row| view(row, now)).collect()
    }

    /// How much waits for somebody.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn request_counts(&self, now: Timestamp) -> Result<RequestCounts, StoreError> {
        let db = self.snapshot().await?;
        let count = async |condition: Condition| request::Entity::find().filter(condition).count(&db).await;
        Ok(RequestCounts {
            pending: count(in_state(RequestState::Pending, now)).await?,
            unreviewed: count(unreviewed()).await?,
        })
    }
}

async fn condition(
    db: &impl ConnectionTrait,
    now: Timestamp,
    reader: &Reader,
    filter: &RequestFilter,
) -> Result<Condition, StoreError> {
    let mut condition = Condition::all()
        .add(visible_to(db, now, reader).await?)
        .add_option(filter.state.map(|state| in_state(state, now)))
        .add_option(filter.kind.map(|kind| request::Column::Kind.eq(kind.as_str())))
        .add_option(filter.unreviewed.then(unreviewed));
    // Whose names there are is nothing for everybody: to them an unknown one has no requests.
    let names = sees_names(db, now, reader).await?;
    let hidden = |found: Result<Condition, StoreError>| match found {
        Err(StoreError::NotFound { .. }) if !names => Ok(Condition::all().add(Expr::val(false))),
        found => found,
    };
    if let Some(user) = &filter.user {
        condition = condition.add(hidden(of_user(db, user).await)?);
    }
    if let Some(server) = &filter.server {
        condition = condition.add(hidden(for_server(db, server).await)?);
    }
    if let Some(person) = &filter.to_decide {
        condition = condition
            .add(in_state(RequestState::Pending, now))
            .add(hidden(decided_by(db, now, person).await)?);
    }
    Ok(condition)
}

/// Requests in a state; what waits beyond its time has expired, written down or not.
fn in_state(state: RequestState, now: Timestamp) -> Condition {
    let stored = request::Column::State.eq(state.as_str());
    let over = request::Column::ExpiresAt.lte(to_db(now));
    match state {
        RequestState::Pending => Condition::all()
            .add(stored)
            .add(request::Column::ExpiresAt.gt(to_db(now))),
        RequestState::Expired => Condition::any().add(stored).add(
            Condition::all()
                .add(request::Column::State.eq(RequestState::Pending.as_str()))
                .add(over),
        ),
        _ => Condition::all().add(stored),
    }
}

/// Requests of a person, who may have been removed since.
async fn of_user(db: &impl ConnectionTrait, who: &str) -> Result<Condition, StoreError> {
    let unknown = match find_user(db, who).await {
        Ok(row) => return Ok(Condition::all().add(request::Column::UserId.eq(row.id))),
        Err(unknown @ StoreError::NotFound { .. }) => unknown,
        Err(error) => return Err(error),
    };
    let by_name = request::Column::UserFolded.eq(fold(who));
    let past = request::Entity::find().filter(by_name.clone()).one(db).await?;
    past.map(|_| Condition::all().add(by_name)).ok_or(unknown)
}

async fn for_server(db: &impl ConnectionTrait, server: &str) -> Result<Condition, StoreError> {
    let unknown = match find_server(db, server).await {
        Ok(row) => return Ok(Condition::all().add(request::Column::ServerId.eq(row.id))),
        Err(unknown @ StoreError::NotFound { .. }) => unknown,
        Err(error) => return Err(error),
    };
    let by_name = request::Column::ServerFolded.eq(fold(server));
    let past = request::Entity::find().filter(by_name.clone()).one(db).await?;
    past.map(|_| Condition::all().add(by_name)).ok_or(unknown)
}

async fn sessions_allowed_by(
    db: &impl ConnectionTrait,
    now: Timestamp,
    policy: i64,
) -> Result<Vec<Session>, StoreError> {
    let allowed = session_policy::Entity::find()
        .select_only()
        .column(session_policy::Column::SessionId)
        .filter(session_policy::Column::PolicyId.eq(policy))
        .into_query();
    let rows = session::Entity::find()
        .filter(session::Column::Id.in_subquery(allowed))
        .order_by_desc(session::Column::Id)
        .limit(SESSIONS_MAX)
        .all(db)
        .await?;
    rows.into_iter().map(|row| session_view::view(row, now)).collect()
}
