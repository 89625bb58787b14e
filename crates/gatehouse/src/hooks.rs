//! The hooks that alerts are told through, as configured.

use gatehouse_alerts::{
    CommandHook, Hook, MailAddress, MailEncryption, MailHook, MailServer, Webhook, WebhookAddress,
};
use gatehouse_model::Secret;

use crate::cli::secret_file;
use crate::config::{Config, MailTls, SECRET_MIN, WebhookFormat};
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
        let webhook = Box::new(webhook);
        hooks.push(match config.alerts.webhook_format {
            WebhookFormat::Gatehouse => Hook::Webhook(webhook),
            WebhookFormat::Slack => Hook::Slack(webhook),
        });
    }
    if let Some(mail) = mail(config)? {
        hooks.push(Hook::Mail(Box::new(mail)));
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
        (Some(secret), _) => Some(Secret::from(secret.clone())),
        (None, Some(file)) => Some(secret_file(&config.data_dir.join(file))?),
        (None, None) => None,
    };
    // Without one there is nothing to sign with, which the configuration allows for Slack alone.
    if secret
        .as_ref()
        .is_some_and(|secret| secret.expose().len() < SECRET_MIN)
    {
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

fn mail(config: &Config) -> Result<Option<MailHook>, Failure> {
    let mail = &config.mail;
    let (Some(host), Some(from)) = (&mail.host, &mail.from) else {
        return Ok(None);
    };
    let wrong =
        |key: &str, error: &dyn std::error::Error| Failure::refused(format!("{key} {}", sentence(error)));
    let address = |key: &str, text: &String| MailAddress::parse(text).map_err(|error| wrong(key, &error));
    let credentials = match (&mail.user, &mail.password_file) {
        (Some(user), Some(file)) => Some((user.clone(), secret_file(&config.data_dir.join(file))?)),
        _ => None,
    };
    let server = MailServer {
        host: host.clone(),
        port: mail.port,
        encryption: match mail.tls {
            MailTls::StartTls => MailEncryption::StartTls,
            MailTls::Tls => MailEncryption::Tls,
            MailTls::Off => MailEncryption::Off,
        },
        authority: mail.ca.as_ref().map(|path| config.data_dir.join(path)),
        credentials,
        timeout: mail.timeout.std(),
    };
    let to = mail.to.iter().map(|text| address("mail.to", text));
    let to = to.collect::<Result<_, _>>()?;
    MailHook::new(
        server,
        address("mail.from", from)?,
        to,
        config.web.public_url.clone(),
    )
    .map(Some)
    .map_err(|error| wrong("mail:", &error))
}
