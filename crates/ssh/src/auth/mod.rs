//! The client's login at the gate, and the login at the backend as far as it happens within it.
//!
//! Invariants:
//! - A denied person is never accepted: the reason is a banner, `publickey` alone stays on offer and always fails.
//! - A password or an answer goes to the backend only; its success is the backend's success.
//! - Where keys are registered for the person, one of them is proved before anything else counts.

mod typed;

use std::sync::Arc;

use gatehouse_gate::{Accepted, Decided, Denial, FirstLook, Proof};
use gatehouse_model::Login;
use russh::keys::PublicKey;
use russh::server::Auth;
use russh::{MethodKind, MethodSet};

use crate::conn::Conn;
use crate::deferred::Deferred;
use crate::login::split_login;
use crate::settings::{SecondStep, denied_methods, login_methods, methods, second_step_methods};
use crate::text;

use typed::Attempt;

/// Where a client's login stands.
pub(crate) struct Authentication {
    conn: Arc<Conn>,
    verdict: Verdict,
    proof: Proof,
    proven: Option<PublicKey>,
    attempt: Option<Attempt>,
    wrong: u32,
    banner: Option<String>,
}

enum Verdict {
    /// The login is not known yet. The server may have to be named in it.
    Open { server_in_login: bool },
    /// Allowed, for this user name as the client sent it.
    Decided { user: String, decided: Box<Decided> },
    /// Refused, for good on this connection.
    Denied,
}

impl Authentication {
    pub(crate) fn new(conn: Arc<Conn>) -> Self {
        Self {
            conn,
            verdict: Verdict::Open {
                server_in_login: false,
            },
            proof: Proof::Address,
            proven: None,
            attempt: None,
            wrong: 0,
            banner: None,
        }
    }

    /// Before the login is known: the reason, where it is clear already.
    pub(crate) fn first_look(&mut self) -> Option<String> {
        match self.accepted().first_look() {
            FirstLook::Open => {}
            FirstLook::ServerInLogin => {
                self.verdict = Verdict::Open {
                    server_in_login: true,
                }
            }
            FirstLook::Denied(denial) => {
                self.deny(&denial, None, None);
                return self.banner.take();
            }
        }
        None
    }

    /// What is to be shown before the answer to the present request.
    pub(crate) fn take_banner(&mut self) -> Option<String> {
        self.banner.take()
    }

    fn accepted(&self) -> &Accepted {
        &self.conn.accepted
    }

    fn deny(&mut self, denial: &Denial, login: Option<&str>, server: Option<&str>) {
        self.accepted().report(denial, login, server);
        self.banner = Some(text::banner(&denial.sentence));
        self.verdict = Verdict::Denied;
        self.attempt = None;
    }

    /// Decides for this user name, once; `None`: refused.
    fn admit(&mut self, user: &str) -> Option<Decided> {
        match &self.verdict {
            Verdict::Denied => return None,
            Verdict::Decided { user: known, decided } if known == user => return Some((**decided).clone()),
            // RFC 4252 section 5: another name starts anew.
            Verdict::Decided { .. } => {
                self.attempt = None;
                self.proof = Proof::Address;
                self.proven = None;
                let server_in_login = self.accepted().proxy().is_none();
                self.verdict = Verdict::Open { server_in_login };
            }
            Verdict::Open { .. } => {}
        }
        let server_in_login = matches!(
            self.verdict,
            Verdict::Open {
                server_in_login: true
            }
        );
        let (login, server) = match split_login(user).filter(|_| server_in_login) {
            Some(split) => (split.login, Some(split.server)),
            None => (user, None),
        };
        let Ok(parsed) = login.parse::<Login>() else {
            self.banner = Some(text::banner(
                "The login name is empty, too long or contains control characters.",
            ));
            self.verdict = Verdict::Denied;
            return None;
        };
        match self.accepted().decide(parsed, server) {
            Ok(decided) => {
                self.verdict = Verdict::Decided {
                    user: user.to_owned(),
                    decided: Box::new(decided.clone()),
                };
                Some(decided)
            }
            Err(mut denial) => {
                if server_in_login && server.is_none() && denial.user.is_some() {
                    "Name the server in the login: ssh LOGIN@SERVER@GATE.".clone_into(&mut denial.sentence);
                }
                self.deny(&denial, Some(login), server);
                None
            }
        }
    }

