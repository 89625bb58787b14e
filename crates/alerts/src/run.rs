//! A hook's work: one alert after the other.

use std::time::Duration;

use gatehouse_gate::Gate;
use gatehouse_model::Timestamp;
use gatehouse_store::{AlertKind, AlertPlace, Attempt, DueAlert, Retry, Store, StoreError};
use gatehouse_telemetry::ALERT_ATTEMPTS;
use jiff::SignedDuration;

use crate::payload::{payload, slack};
use crate::schedule::{self, PATIENCE};
use crate::{CommandHook, Failure, MailHook, Webhook};

/// How often new alerts are looked for.
const POLL: Duration = Duration::from_secs(1);
/// Beyond the deadline of an attempt, before another node may take an alert over.
const LEASE_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Where alerts are told.
#[derive(Clone, Debug)]
pub enum Hook {
    /// A command is run.
    Command(CommandHook),
    /// A request is sent.
    Webhook(Box<Webhook>),
    /// A request is sent that is a message of Slack.
    Slack(Box<Webhook>),
    /// Mail is sent: alerts to those configured, requests to the people whom they concern.
    Mail(Box<MailHook>),
}

impl Hook {
    fn name(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::Webhook(_) | Self::Slack(_) => "webhook",
            Self::Mail(_) => "mail",
        }
    }

    fn timeout(&self) -> Duration {
        match self {
            Self::Command(command) => command.timeout,
            Self::Webhook(webhook) | Self::Slack(webhook) => webhook.timeout(),
            Self::Mail(mail) => mail.timeout(),
        }
    }

    /// The kinds that the hook wants, given those that are told. Notices of requests go by mail whatever those are.
    fn wanted(&self, kinds: Vec<AlertKind>) -> Vec<AlertKind> {
        match self {
            Self::Mail(mail) => mail.wanted(kinds),
            _ => kinds,
        }
    }

    async fn tell(
        &self,
        alert: &DueAlert,
        node: &str,
        now: Timestamp,
        concerned: &[String],
    ) -> Result<(), Failure> {
        match self {
            Self::Command(command) => command.tell(&payload(alert, node)).await,
            Self::Webhook(webhook) => webhook.tell(alert.id, payload(alert, node), now).await,
            Self::Slack(webhook) => webhook.tell(alert.id, slack(alert, node), now).await,
            Self::Mail(mail) => mail.tell(alert, node, concerned).await,
        }
    }
}

/// Tells the hook of alerts of these kinds until the gate stops.
pub async fn run(gate: Gate, store: Store, hook: Hook, kinds: Vec<AlertKind>) {
    let timeout = SignedDuration::try_from(hook.timeout()).unwrap_or(LEASE_MARGIN);
    let mut work = Work {
        place: AlertPlace::new(hook.name(), hook.wanted(kinds), PATIENCE),
        lease: timeout.saturating_add(LEASE_MARGIN),
        outage: Outage::default(),
        gate,
        store,
        hook,
    };
    let mut database = false;
    loop {
        let sleep = work.outage.pause().unwrap_or(POLL);
        tokio::select! {
            () = work.gate.stopped() => return,
            () = tokio::time::sleep(sleep) => {}
        }
        match work.tell_due().await {
            Ok(()) => database = false,
            Err(error) if database => tracing::debug!(%error, "alerts still cannot be read or written"),
            Err(error) => {
                database = true;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "alerts cannot be read or written; they are told when the database answers again"
                );
            }
        }
    }
}

struct Work {
    gate: Gate,
    store: Store,
    hook: Hook,
    place: AlertPlace,
    lease: SignedDuration,
    outage: Outage,
}

/// Failures of a hook since it worked last.
#[derive(Default)]
struct Outage {
    /// In a row, without reaching it.
    unreachable: u32,
    /// It was logged.
    told: bool,
    /// Alerts that are not tried again.
    given_up: u64,
}

impl Outage {
    /// How long not to try anything.
    fn pause(&self) -> Option<Duration> {
        (self.unreachable > 0).then(|| schedule::pause(self.unreachable).unsigned_abs())
    }
}

impl Work {
    /// Tells of everything that is due, until there is nothing more or the hook cannot be reached.
    async fn tell_due(&mut self) -> Result<(), StoreError> {
        loop {
            let now = self.gate.clock().now();
            let Some(alert) = self.store.take_alert(now, &mut self.place, self.lease).await? else {
                return Ok(());
            };
            let node = self.gate.settings().node_name.clone();
            let concerned = match self.hook {
                Hook::Mail(_) => self.store.notice_addresses(now, &alert).await?,
                _ => Vec::new(),
            };
            let told = tokio::select! {
                // Taken over by another node, or by this one after its restart.
                () = self.gate.stopped() => return Ok(()),
                told = self.hook.tell(&alert, &node, now, &concerned) => told,
            };
            let now = self.gate.clock().now();
            let attempt = match &told {
                Ok(()) => {
                    ALERT_ATTEMPTS.count(&[self.hook.name(), "delivered"]);
                    self.worked();
                    Attempt::Delivered
                }
                Err(failure) => self.failed(failure, &alert, now),
            };
            self.store
                .alert_attempted(now, &self.place, alert.id, attempt)
                .await?;
            if matches!(told, Err(Failure::Unreachable(_))) {
                return Ok(());
            }
        }
    }

    fn worked(&mut self) {
        let before = std::mem::take(&mut self.outage);
        if before.told {
            let hook = self.hook.name();
            tracing::info!(hook, given_up = before.given_up, "alerts are told again");
        }
    }

    fn failed(&mut self, failure: &Failure, alert: &DueAlert, now: Timestamp) -> Attempt {
        if matches!(failure, Failure::Unreachable(_)) {
            self.outage.unreachable = self.outage.unreachable.saturating_add(1);
        } else {
            // It was reached.
            self.outage.unreachable = 0;
        }
        let retry = schedule::retry(failure, alert.attempt, self.outage.unreachable, alert.time, now);
        self.outage.given_up += u64::from(retry == Retry::Never);
        let (hook, error) = (self.hook.name(), failure.text());
        let result = if retry == Retry::Never {
            "given_up"
        } else {
            "failed"
        };
        ALERT_ATTEMPTS.count(&[hook, result]);
        if self.outage.told {
            tracing::debug!(hook, alert = alert.id, error, "an alert could not be told");
        } else {
            self.outage.told = true;
            tracing::error!(
                hook,
                alert = alert.id,
                error,
                "alerts cannot be told; they wait, and are tried again"
            );
        }
        Attempt::Failed {
            error: error.to_owned(),
            retry,
        }
    }
}
