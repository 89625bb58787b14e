//! `gatehouse jw`, or the program called as `jw`: who is connected now, in the manner of w(1).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use gatehouse_model::{SessionState, Timestamp};
use gatehouse_store::{PageRequest, Session, SessionFilter};

use super::{Answer, Context};
use crate::failure::Failure;
use crate::terminal::{Table, end, length};

/// The verb, and the name of the link that stands for it.
const NAME: &str = "jw";

/// A command line that begins with `jw` instead of `gatehouse` means that verb.
pub(super) fn called_by_name(line: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut line: Vec<_> = line.into_iter().collect();
    let name = line.first().and_then(|program| Path::new(program).file_name());
    if name.is_some_and(|name| name == NAME) {
        line.insert(1, NAME.into());
    }
    line
}

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
        let counts = [
            counted(sessions.len(), "session", "sessions"),
            counted(people.len(), "person", "people"),
            counted(servers.len(), "server", "servers"),
        ];
        let mut table = Table::new(&["USER", "LINE", "FROM", "ON", "SINCE", "IDLE", "ENDS", "WHAT"]);
        for session in &sessions {
            let login = session
                .login
                .as_deref()
                .map(|login| format!("{login}@"))
                .unwrap_or_default();
            table.row([
                session.user.as_str().into(),
                session
                    .line
                    .as_deref()
                    .unwrap_or(session.protocol.as_str())
                    .into(),
                session.source.to_string().into(),
                format!("{login}{}", session.server).into(),
                since(context.now, session.started_at).into(),
                idle(context.now, session).into(),
                end(context.now, session.allowed_until).into(),
                session.what.as_deref().unwrap_or("-").into(),
            ]);
        }
        format!(
            "{}  {}\n{}",
            context.now.strftime("%H:%M:%S UTC"),
            counts.join(", "),
            table.render(screen, "nobody is connected")
        )
    })
}

/// As `w` has it: the time for what began within a day, then the date.
fn since(now: Timestamp, then: Timestamp) -> String {
    let format = if now.duration_since(then).as_hours() < 24 {
        "%H:%M"
    } else {
        "%Y-%m-%d"
    };
    then.strftime(format).to_string()
}

/// How long nothing has come from the person.
fn idle(now: Timestamp, session: &Session) -> String {
    let last = session.typed_at.unwrap_or(session.started_at);
    length(now.duration_since(last).as_secs_f64())
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_link_is_the_verb() {
        let line = |words: &[&str]| called_by_name(words.iter().map(OsString::from));
        assert_eq!(
            line(&["/usr/local/bin/jw", "--json"]),
            ["/usr/local/bin/jw", "jw", "--json"]
        );
        assert_eq!(line(&["gatehouse", "jw"]), ["gatehouse", "jw"]);
        assert!(line(&[]).is_empty());
    }

    #[test]
    fn the_beginning_is_a_time_today_and_a_date_later() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-01-31T12:00:00Z");
        assert_eq!(since(now, at("2026-01-31T08:05:00Z")), "08:05");
        assert_eq!(since(now, at("2026-01-29T08:05:00Z")), "2026-01-29");
    }
}
