//! Whether somebody is signed in, and what the page needs to go on.

use gatehouse_model::{Name, Role, SourceAddr, SpanSeconds, Timestamp};
use gatehouse_store::{FirstAdministrator, SignInState, SignedIn};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::{Caller, Means, person_at};
use crate::problem::Problem;
use crate::site::{AddressTrust, Site};

/// How far somebody is signed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Progress {
    /// Not at all.
    None,
    /// By the source address, for their own pages.
    Address,
    /// A second factor is still missing.
    Factor,
    /// They are.
    SignedIn,
}

/// The person who is signed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Whom {
    /// The name.
    name: Name,
    /// The name in full.
    full_name: Option<String>,
    /// The role.
    role: Role,
}

/// Whether somebody is signed in, and what the page needs to go on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Session {
    /// How far.
    state: Progress,
    /// Who.
    user: Option<Whom>,
    /// Where the request came from.
    source: SourceAddr,
    /// To be sent as `X-Gatehouse-CSRF` with whatever changes something.
    csrf: Option<String>,
    /// Second factors that would do, while one is missing or is to be confirmed.
    factors: Vec<&'static str>,
    /// Until when dangerous things need no confirmation.
    fresh_until: Option<Timestamp>,
    /// When the sign-in ends if it is not used.
    idle_ends_at: Option<Timestamp>,
    /// When it ends in any case.
    ends_at: Option<Timestamp>,
    /// Whether no administrator can sign in yet.
    setup_needed: bool,
    /// Whose the source address is, if that is enough for their own pages.
    address_user: Option<Name>,
    /// The version of this program.
    version: &'static str,
}

/// Describes the sign-in that stands after a request.
pub(super) async fn describe(
    site: &Site,
    caller: &Caller,
    signed_in: Option<(&SignedIn, String)>,
) -> Result<Session, Problem> {
    let settings = site.settings();
    let trusted = settings.address_trust == AddressTrust::OwnPages;
    let at_address = person_at(&site.gate().directory(), caller).filter(|_| trusted);
    let setup = site.store().needs_first_administrator(caller.now).await?;
    let mut session = Session {
        state: Progress::None,
        user: None,
        source: caller.source,
        csrf: None,
        factors: Vec::new(),
        fresh_until: None,
        idle_ends_at: None,
        ends_at: None,
        setup_needed: setup != FirstAdministrator::NotNeeded,
        address_user: at_address.as_ref().map(|person| person.name.clone()),
        version: env!("CARGO_PKG_VERSION"),
    };
    if let Some((known, csrf)) = signed_in {
        let after = |from: Timestamp, span: SpanSeconds| from.saturating_add(span.std()).ok();
        let factors = site.store().factors(&known.user.to_string()).await?;
        session.csrf = Some(csrf);
        if factors.totp {
            session.factors.push("totp");
        }
        if factors.recovery_codes_left > 0 {
            session.factors.push("recovery");
        }
        if factors.password && !factors.totp && known.state == SignInState::Open {
            session.factors.push("password");
        }
        if !factors.passkeys.is_empty() {
            session.factors.push("passkey");
        }
        session.state = match known.state {
            SignInState::Factor => Progress::Factor,
            SignInState::Open => Progress::SignedIn,
        };
        session.user = Some(Whom {
            name: known.name.clone(),
            full_name: known.full_name.clone(),
            role: known.role,
        });
        if known.state == SignInState::Open {
            session.fresh_until = after(known.fresh_at, settings.confirm_after);
            session.idle_ends_at = after(known.seen_at, settings.idle_timeout);
            session.ends_at = after(known.created_at, settings.session_timeout);
        }
    } else if let Some((person, means)) = &caller.known {
        session.state = match means {
            Means::Address => Progress::Address,
            Means::SignIn { .. } | Means::Token { .. } => Progress::SignedIn,
        };
        session.user = Some(Whom {
            name: person.name.clone(),
            full_name: None,
            role: person.role,
        });
    }
    Ok(session)
}
