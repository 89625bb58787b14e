//! The sections about limits, alerts and the audit book.

use std::path::PathBuf;

use gatehouse_alerts::WebhookAddress;
use gatehouse_gate::{ConnectionLimits, GuardSettings, Rate};
use gatehouse_model::{AddressRange, SpanSeconds};
use gatehouse_store::AlertKind;
use serde::{Deserialize, Serialize};

use super::sections::seconds;

/// `[limits]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// Connections at once, in all.
    pub(crate) connections: usize,
    /// The same of one source.
    pub(crate) connections_per_source: usize,
    /// Connections at once that have not logged in yet, in all.
    pub(crate) unauthenticated: usize,
    /// The same of one source.
    pub(crate) unauthenticated_per_source: usize,
    /// The same of all strangers together.
    pub(crate) strangers: usize,
    /// The same of one stranger.
    pub(crate) strangers_per_source: usize,
    /// New connections of one source.
    pub(crate) connection_rate: Rate,
    /// New connections of all strangers together.
    pub(crate) stranger_rate: Rate,
    /// Denials of one known source, before it is blocked.
    pub(crate) denials: Rate,
    /// Denials of one stranger, before it is blocked.
    pub(crate) stranger_denials: Rate,
    /// Denials of all sources together.
    pub(crate) denials_in_all: Rate,
    /// Failed logins of one source, before it is blocked.
    pub(crate) failed_logins: Rate,
    /// Failed logins of all sources together.
    pub(crate) failed_logins_in_all: Rate,
    /// How long a source is blocked, by repetition.
    pub(crate) block: Vec<SpanSeconds>,
    /// How long a block is remembered after its end.
    pub(crate) block_memory: SpanSeconds,
    /// Sources that are neither counted nor blocked.
    pub(crate) exempt: Vec<AddressRange>,
}

/// `[alerts]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alerts {
    /// A program and its arguments.
    pub(crate) command: Vec<String>,
    /// An address that is sent alerts. May hold a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<String>,
    /// What alerts to the webhook are signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) webhook_secret: Option<String>,
    /// A file that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) webhook_secret_file: Option<PathBuf>,
    /// Certificate authorities that are trusted at the webhook instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) webhook_ca: Option<PathBuf>,
    /// What the webhook is sent.
    pub(crate) webhook_format: WebhookFormat,
    /// For each attempt.
    pub(crate) timeout: SpanSeconds,
    /// Which kinds are told.
    pub(crate) kinds: Vec<AlertKind>,
    /// How long alerts are kept.
    pub(crate) keep: SpanSeconds,
}

/// What a webhook is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WebhookFormat {
    /// The alert as JSON, signed.
    Gatehouse,
    /// A message as Slack and those that do like it take one.
    Slack,
}

/// `[audit]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audit {
    /// Between two checks of the whole book.
    pub(crate) check: SpanSeconds,
}

impl Default for Limits {
    fn default() -> Self {
        let (at_once, rates) = (ConnectionLimits::default(), GuardSettings::default());
        Self {
            connections: at_once.total,
            connections_per_source: at_once.per_source,
            unauthenticated: at_once.unauthenticated,
            unauthenticated_per_source: at_once.unauthenticated_per_source,
            strangers: at_once.strangers,
            strangers_per_source: at_once.strangers_per_source,
            connection_rate: rates.connection_rate,
            stranger_rate: rates.stranger_rate,
            denials: rates.denials,
            stranger_denials: rates.stranger_denials,
            denials_in_all: rates.denials_in_all,
            failed_logins: rates.failed_logins,
            failed_logins_in_all: rates.failed_logins_in_all,
            block: rates.block,
            block_memory: rates.block_memory,
            exempt: rates.exempt,
        }
    }
}

impl Limits {
    /// The bounds on connections at once.
    pub(crate) fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            total: self.connections,
            per_source: self.connections_per_source,
            unauthenticated: self.unauthenticated,
            unauthenticated_per_source: self.unauthenticated_per_source,
            strangers: self.strangers,
            strangers_per_source: self.strangers_per_source,
        }
    }

    /// The rates. `proxies` are exempt as well: what they relay is counted where it comes from.
    pub(crate) fn guard_settings(&self, proxies: &[AddressRange]) -> GuardSettings {
        GuardSettings {
            connection_rate: self.connection_rate,
            stranger_rate: self.stranger_rate,
            denials: self.denials,
            stranger_denials: self.stranger_denials,
            denials_in_all: self.denials_in_all,
            failed_logins: self.failed_logins,
            failed_logins_in_all: self.failed_logins_in_all,
            block: self.block.clone(),
            block_memory: self.block_memory,
            exempt: [&self.exempt, proxies].concat(),
        }
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            webhook: None,
            webhook_secret: None,
            webhook_secret_file: None,
            webhook_ca: None,
            webhook_format: WebhookFormat::Gatehouse,
            timeout: seconds(10),
            kinds: AlertKind::ALL.to_vec(),
            keep: seconds(90 * 86_400),
        }
    }
}

impl Alerts {
    /// The section with neither secret nor whatever follows the host in the webhook's address.
    pub(super) fn without_secrets(&self) -> Self {
        let address = |text: &String| {
            WebhookAddress::parse(text).map_or_else(|_| "***".to_owned(), |address| address.to_string())
        };
        Self {
            webhook: self.webhook.as_ref().map(address),
            webhook_secret: self.webhook_secret.as_ref().map(|_| "***".to_owned()),
            ..self.clone()
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            check: seconds(86_400),
        }
    }
}
