//! What the types of the keys cannot say: values that contradict each other or name what there is not.

use gatehouse_policy::find_zone;
use tracing_subscriber::EnvFilter;

use super::{Config, Tls};

/// The key that is wrong, and how.
type Wrong = (&'static str, String);

pub(super) fn validate(config: &Config) -> Result<(), Wrong> {
    if config.data_dir.as_os_str().is_empty() {
        return Err((
            "data_dir",
            "is empty; give a directory such as /var/lib/gatehouse".to_owned(),
        ));
    }
    find_zone(&config.policy.timezone).map_err(|error| ("policy.timezone", format!("is wrong: {error}")))?;
    EnvFilter::try_new(&config.log.level).map_err(|_| {
        (
            "log.level",
            format!(
                "is {:?}; write error, warn, info, debug or trace",
                config.log.level
            ),
        )
    })?;
    at_least_one("ssh.password_attempts", u64::from(config.ssh.password_attempts))?;
    at_least_one("ssh.channels", u64::from(config.ssh.channels))?;
    for (key, bound) in [
        ("limits.connections", config.limits.connections),
        ("limits.unauthenticated", config.limits.unauthenticated),
        (
            "limits.unauthenticated_per_source",
            config.limits.unauthenticated_per_source,
        ),
    ] {
        at_least_one(key, u64::try_from(bound).unwrap_or(u64::MAX))?;
    }
    web(config)?;
    node(config)?;
    database(&config.database_url)
}

fn at_least_one(key: &'static str, value: u64) -> Result<(), Wrong> {
    if value == 0 {
        Err((key, "is 0, so nobody could connect; give at least 1".to_owned()))
    } else {
        Ok(())
    }
}

fn web(config: &Config) -> Result<(), Wrong> {
    let web = &config.web;
    if !(web.public_url.starts_with("https://") || web.public_url.starts_with("http://")) {
        return Err((
            "web.public_url",
            format!("is {:?}; write one such as https://jump:5000", web.public_url),
        ));
    }
    if web.tls == Tls::Files && (web.cert.is_none() || web.key.is_none()) {
        return Err((
            "web.tls",
            "is \"files\", which needs web.cert and web.key as well".to_owned(),
        ));
    }
    Ok(())
}

fn node(config: &Config) -> Result<(), Wrong> {
    let node = &config.node;
    if let Some(address) = &node.address {
        let right = address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0));
        if !right {
            return Err((
                "node.address",
                format!("is {address:?}; write a host and a port, such as \"10.9.0.1:7022\""),
            ));
        }
    } else if node
        .listen
        .addresses()
        .iter()
        .any(|addr| addr.ip().is_unspecified())
    {
        return Err((
            "node.address",
            "is missing; node.listen names no address at which this node could be reached, so say it here, such as \"10.9.0.1:7022\"".to_owned(),
        ));
    }
    Ok(())
}

fn database(url: &str) -> Result<(), Wrong> {
    let known = url == "sqlite"
        || url.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty())
        || url.starts_with("postgres://")
        || url.starts_with("postgresql://");
    // The value may hold a password, so it is not repeated.
    let wanted =
        "is not understood; write \"sqlite\", \"sqlite:PATH\" or \"postgres://USER:PASSWORD@HOST/NAME\"";
    if known {
        Ok(())
    } else {
        Err(("database_url", wanted.to_owned()))
    }
}
