//! What every verb works with: the configuration, the store, who asks, when, and how to answer.

use std::io::{IsTerminal, Write};
use std::path::Path;

use gatehouse_model::{Timestamp, to_micros};
use gatehouse_store::{Actor, KeySource, Store, StoreConfig};
use serde::Serialize;
use serde_json::json;

use super::{Answer, Options};
use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::Screen;

/// How answers are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

impl Format {
    /// As the options say.
    pub(super) fn of(options: &Options) -> Self {
        if options.json { Self::Json } else { Self::Text }
    }
}

/// Whether removals are asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Consent {
    /// On a terminal they are.
    Ask,
    /// It was given with `--yes`.
    Given,
}

/// What a verb works with.
pub(crate) struct Context {
    /// The configuration.
    pub(crate) config: Config,
    /// The store.
    pub(crate) store: Store,
    /// Who asks: `cli:LOGIN@HOST`.
    pub(crate) actor: Actor,
    /// The login of who asks.
    pub(crate) login: String,
    /// The host they are on.
    pub(crate) host: String,
    /// When.
    pub(crate) now: Timestamp,
    /// Where text goes.
    pub(crate) screen: Screen,
    /// How to answer.
    pub(crate) format: Format,
    consent: Consent,
}

impl Context {
    /// Opens the store.
    pub(super) async fn open(config: Config, options: &Options) -> Result<Self, Failure> {
        let store = open_store(&config).await?;
        let (login, host) = (login(), host());
        Ok(Self {
            config,
            store,
            actor: Actor::cli(&login, &host),
            login,
            host,
            now: to_micros(Timestamp::now()),
            screen: Screen::of_stdout(),
            format: Format::of(options),
            consent: if options.yes { Consent::Given } else { Consent::Ask },
        })
    }

    /// Answers with a value: as JSON, or as the text that is made of it.
    pub(crate) fn answer<T: Serialize + ?Sized>(
        &self,
        value: &T,
        text: impl FnOnce(&Screen) -> String,
    ) -> Result<Answer, Failure> {
        Ok(Answer::text(match self.format {
            Format::Json => to_json(value)?,
            Format::Text => text(&self.screen),
        }))
    }

    /// Answers that something was done; `value` is what it was done to.
    pub(crate) fn done_with<T: Serialize + ?Sized>(
        &self,
        value: &T,
        sentence: &str,
    ) -> Result<Answer, Failure> {
        self.answer(value, |_| format!("{}\n", crate::terminal::clean(sentence)))
    }

    /// Answers that something was done.
    pub(crate) fn done(&self, sentence: &str) -> Result<Answer, Failure> {
        self.done_with(&json!({ "done": sentence }), sentence)
    }

    /// Asks before something is lost. Where nobody can be asked, the order stands.
    pub(crate) fn confirm(&self, question: &str) -> Result<(), Failure> {
        if self.consent == Consent::Given || !std::io::stdin().is_terminal() {
            return Ok(());
        }
        let failed = |source| Failure::System {
            what: "the question cannot be asked",
            source,
        };
        let mut err = std::io::stderr().lock();
        write!(err, "{} [y/N] ", crate::terminal::clean(question))
            .and_then(|()| err.flush())
            .map_err(failed)?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map_err(failed)?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::refused("not confirmed, so nothing was changed")),
        }
    }
}

/// One JSON document, ended by a line feed.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Opens the configured store.
pub(crate) async fn open_store(config: &Config) -> Result<Store, Failure> {
    // A store over TLS needs a provider. An error means that there is one.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let key = match config.key_file() {
        None => KeySource::EnvironmentOrFile,
        Some(path) => KeySource::Given(super::secret_input::sealing_key(&path)?),
    };
    let store = StoreConfig {
        key,
        ..StoreConfig::new(config.database_url.clone(), absolute(&config.data_dir)?)
    };
    Ok(Store::open(store).await?)
}

/// The directory, whatever the working directory will be.
pub(crate) fn absolute(path: &Path) -> Result<std::path::PathBuf, Failure> {
    std::path::absolute(path).map_err(|source| Failure::File {
        path: path.to_owned(),
        done: "found",
        source,
    })
}

/// Who runs the program: `cli:LOGIN@HOST`.
pub(crate) fn this_actor() -> Actor {
    Actor::cli(&login(), &host())
}

/// The name of the account that runs the program.
fn login() -> String {
    let uid = nix::unistd::getuid();
    nix::unistd::User::from_uid(uid)
        .ok()
        .flatten()
        .map_or_else(|| uid.to_string(), |user| user.name)
}

/// The name of this machine.
fn host() -> String {
    let name = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok());
    name.unwrap_or_else(|| "localhost".to_owned())
}
