//! What the client types, passed on to the backend within the login: a password, or answers to its prompts.

use std::sync::Arc;
use std::time::Duration;

use gatehouse_gate::{Decided, LoginMethod, Proof, Recording};
use russh::client::{AuthResult, KeyboardInteractiveAuthResponse};
use russh::server::Auth;
use russh::{MethodKind, MethodSet};
use tracing::Instrument;

use super::{Authentication, Verdict, refuse};
use crate::backend::{self, Backend, BackendError};
use crate::forward::ToClient;
use crate::settings::{denied_methods, methods, second_step_methods};
use crate::text;

/// Pause after a wrong password, so that guessing is slow whatever the backend does.
const WRONG_PASSWORD_PAUSE: Duration = Duration::from_secs(1);

/// A login at the backend with what the client types.
pub(super) struct Attempt {
    recording: Arc<Recording>,
    backend: Option<Backend>,
    /// The backend waits for answers to its prompts, and hears nothing else.
    prompting: bool,
    /// Something was typed for this login already.
    typed: bool,
    refused: bool,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.refused {
            let recording = Arc::clone(&self.recording);
            let accepted = self.recording.decided().accepted();
            let failing = async move {
                let decided = recording.decided();
                let sentence = format!(
                    "{} did not accept the login {}",
                    decided.server_name(),
                    decided.login()
                );
                recording.fail("login_refused", &sentence).await;
            };
            accepted
                .gate()
                .tasks()
                .spawn(failing.instrument(accepted.span().clone()));
        }
    }
}

impl Authentication {
    /// A typed password.
    pub(crate) async fn password(&mut self, user: &str, password: &str) -> Auth {
        let Some(decided) = self.admit(user) else {
            return refuse(denied_methods());
        };
        if !self.may_type(&decided) {
            return refuse(self.open_methods(&decided));
        }
        if self.accepted().is_barred() {
            return self.no_more();
        }
        let first = self.attempt.as_ref().is_none_or(|attempt| !attempt.typed);
        if password.is_empty() && first && self.proof == Proof::RegisteredKey {
            return self.accept_deferred(decided).await;
        }
        let patience = self.conn.settings.login_timeout;
        let mut backend = match self.backend(&decided, Step::Begin).await {
            Ok(backend) => backend,
            Err(error) => return self.backend_failed(&error).await,
        };
        let login = decided.login().as_str();
        match tokio::time::timeout(patience, backend.handle.authenticate_password(login, password)).await {
            Ok(Ok(AuthResult::Success)) => self.establish(backend, LoginMethod::Password).await,
            Ok(Ok(AuthResult::Failure {
                remaining_methods,
                partial_success,
            })) => {
                self.keep(backend, true);
                self.wrong(&decided, &remaining_methods, partial_success).await
            }
            // The backend broke off, as servers do after some wrong passwords; the next one gets a fresh connection.
            Ok(Err(_)) | Err(_) => self.wrong(&decided, &second_step_methods(), false).await,
        }
    }

    /// A step of keyboard-interactive (RFC 4256), passed on prompt by prompt. `answers`: `None` at the first.
    pub(crate) async fn interactive(
        &mut self,
        user: &str,
        submethods: &str,
        answers: Option<Vec<String>>,
    ) -> Auth {
        let Some(decided) = self.admit(user) else {
            return refuse(denied_methods());
        };
        if !self.may_type(&decided) {
            return refuse(self.open_methods(&decided));
        }
        if self.accepted().is_barred() {
            return self.no_more();
        }
        let empty = answers
            .as_ref()
            .is_some_and(|a| !a.is_empty() && a.iter().all(String::is_empty));
        let first = self.attempt.as_ref().is_none_or(|attempt| !attempt.typed);
        if empty && first && self.proof == Proof::RegisteredKey {
            return self.accept_deferred(decided).await;
        }
        let patience = self.conn.settings.login_timeout;
        let step = if answers.is_some() {
            Step::Answer
        } else {
            Step::Begin
        };
        let mut backend = match self.backend(&decided, step).await {
            Ok(backend) => backend,
            Err(AttemptError::Over) => return self.wrong(&decided, &second_step_methods(), false).await,
            Err(error) => return self.backend_failed(&error).await,
        };
        let login = decided.login().as_str();
        let typed = answers.is_some();
        let round = async {
            match answers {
                None => {
                    let submethods = Some(submethods.to_owned()).filter(|names| !names.is_empty());
                    backend
                        .handle
                        .authenticate_keyboard_interactive_start(login, submethods)
                        .await
                }
                Some(answers) => {
                    backend
                        .handle
                        .authenticate_keyboard_interactive_respond(answers)
                        .await
                }
            }
        };
        match tokio::time::timeout(patience, round).await {
            Ok(Ok(response)) => self.after_round(&decided, backend, response, typed).await,
            Ok(Err(_)) | Err(_) => self.wrong(&decided, &second_step_methods(), false).await,
        }
    }

