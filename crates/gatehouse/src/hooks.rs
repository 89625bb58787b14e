//! The hooks that alerts are told through, as configured.

use gatehouse_alerts::{CommandHook, Hook, Webhook, WebhookAddress};
use gatehouse_model::Secret;

use crate::cli::secret_file;
use crate::config::{Config, SECRET_MIN};
use crate::failure::{Failure, sentence};

/// The hooks; none if nothing is configured.
///
/// # Errors
/// The secret or the certificates cannot be read.
pub(crate) fn hooks(config: &Config) -> Result<Vec<Hook>, Failure> {
    let mut hooks = Vec::new();
    if let Some(command) = command(config) {
        hooks.push(Hook::Command(command));
    }
    if let Some(webhook) = webhook(config)? {
        hooks.push(Hook::Webhook(Box::new(webhook)));
    }
    Ok(hooks)
}

fn command(config: &Config) -> Option<CommandHook> {
    let (program, arguments) = config.alerts.command.split_first()?;
    Some(CommandHook {
        program: program.into(),
        arguments: arguments.to_vec(),
        timeout: config.alerts.timeout.std(),
    })
}

fn webhook(config: &Config) -> Result<Option<Webhook>, Failure> {
    let alerts = &config.alerts;
    let Some(address) = &alerts.webhook else {
        return Ok(None);
    };
    let wrong =
        |key: &str, error: &dyn std::error::Error| Failure::refused(format!("{key} {}", sentence(error)));
    let address = WebhookAddress::parse(address).map_err(|error| wrong("alerts.webhook", &error))?;
    let secret = match (&alerts.webhook_secret, &alerts.webhook_secret_file) {
        (Some(secret), _) => Secret::from(secret.clone()),
        (None, Some(file)) => secret_file(&config.data_dir.join(file))?,
        (None, None) => Secret::new(Vec::new()),
    };
    if secret.expose().len() < SECRET_MIN {
        return Err(Failure::refused(format!(
            "the secret in alerts.webhook_secret_file is shorter than {SECRET_MIN} characters; make one with `openssl \
             rand -hex 32`"
        )));
    }
    let authority = alerts.webhook_ca.as_ref().map(|path| config.data_dir.join(path));
    Webhook::new(address, secret, authority.as_deref(), alerts.timeout.std())
        .map(Some)
        .map_err(|error| wrong("alerts.webhook_ca:", &error))
}
