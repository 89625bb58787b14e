//! The configuration: defaults, a TOML file over them, and the environment over that.

mod asking;
mod error;
mod guarding;
mod keys;
mod layers;
mod listen;
mod sections;
mod telling;
mod validate;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::{Actual, Kind};
use figment::providers::Serialized;
use gatehouse_gate::LoginRecords;
use gatehouse_policy::DirectorySettings;

pub(crate) use asking::MailTls;
pub(crate) use error::ConfigError;
pub(crate) use guarding::WebhookFormat;
use keys::SECRETS;
pub(crate) use listen::Listen;
pub(crate) use sections::{Config, FirstUse, Log, LogFormat, SecondStep, Ssh, Tls, Web};
pub(crate) use telling::SECRET_MIN;

/// Where a configuration is looked for when none is named.
const PLACES: &[&str] = &["gatehouse.toml", "/etc/gatehouse/gatehouse.toml"];

/// A configuration, and the file it came from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// The configuration.
    pub(crate) config: Config,
    /// Its file; `None`: there is none, and the defaults stand.
    pub(crate) file: Option<PathBuf>,
}

/// Finds and reads the configuration: `named` (from `--config`), else the file that `$GATEHOUSE_CONFIG` names, else
/// `./gatehouse.toml`, else `/etc/gatehouse/gatehouse.toml`, else none; then the environment's `GATEHOUSE_…`.
///
/// # Errors
/// A file that was named is not there, it is not TOML, a key is unknown, or a value is wrong.
pub(crate) fn load(
    named: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, ConfigError> {
    let variables = unicode(environment)?;
    let from_environment = || {
        variables
            .iter()
            .find(|(name, _)| name == "GATEHOUSE_CONFIG")
            .map(|(_, v)| v.into())
    };
    let file = match named.map(Path::to_owned).or_else(from_environment) {
        Some(path) => Some(path),
        None => PLACES.iter().map(PathBuf::from).find(|path| path.exists()),
    };
    let text = match &file {
        Some(path) => {
            let unreadable = |source| ConfigError::Unreadable {
                path: path.clone(),
                source,
            };
            Some((path.as_path(), fs::read_to_string(path).map_err(unreadable)?))
        }
        None => None,
    };
    let config = assemble(
        text.as_ref().map(|(path, text)| (*path, text.as_str())),
        variables,
    )?;
    Ok(Loaded { config, file })
}

/// Puts the layers together; `text` is the file's.
fn assemble(
    text: Option<(&Path, &str)>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some((path, text)) = text {
        figment = figment.merge(layers::file(path, text)?);
    }
    for layer in layers::environment(variables)? {
        figment = figment.merge(layer);
    }
    let config: Config = figment.extract().map_err(|error| value_error(&error))?;
    validate::validate(&config).map_err(|(key, what)| {
        let metadata = figment.find_metadata(key);
        let origin = metadata.map_or_else(|| "the configuration".to_owned(), |m| m.name.to_string());
        ConfigError::Value {
            key: key.to_owned(),
            origin,
            what,
        }
    })?;
    Ok(config)
}

/// The variables that are ours, as text.
fn unicode(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let ours = environment
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    ours.filter(|(name, _)| name.starts_with("GATEHOUSE_"))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(ConfigError::NotUnicode(name)),
        })
        .collect()
}

fn value_error(error: &figment::Error) -> ConfigError {
    let origin = error
        .metadata
        .as_ref()
        .map_or_else(|| "the configuration".to_owned(), |m| m.name.to_string());
    let what = match &error.kind {
        Kind::Message(message) => format!("is wrong: {message}"),
        Kind::InvalidType(_, wanted) | Kind::InvalidValue(_, wanted) if is_secret(&error.path) => {
            format!("must be {}", plain_words(wanted))
        }
        Kind::InvalidType(actual, wanted) | Kind::InvalidValue(actual, wanted) => {
            format!("must be {}, not {}", plain_words(wanted), shown(actual))
        }
        Kind::UnknownVariant(given, choices) => {
            format!(
                "is {given:?}, which is not possible; choose one of {}",
                choices.join(", ")
            )
        }
        other => format!("is wrong: {other}"),
    };
    ConfigError::Value {
        key: error.path.join("."),
        origin,
        what,
    }
}

/// Whether the key's value is never repeated.
fn is_secret(path: &[String]) -> bool {
    SECRETS.contains(&path.join(".").as_str())
}

/// The reader's names of types in words.
fn plain_words(wanted: &str) -> &str {
    match wanted {
        "u32" | "u64" | "usize" | "u16" => "a number from 0 up",
        "a boolean" | "bool" => "true or false",
        "a string" | "path string" => "text in quotes",
        "a sequence" => "a list",
        wanted if wanted.starts_with("struct ") => "a section of its own",
        other => other,
    }
}

fn shown(actual: &Actual) -> String {
    match actual {
        Actual::Str(text) => format!("{text:?}"),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a section".to_owned(),
        Actual::Bool(switch) => switch.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

impl Config {
    /// The directory of recordings.
    pub(crate) fn recordings(&self) -> PathBuf {
        self.data_dir.join(&self.recording.dir)
    }

    /// Where sessions are shown to who(1), w(1) and last(1).
    pub(crate) fn login_records(&self) -> LoginRecords {
        let file = |path: &Path| (!path.as_os_str().is_empty()).then(|| self.data_dir.join(path));
        LoginRecords {
            utmp: file(&self.utmp.utmp),
            wtmp: file(&self.utmp.wtmp),
        }
    }

    /// Whether this node serves pages.
    pub(crate) fn pages_are_served(&self) -> bool {
        !self.web.listen.is_off() || !self.web.plain_listen.is_off()
    }

    /// The file of the sealing key, if it was set apart.
    pub(crate) fn key_file(&self) -> Option<PathBuf> {
        self.store.key_file.as_ref().map(|file| self.data_dir.join(file))
    }

    /// What decisions need of the configuration. Denials point to the pages if there are any.
    pub(crate) fn directory_settings(&self) -> DirectorySettings {
        let defaults = DirectorySettings::default();
        DirectorySettings {
            default_zone: self.policy.timezone.clone(),
            contact: self.policy.contact.clone().unwrap_or(defaults.contact),
            public_url: self.pages_are_served().then(|| self.web.public_url.clone()),
            record_mode: self.recording.mode,
            record_binary: self.recording.binary,
            record_input: self.recording.input,
            record_forwards: self.recording.forwards,
        }
    }

    /// The configuration without passwords, for showing.
    #[must_use]
    pub(crate) fn without_secrets(&self) -> Self {
        Self {
            database_url: masked(&self.database_url),
            alerts: self.alerts.without_secrets(),
            ..self.clone()
        }
    }
}

/// A database's URL with passwords replaced by `***`: the one before the host, and one among the parameters.
fn masked(url: &str) -> String {
    let (before, parameters) = url.split_once('?').unwrap_or((url, ""));
    let mut shown = match before
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)))
    {
        Some((scheme, (person, host))) => match person.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:***@{host}"),
            None => before.to_owned(),
        },
        None => before.to_owned(),
    };
    for (n, parameter) in parameters.split('&').filter(|p| !p.is_empty()).enumerate() {
        shown.push(if n == 0 { '?' } else { '&' });
        match parameter.split_once('=') {
            Some((name, _)) if name.to_lowercase().contains("password") => {
                shown.push_str(name);
                shown.push_str("=***");
            }
            _ => shown.push_str(parameter),
        }
    }
    shown
}

#[cfg(test)]
mod tests;
