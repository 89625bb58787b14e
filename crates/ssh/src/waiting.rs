//! A connection that has no session yet: nobody supervises it but this.
//!
//! Before its login it is bounded by the login grace. After it, while the login at the backend waits for the first use
//! of a channel, it is decided again as a session would be, and not kept for ever.

use std::sync::Arc;
use std::time::Duration;

use gatehouse_gate::Close;
use tokio::time::Instant;

use crate::conn::Conn;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How long a connection may be open without using a channel.
const LONGEST: Duration = Duration::from_secs(600);

/// Watches until there is a session or the connection ends.
pub(crate) async fn watch(conn: Arc<Conn>) {
    let gate = conn.accepted.gate().clone();
    let began = Instant::now();
    loop {
        tokio::select! {
            () = conn.ending.cancelled() => return,
            () = conn.abort.cancelled() => return,
            () = gate.stopping() => {
                if conn.session.get().is_none() {
                    end(&conn, "The gate is being stopped; connect again shortly.").await;
                }
                return;
            }
            () = tokio::time::sleep(EVERY) => {}
        }
        if conn.session.get().is_some() {
            return;
        }
        if let Some(sentence) = refusal(&conn, began) {
            return end(&conn, &sentence).await;
        }
    }
}

/// Why the connection is to end, if it is.
fn refusal(conn: &Conn, began: Instant) -> Option<String> {
    // Taken while the login at the backend is being made, which decides by itself.
    let deferred = conn.deferred.try_lock().ok()?;
    let waiting = deferred.as_ref()?;
    if let Err(denial) = waiting.decided.again() {
        conn.accepted
            .report(&denial, Some(waiting.decided.login().as_str()), None);
        return Some(format!("Your access has ended. {}", denial.sentence));
    }
    (began.elapsed() > LONGEST).then(|| "Nothing was opened on this connection for ten minutes.".to_owned())
}

async fn end(conn: &Arc<Conn>, sentence: &str) {
    conn.end(Close::normal(), sentence).await;
}