    /// What the backend says to a step of keyboard-interactive; `typed`: there were answers in it.
    async fn after_round(
        &mut self,
        decided: &Decided,
        backend: Backend,
        response: KeyboardInteractiveAuthResponse,
        typed: bool,
    ) -> Auth {
        match response {
            KeyboardInteractiveAuthResponse::Success => {
                self.establish(backend, LoginMethod::KeyboardInteractive).await
            }
            KeyboardInteractiveAuthResponse::InfoRequest {
                name,
                instructions,
                prompts,
            } => {
                self.keep(backend, typed);
                if let Some(attempt) = &mut self.attempt {
                    attempt.prompting = true;
                }
                let prompts: Vec<_> = prompts
                    .into_iter()
                    .map(|p| (text::prompt(&p.prompt).into(), p.echo))
                    .collect();
                Auth::Partial {
                    name: text::prompt(&name).into(),
                    instructions: text::prompt(&instructions).into(),
                    prompts: prompts.into(),
                }
            }
            KeyboardInteractiveAuthResponse::Failure {
                remaining_methods,
                partial_success,
            } => {
                self.keep(backend, typed);
                if typed {
                    self.wrong(decided, &remaining_methods, partial_success).await
                } else {
                    // The backend does not offer it; nothing was guessed.
                    refuse(typing_methods(&remaining_methods))
                }
            }
        }
    }

    /// The connection to the backend for what the client types; made at the first need, recorded from before that.
    async fn backend(&mut self, decided: &Decided, step: Step) -> Result<Backend, AttemptError> {
        if self.attempt.is_none() {
            let recording = Arc::new(decided.clone().record().await?);
            self.attempt = Some(Attempt {
                recording,
                backend: None,
                prompting: false,
                typed: false,
                refused: false,
            });
        }
        let Some(attempt) = &mut self.attempt else {
            return Err(AttemptError::Over);
        };
        let prompting = std::mem::take(&mut attempt.prompting);
        let kept = attempt
            .backend
            .take()
            .filter(|backend| !backend.handle.is_closed());
        match (kept, step) {
            (Some(backend), Step::Begin) if !prompting => return Ok(backend),
            (Some(backend), Step::Answer) if prompting => return Ok(backend),
            // Answers to prompts that nobody asks any more.
            (_, Step::Answer) => return Err(AttemptError::Over),
            // One that waits for answers hears nothing else: the next method needs a fresh connection.
            (_, Step::Begin) => {}
        }
        let to_client = Arc::new(ToClient(Arc::downgrade(&self.conn)));
        let conn = &self.conn;
        let backend = backend::connect(&attempt.recording, &conn.settings, to_client, &conn.abort).await?;
        match backend::unaccepted_key(&conn.settings, &attempt.recording, &backend) {
            Some(error) => Err(error.into()),
            None => Ok(backend),
        }
    }

    /// Keeps the connection for the next step; `typed`: something was typed in this one.
    fn keep(&mut self, backend: Backend, typed: bool) {
        if let Some(attempt) = &mut self.attempt {
            attempt.backend = Some(backend);
            attempt.typed |= typed;
        }
    }

    async fn establish(&mut self, backend: Backend, method: LoginMethod) -> Auth {
        let Some(mut attempt) = self.attempt.take() else {
            return refuse(denied_methods());
        };
        attempt.refused = false;
        match self.conn.establish(&attempt.recording, backend, method).await {
            Ok(_) => Auth::Accept,
            Err(error) => {
                self.banner = Some(text::banner(&error.to_string()));
                self.verdict = Verdict::Denied;
                refuse(denied_methods())
            }
        }
    }

    async fn wrong(&mut self, decided: &Decided, remaining: &MethodSet, partial_success: bool) -> Auth {
        if let Some(attempt) = &mut self.attempt {
            attempt.refused = true;
        }
        let offered = typing_methods(remaining);
        if partial_success {
            return Auth::Reject {
                proceed_with_methods: Some(offered),
                partial_success: true,
            };
        }
        self.wrong += 1;
        tracing::info!(
            source = %self.accepted().source(),
            user = %decided.user_name(),
            server = %decided.server_name(),
            login = %decided.login(),
            "the server refused a typed login"
        );
        let failed = self.accepted().login_failed();
        tokio::time::sleep(failed.pause.max(WRONG_PASSWORD_PAUSE)).await;
        if self.wrong >= self.conn.settings.password_attempts || self.accepted().is_barred() {
            return self.no_more();
        }
        refuse(offered)
    }

    /// Too many wrong passwords, on this connection or of this source.
    fn no_more(&mut self) -> Auth {
        self.banner = Some(text::banner(if self.accepted().is_barred() {
            "Connections from your address are blocked for now; try again later."
        } else {
            "Too many wrong passwords; connect again to go on."
        }));
        self.verdict = Verdict::Denied;
        self.attempt = None;
        refuse(denied_methods())
    }

    async fn backend_failed(&mut self, error: &AttemptError) -> Auth {
        if let Some(attempt) = self.attempt.take() {
            attempt.recording.fail(error.code(), &error.to_string()).await;
        }
        self.banner = Some(text::banner(&error.to_string()));
        self.verdict = Verdict::Denied;
        refuse(denied_methods())
    }
}

/// Where a login at the backend is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A method begins.
    Begin,
    /// Answers to the backend's prompts.
    Answer,
}

/// Why a typed login cannot even be tried.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    Open(#[from] gatehouse_gate::OpenError),
    #[error("the login is over")]
    Over,
}

impl AttemptError {
    fn code(&self) -> &'static str {
        match self {
            Self::Backend(error) => error.code(),
            Self::Open(_) | Self::Over => "not_opened",
        }
    }
}

/// Of the methods that the backend still offers, those that consist of typing.
fn typing_methods(remaining: &MethodSet) -> MethodSet {
    let wanted = [MethodKind::KeyboardInteractive, MethodKind::Password];
    let left: Vec<_> = wanted
        .into_iter()
        .filter(|kind| remaining.contains(kind))
        .collect();
    methods(&left)
}
