//! The layers of the configuration: a file, and the environment over it. Each layer is a table that knows where
//! it comes from, so that an error can say so.

use std::path::Path;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::ConfigError;
use super::keys::{KEYS, LISTS, PLAIN};

/// What every variable of the environment begins with.
const PREFIX: &str = "GATEHOUSE_";
/// Variables that begin so and are not keys.
const NOT_KEYS: &[&str] = &["GATEHOUSE_CONFIG", "GATEHOUSE_STORE_KEY"];

/// A table of settings with its origin.
#[derive(Debug)]
pub(super) struct Layer {
    origin: String,
    table: toml::Table,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let dict = Value::serialize(&self.table)?.into_dict().unwrap_or_default();
        Ok(Profile::Default.collect(dict))
    }
}

/// Reads a file's text.
///
/// # Errors
/// It is not TOML, or names keys that there are not.
pub(super) fn file(path: &Path, text: &str) -> Result<Layer, ConfigError> {
    let table = text.parse::<toml::Table>().map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        ConfigError::Syntax {
            path: path.to_owned(),
            line,
            what,
        }
    })?;
    let origin = path.display().to_string();
    let mut unknown = Vec::new();
    collect_unknown("", &table, &mut unknown);
    if unknown.is_empty() {
        Ok(Layer { origin, table })
    } else {
        Err(unknown_keys(unknown, origin))
    }
}

fn unknown_keys(keys: Vec<String>, origin: String) -> ConfigError {
    let keys = keys.into_iter().map(|key| {
        let meant = closest(&key);
        (key, meant)
    });
    ConfigError::Unknown {
        keys: keys.collect(),
        origin,
    }
}

fn collect_unknown(above: &str, table: &toml::Table, unknown: &mut Vec<String>) {
    for (key, value) in table {
        let full = if above.is_empty() {
            key.clone()
        } else {
            format!("{above}.{key}")
        };
        let section = above.is_empty() && KEYS.iter().any(|known| known.starts_with(&format!("{key}.")));
        match value {
            // An empty `[demo]` or `[x]` says nothing, but the next key in it would be lost: it is named as well.
            toml::Value::Table(inner) if section => collect_unknown(&full, inner, unknown),
            _ if section || KEYS.contains(&full.as_str()) => {}
            _ => unknown.push(full),
        }
    }
}

/// The known key that `key` is most like, if one is like it at all.
fn closest(key: &str) -> Option<String> {
    // With the right name in the wrong section, or none, the name alone decides.
    let name = key.rsplit('.').next().unwrap_or(key);
    let elsewhere = KEYS.iter().filter(|known| known.rsplit('.').next() == Some(name));
    let mut elsewhere = elsewhere.copied();
    if let (Some(only), None) = (elsewhere.next(), elsewhere.next()) {
        return Some(only.to_owned());
    }
    let likeness = |known: &&&str| strsim::jaro_winkler(key, known);
    let best = KEYS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (strsim::jaro_winkler(key, best) >= 0.85).then(|| (*best).to_owned())
}

/// Reads the environment: one layer for each variable that sets a key.
///
/// # Errors
/// A variable that sets a key which there is not, or whose value is not readable.
pub(super) fn environment(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<Layer>, ConfigError> {
    let mut layers = Vec::new();
    let mut found: Vec<_> = variables
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    found.sort();
    for (name, text) in found {
        if NOT_KEYS.contains(&name.as_str()) {
            continue;
        }
        let key = name
            .strip_prefix(PREFIX)
            .unwrap_or_default()
            .to_lowercase()
            .replace("__", ".");
        if !KEYS.contains(&key.as_str()) {
            match closest(&key).filter(|_| !key.contains('.')) {
                // Without a section it may well be somebody else's variable, unless it is nearly one of ours.
                Some(meant) if !meant.contains('.') => {}
                _ if key.contains('.') => {}
                _ => continue,
            }
            let meant = closest(&key).map(|meant| variable(&meant));
            let keys = vec![(name, meant)];
            return Err(ConfigError::Unknown {
                keys,
                origin: "the environment".to_owned(),
            });
        }
        let table = nest(&key, value(&name, &key, text)?);
        layers.push(Layer {
            origin: format!("the environment ({name})"),
            table,
        });
    }
    Ok(layers)
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

fn nest(key: &str, value: toml::Value) -> toml::Table {
    let mut table = toml::Table::new();
    match key.split_once('.') {
        None => table.insert(key.to_owned(), value),
        Some((section, name)) => {
            let mut inner = toml::Table::new();
            inner.insert(name.to_owned(), value);
            table.insert(section.to_owned(), toml::Value::Table(inner))
        }
    };
    table
}

/// The variable's text as the value of `key`.
fn value(name: &str, key: &str, text: String) -> Result<toml::Value, ConfigError> {
    let trimmed = text.trim();
    let toml = || {
        format!("v = {trimmed}")
            .parse::<toml::Table>()
            .ok()
            .and_then(|mut table| table.remove("v"))
    };
    if PLAIN.contains(&key) {
        return Ok(toml().unwrap_or(toml::Value::String(text)));
    }
    // `[::]:22` begins like a list and is an address.
    if LISTS.contains(&key) && trimmed.starts_with('[') && trimmed.ends_with(']') {
        return toml().ok_or_else(|| ConfigError::Value {
            key: key.to_owned(),
            origin: format!("the environment ({name})"),
            what: format!("is not a list; write one such as [\"a\", \"b\"], not {text:?}"),
        });
    }
    if LISTS.contains(&key) && !key.ends_with("listen") {
        let items = trimmed
            .split(',')
            .map(|item| toml::Value::String(item.trim().to_owned()));
        return Ok(toml::Value::Array(
            items.filter(|item| item.as_str() != Some("")).collect(),
        ));
    }
    let quoted = trimmed.len() >= 2 && trimmed.starts_with('"') && trimmed.ends_with('"');
    match quoted.then(toml).flatten() {
        Some(string) => Ok(string),
        None => Ok(toml::Value::String(text)),
    }
}
