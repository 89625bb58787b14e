//! Who may see and decide requests.
//!
//! INVARIANT **four-eyes**: a request is decided by an approver of a group that its server is in, directly or below,
//! by an operator or by an administrator, who are in use and not locked; never by the person who asked, by whatever
//! way. The check lies within the transaction of the decision.
//!
//! INVARIANT **nothing of another's**: for a person who may neither see nor decide it, a request is not there.

use gatehouse_audit::Actor;
use gatehouse_model::{RequestId, Role, Timestamp};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use crate::entity::{request, server_member, user};
use crate::resolve::find_user;
use crate::standing::{acting_role, approver_of, groups_around};
use crate::{GroupKind, Kind, StoreError};

/// Who decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decider {
    /// A person, by name or id.
    User(String),
    /// A person, by name or id, who acts with no more than this role here, whatever their own is.
    UserAtMost(String, Role),
    /// Somebody at the command line, who names nobody.
    CommandLine(FourEyes),
}

/// Whether whoever decides at the command line has to be named.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FourEyes {
    /// Who may administer may decide.
    #[default]
    Off,
    /// A person has to be named, who is held to the rules for all.
    On,
}

/// Who reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reader {
    /// A person, by name or id: all with the role auditor or a higher one, else what is their own and what they may
    /// decide.
    User(String),
    /// A person, by name or id, who reads with no more than this role here, whatever their own is.
    UserAtMost(String, Role),
    /// Somebody at the command line: all.
    CommandLine,
}

/// A person with the role that they act with; `None`: they are switched off or locked.
pub(crate) struct Acting {
    pub(crate) person: user::Model,
    role: Option<Role>,
}

impl Acting {
    async fn find(
        db: &impl ConnectionTrait,
        now: Timestamp,
        who: &str,
        at_most: Role,
    ) -> Result<Self, StoreError> {
        let person = find_user(db, who).await?;
        let role = acting_role(&person, now)?.map(|role| role.min(at_most));
        Ok(Self { person, role })
    }

    fn is_at_least(&self, role: Role) -> bool {
        self.role.is_some_and(|own| own >= role)
    }
}

impl Reader {
    /// The person who reads; `None`: somebody at the command line.
    pub(crate) async fn acting(
        &self,
        db: &impl ConnectionTrait,
        now: Timestamp,
    ) -> Result<Option<Acting>, StoreError> {
        match self {
            Self::User(who) => Acting::find(db, now, who, Role::Admin).await.map(Some),
            Self::UserAtMost(who, role) => Acting::find(db, now, who, *role).await.map(Some),
            Self::CommandLine => Ok(None),
        }
    }
}

/// Makes sure that the decider may decide a request, and answers the name to be kept.
pub(crate) async fn ensure_may_decide(
    db: &impl ConnectionTrait,
    actor: &Actor,
    now: Timestamp,
    decider: &Decider,
    row: &request::Model,
) -> Result<String, StoreError> {
    let Some(acting) = deciding(db, now, decider).await? else {
        return Ok(actor.name().to_owned());
    };
    ensure_not_own(&acting, row, "decide")?;
    if may_decide(db, &acting, row).await? {
        return Ok(acting.person.name);
    }
    if acting.is_at_least(Role::Auditor) {
        return Err(StoreError::Forbidden(format!(
            "{} may not decide request #{}; ask an approver of its server, an operator or an administrator",
            acting.person.name, row.id
        )));
    }
    Err(absent(row.id))
}

/// Makes sure that the decider is an operator or an administrator, and not the person who asked.
pub(crate) async fn ensure_may_review(
    db: &impl ConnectionTrait,
    actor: &Actor,
    now: Timestamp,
    decider: &Decider,
    row: &request::Model,
) -> Result<String, StoreError> {
    let Some(acting) = deciding(db, now, decider).await? else {
        return Ok(actor.name().to_owned());
    };
    ensure_not_own(&acting, row, "review")?;
    if acting.is_at_least(Role::Operator) {
        return Ok(acting.person.name);
    }
    if !may_see(db, &acting, row).await? {
        return Err(absent(row.id));
    }
    Err(StoreError::Forbidden(format!(
        "{} may not review; ask an operator or an administrator",
        acting.person.name
    )))
}