    /// The method `none` (RFC 4252 section 5.2): accepted only where a known address is enough for a stored
    /// credential; otherwise it tells the client what it may try.
    pub(crate) async fn none(&mut self, user: &str) -> Auth {
        let Some(decided) = self.admit(user) else {
            return refuse(denied_methods());
        };
        if !decided.registered_keys().is_empty() {
            return refuse(methods(&[MethodKind::PublicKey]));
        }
        match decided.has_credential(Proof::Address).await {
            Ok(true) => self.accept_deferred(decided).await,
            Ok(false) => refuse(login_methods()),
            Err(error) => self.database_gone(&error),
        }
    }

    /// A key on offer, its ownership not proved yet.
    pub(crate) fn offered(&mut self, user: &str, key: &PublicKey) -> Auth {
        let Some(decided) = self.admit(user) else {
            return refuse(denied_methods());
        };
        if self.fits(&decided, key) {
            Auth::Accept
        } else {
            refuse(self.open_methods(&decided))
        }
    }

    /// A key whose ownership is proved.
    pub(crate) async fn proven(&mut self, user: &str, key: &PublicKey) -> Auth {
        let Some(decided) = self.admit(user) else {
            return refuse(denied_methods());
        };
        if !self.fits(&decided, key) {
            return refuse(self.open_methods(&decided));
        }
        self.proven = Some(key.clone());
        if decided.registered_keys().is_empty() {
            return self.accept_deferred(decided).await;
        }
        self.proof = Proof::RegisteredKey;
        match decided.has_credential(self.proof).await {
            Ok(false) if self.conn.settings.second_step == SecondStep::Password => Auth::Reject {
                proceed_with_methods: Some(second_step_methods()),
                partial_success: true,
            },
            Ok(_) => self.accept_deferred(decided).await,
            Err(error) => self.database_gone(&error),
        }
    }

    /// Whether the key is one that this person may come with.
    fn fits(&self, decided: &Decided, key: &PublicKey) -> bool {
        let registered = decided.registered_keys();
        registered.is_empty()
            || registered.iter().any(|line| {
                PublicKey::from_openssh(line).is_ok_and(|known| known.key_data() == key.key_data())
            })
    }

    fn open_methods(&self, decided: &Decided) -> MethodSet {
        match (decided.registered_keys().is_empty(), self.proof) {
            (true, _) => login_methods(),
            (false, Proof::RegisteredKey) => second_step_methods(),
            (false, Proof::Address) => methods(&[MethodKind::PublicKey]),
        }
    }

    /// Whether what the client types may go to the backend: a registered key comes first.
    fn may_type(&self, decided: &Decided) -> bool {
        decided.registered_keys().is_empty() || self.proof == Proof::RegisteredKey
    }

    /// Accepts the client; the login at the backend is made when a channel is first used.
    async fn accept_deferred(&mut self, decided: Decided) -> Auth {
        self.attempt = None;
        let deferred = Deferred {
            decided,
            proof: self.proof,
            proven: self.proven.clone(),
        };
        *self.conn.deferred.lock().await = Some(deferred);
        Auth::Accept
    }

    fn database_gone(&mut self, error: &(dyn std::error::Error + 'static)) -> Auth {
        tracing::error!(error, "stored credentials could not be looked up");
        self.banner = Some(text::banner(
            "The gate's database cannot be reached; try again shortly.",
        ));
        self.verdict = Verdict::Denied;
        refuse(denied_methods())
    }
}

fn refuse(methods: MethodSet) -> Auth {
    Auth::Reject {
        proceed_with_methods: Some(methods),
        partial_success: false,
    }
}
