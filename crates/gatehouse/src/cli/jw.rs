//! `gatehouse jw`: who is connected now, in the manner of w(1).

use std::collections::BTreeSet;

use gatehouse_model::SessionState;
use gatehouse_store::{PageRequest, SessionFilter};

use super::{Answer, Context};
use crate::failure::Failure;
use crate::terminal::{Table, bytes, end, length};

pub(super) async fn run(context: &Context) -> Result<Answer, Failure> {
    let filter = SessionFilter {
        state: Some(SessionState::Active),
        ..SessionFilter::default()
    };
    let sessions = context
        .store
        .sessions(context.now, &filter, &PageRequest::all())
        .await?
        .items;
    context.answer(&sessions, |screen| {
        let people: BTreeSet<_> = sessions.iter().map(|session| session.user.as_str()).collect();
        let servers: BTreeSet<_> = sessions.iter().map(|session| session.server.as_str()).collect();
        let clock = context.now.strftime("%H:%M:%S UTC");
        let counts = [
            counted(sessions.len(), "session", "sessions"),
            counted(people.len(), "person", "people"),
            counted(servers.len(), "server", "servers"),
        ];
        let mut table = Table::new(&["USER", "FROM", "AT", "PROTO", "FOR", "IN", "OUT", "ENDS", "WHAT"]);
        for session in &sessions {
            let login = session
                .login
                .as_deref()
                .map(|login| format!("{login}@"))
                .unwrap_or_default();
            table.row([
                session.user.as_str().into(),
                session.source.to_string().into(),
                format!("{login}{}", session.server).into(),
                session.protocol.as_str().into(),
                length(session.duration_seconds).into(),
                bytes(session.bytes_in).into(),
                bytes(session.bytes_out).into(),
                end(context.now, session.allowed_until).into(),
                session.subsystem.as_deref().unwrap_or("-").into(),
            ]);
        }
        format!(
            "{clock}  {}\n{}",
            counts.join(", "),
            table.render(screen, "nobody is connected")
        )
    })
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
