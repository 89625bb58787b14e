//! What the types of the keys about alerts and mail cannot say.

use std::net::IpAddr;
use std::path::Path;

use gatehouse_alerts::{MailAddress, WebhookAddress};

use super::asking::{Mail, MailTls};
use super::guarding::{Alerts, WebhookFormat};
use super::validate::Wrong;

/// The shortest secret of a webhook, in bytes.
pub(crate) const SECRET_MIN: usize = 16;
/// The longest attempt at telling an alert, in seconds.
const TIMEOUT_MAX: u64 = 300;

pub(super) fn alerts(alerts: &Alerts) -> Result<(), Wrong> {
    if let Some(program) = alerts.command.first()
        && !Path::new(program).is_absolute()
    {
        let what = format!("begins with {program:?}; give the whole path of the program");
        return Err(("alerts.command", what));
    }
    let secrets = [
        alerts.webhook_secret.is_some(),
        alerts.webhook_secret_file.is_some(),
    ];
    match (&alerts.webhook, secrets) {
        (_, [true, true]) => Err((
            "alerts.webhook_secret",
            "stands beside alerts.webhook_secret_file; give one of them".to_owned(),
        )),
        (Some(_), [false, false]) if alerts.webhook_format == WebhookFormat::Gatehouse => Err((
            "alerts.webhook",
            "needs alerts.webhook_secret_file (or alerts.webhook_secret), with which alerts are signed"
                .to_owned(),
        )),
        (Some(address), _) => match WebhookAddress::parse(address) {
            Ok(_) => Ok(()),
            Err(error) => Err(("alerts.webhook", error.to_string())),
        },
        (None, _) => Ok(()),
    }?;
    match alerts.webhook_secret.as_deref().map(str::len) {
        Some(length) if length < SECRET_MIN => Err((
            "alerts.webhook_secret",
            format!("is shorter than {SECRET_MIN} characters; make one with `openssl rand -hex 32`"),
        )),
        _ => Ok(()),
    }?;
    if alerts.timeout.seconds() > TIMEOUT_MAX {
        let what = format!("is {}; give at most {TIMEOUT_MAX} seconds", alerts.timeout);
        return Err(("alerts.timeout", what));
    }
    Ok(())
}

pub(super) fn mail(mail: &Mail) -> Result<(), Wrong> {
    let addresses = mail.from.iter().map(|from| ("mail.from", from));
    for (key, text) in addresses.chain(mail.to.iter().map(|to| ("mail.to", to))) {
        MailAddress::parse(text).map_err(|error| (key, error.to_string()))?;
    }
    if mail.timeout.seconds() > TIMEOUT_MAX {
        let what = format!("is {}; give at most {TIMEOUT_MAX} seconds", mail.timeout);
        return Err(("mail.timeout", what));
    }
    let Some(host) = &mail.host else {
        return if mail.to.is_empty() {
            Ok(())
        } else {
            Err((
                "mail.host",
                "is missing; name the mail server that takes mail for mail.to".to_owned(),
            ))
        };
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err((
            "mail.host",
            format!("is {host:?}; write the name or address of a mail server"),
        ));
    }
    if mail.from.is_none() {
        return Err((
            "mail.from",
            "is missing; say whom mail comes from, such as gatehouse@example.com".to_owned(),
        ));
    }
    if mail.user.is_some() != mail.password_file.is_some() {
        return Err((
            "mail.user",
            "and mail.password_file are given together, or neither".to_owned(),
        ));
    }
    let local = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if mail.tls == MailTls::Off && mail.user.is_some() && !local {
        let what = "is \"off\", which would send the password in the clear; write \"starttls\" or \"tls\"";
        return Err(("mail.tls", what.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_is_whole_and_sends_no_password_in_the_clear() {
        let whole = Mail {
            host: Some("mail.example.com".to_owned()),
            from: Some("Gate <gate@example.com>".to_owned()),
            to: vec!["ops@example.com".to_owned()],
            ..Mail::default()
        };
        assert_eq!(mail(&whole), Ok(()));
        let signed_in = Mail {
            user: Some("gate".to_owned()),
            password_file: Some("p".into()),
            ..whole.clone()
        };
        assert_eq!(mail(&signed_in), Ok(()));
        let off = Mail {
            tls: MailTls::Off,
            ..signed_in.clone()
        };
        assert_eq!(mail(&off).unwrap_err().0, "mail.tls");
        let local = Mail {
            host: Some("127.0.0.1".to_owned()),
            ..off
        };
        assert_eq!(mail(&local), Ok(()));
        for (wrong, key) in [
            (
                Mail {
                    from: None,
                    ..whole.clone()
                },
                "mail.from",
            ),
            (
                Mail {
                    host: None,
                    ..whole.clone()
                },
                "mail.host",
            ),
            (
                Mail {
                    to: vec!["ops".to_owned()],
                    ..whole.clone()
                },
                "mail.to",
            ),
            (
                Mail {
                    password_file: None,
                    ..signed_in
                },
                "mail.user",
            ),
            (
                Mail {
                    timeout: super::super::sections::seconds(301),
                    ..whole
                },
                "mail.timeout",
            ),
        ] {
            assert_eq!(mail(&wrong).unwrap_err().0, key);
        }
    }

    #[test]
    fn slack_alone_needs_no_secret() {
        let slack = Alerts {
            webhook: Some("https://hooks.example.com/T0/x".to_owned()),
            webhook_format: WebhookFormat::Slack,
            ..Alerts::default()
        };
        assert_eq!(alerts(&slack), Ok(()));
        let signed = Alerts {
            webhook_format: WebhookFormat::Gatehouse,
            ..slack
        };
        assert_eq!(alerts(&signed).unwrap_err().0, "alerts.webhook");
    }
}