fn ensure_not_own(acting: &Acting, row: &request::Model, what: &str) -> Result<(), StoreError> {
    if acting.person.id == row.user_id {
        return Err(StoreError::Forbidden(format!(
            "request #{} is {}'s own; somebody else has to {what} it",
            row.id, acting.person.name
        )));
    }
    Ok(())
}

/// The person who decides; `None`: somebody at the command line, who may.
async fn deciding(
    db: &impl ConnectionTrait,
    now: Timestamp,
    decider: &Decider,
) -> Result<Option<Acting>, StoreError> {
    match decider {
        Decider::User(who) => Acting::find(db, now, who, Role::Admin).await.map(Some),
        Decider::UserAtMost(who, role) => Acting::find(db, now, who, *role).await.map(Some),
        Decider::CommandLine(FourEyes::Off) => Ok(None),
        Decider::CommandLine(FourEyes::On) => Err(StoreError::Forbidden(
            "requests are decided by two people here (requests.four_eyes); say who decides with --as USER"
                .to_owned(),
        )),
    }
}

/// Whether a person may decide a request that waits.
pub(crate) async fn may_decide(
    db: &impl ConnectionTrait,
    acting: &Acting,
    row: &request::Model,
) -> Result<bool, StoreError> {
    if acting.role.is_none() || acting.person.id == row.user_id {
        return Ok(false);
    }
    if acting.is_at_least(Role::Operator) {
        return Ok(true);
    }
    let Some(server) = row.server_id else {
        return Ok(false);
    };
    let groups = approver_of(db, acting.person.id).await?;
    let around = groups_around(db, GroupKind::Server, server).await?;
    Ok(around.iter().any(|group| groups.contains(group)))
}

/// Whether a request is there for a person.
pub(crate) async fn may_see(
    db: &impl ConnectionTrait,
    acting: &Acting,
    row: &request::Model,
) -> Result<bool, StoreError> {
    let own = row.user_id == acting.person.id;
    Ok(own || acting.is_at_least(Role::Auditor) || may_decide(db, acting, row).await?)
}

/// Whether a reader may learn whose names there are.
pub(crate) async fn sees_names(
    db: &impl ConnectionTrait,
    now: Timestamp,
    reader: &Reader,
) -> Result<bool, StoreError> {
    let acting = reader.acting(db, now).await?;
    Ok(acting.is_none_or(|acting| acting.is_at_least(Role::Auditor)))
}

/// What a reader sees of all requests.
pub(crate) async fn visible_to(
    db: &impl ConnectionTrait,
    now: Timestamp,
    reader: &Reader,
) -> Result<Condition, StoreError> {
    let Some(acting) = reader.acting(db, now).await? else {
        return Ok(Condition::all());
    };
    if acting.is_at_least(Role::Auditor) {
        return Ok(Condition::all());
    }
    let own = Condition::any().add(request::Column::UserId.eq(acting.person.id));
    if acting.role.is_none() {
        return Ok(own);
    }
    Ok(own.add(at_servers_in(approver_of(db, acting.person.id).await?)))
}

/// What a person may decide, whatever state it is in.
pub(crate) async fn decided_by(
    db: &impl ConnectionTrait,
    now: Timestamp,
    who: &str,
) -> Result<Condition, StoreError> {
    let acting = Acting::find(db, now, who, Role::Admin).await?;
    let others = Condition::all().add(request::Column::UserId.ne(acting.person.id));
    Ok(match acting.role {
        None => others.add(Expr::val(false)),
        Some(role) if role >= Role::Operator => others,
        Some(_) => others.add(at_servers_in(approver_of(db, acting.person.id).await?)),
    })
}

/// Requests for servers in these groups; a group holds the servers of those below it by being listed with them.
fn at_servers_in(groups: Vec<i64>) -> SimpleExpr {
    let servers = server_member::Entity::find()
        .select_only()
        .column(server_member::Column::ServerId)
        .filter(server_member::Column::GroupId.is_in(groups))
        .into_query();
    request::Column::ServerId.in_subquery(servers)
}

/// The error for a request that is not there.
pub(crate) fn absent(id: i64) -> StoreError {
    StoreError::absent(Kind::Request, RequestId(id))
}
