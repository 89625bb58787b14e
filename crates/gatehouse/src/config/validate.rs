//! What the types of the keys cannot say: values that contradict each other or name what there is not.

use gatehouse_policy::find_zone;
use gatehouse_web::PublicUrl;

use super::asking::Requests;
use super::guarding::Limits;
use super::{Config, Ssh, Tls, telling};
use crate::logging::parse_levels;

/// The key that is wrong, and how.
pub(super) type Wrong = (&'static str, String);

pub(super) fn validate(config: &Config) -> Result<(), Wrong> {
    if config.data_dir.as_os_str().is_empty() {
        return Err((
            "data_dir",
            "is empty; give a directory such as /var/lib/gatehouse".to_owned(),
        ));
    }
    find_zone(&config.policy.timezone).map_err(|error| ("policy.timezone", format!("is wrong: {error}")))?;
    log(config)?;
    at_least_one("ssh.password_attempts", u64::from(config.ssh.password_attempts))?;
    at_least_one("ssh.channels", u64::from(config.ssh.channels))?;
    limits(&config.limits)?;
    proxies(&config.ssh)?;
    telling::alerts(&config.alerts)?;
    telling::mail(&config.mail)?;
    requests(&config.requests)?;
    web(config)?;
    node(config)?;
    database(&config.database_url)
}

fn log(config: &Config) -> Result<(), Wrong> {
    let level = &config.log.level;
    if parse_levels(level).is_none() {
        let what = format!("is {level:?}; write error, warn, info, debug or trace");
        return Err(("log.level", what));
    }
    match config.log_file() {
        Some(file) if file.is_dir() => Err((
            "log.file",
            format!(
                "is {:?}, which is no file; name one, or leave the key out",
                file.display()
            ),
        )),
        _ => Ok(()),
    }
}

fn at_least_one(key: &'static str, value: u64) -> Result<(), Wrong> {
    if value == 0 {
        Err((key, "is 0, so nobody could connect; give at least 1".to_owned()))
    } else {
        Ok(())
    }
}

fn limits(limits: &Limits) -> Result<(), Wrong> {
    for (key, bound) in [
        ("limits.connections", limits.connections),
        ("limits.connections_per_source", limits.connections_per_source),
        ("limits.unauthenticated", limits.unauthenticated),
        (
            "limits.unauthenticated_per_source",
            limits.unauthenticated_per_source,
        ),
        ("limits.strangers", limits.strangers),
        ("limits.strangers_per_source", limits.strangers_per_source),
    ] {
        at_least_one(key, u64::try_from(bound).unwrap_or(u64::MAX))?;
    }
    if limits.strangers >= limits.unauthenticated {
        return Err((
            "limits.strangers",
            format!(
                "is {}, which leaves nothing of limits.unauthenticated ({}) for people who are known; give less",
                limits.strangers, limits.unauthenticated
            ),
        ));
    }
    Ok(())
}

/// An address is a credential: whose word on it counts must be said, and not be anybody's.
fn proxies(ssh: &Ssh) -> Result<(), Wrong> {
    if !ssh.proxy_listen.is_off() && ssh.trusted_proxies.is_empty() {
        return Err((
            "ssh.proxy_listen",
            "needs ssh.trusted_proxies as well: the addresses of the proxies that may connect there"
                .to_owned(),
        ));
    }
    match ssh.trusted_proxies.iter().find(|range| range.prefix_len() == 0) {
        Some(range) => Err((
            "ssh.trusted_proxies",
            format!("holds {range}, by which anybody could claim any address; name the proxies"),
        )),
        None => Ok(()),
    }
}

fn requests(requests: &Requests) -> Result<(), Wrong> {
    if requests.max_open == 0 {
        return Err((
            "requests.max_open",
            "is 0, so nobody could ask; give at least 1".to_owned(),
        ));
    }
    if requests.default_for > requests.max_for {
        let (default, longest) = (requests.default_for, requests.max_for);
        let what = format!("is {default}, which is longer than requests.max_for ({longest}); give less");
        return Err(("requests.default_for", what));
    }
    Ok(())
}

fn web(config: &Config) -> Result<(), Wrong> {
    let web = &config.web;
    PublicUrl::parse(&web.public_url).map_err(|error| ("web.public_url", format!("is wrong: {error}")))?;
    if let Some(range) = web.trusted_proxies.iter().find(|range| range.prefix_len() == 0) {
        return Err((
            "web.trusted_proxies",
            format!("holds {range}, by which anybody could claim any address; name the proxies"),
        ));
    }
    if let Some(host) = web
        .hosts
        .iter()
        .find(|host| host.contains(['/', ':', ' ']) || host.is_empty())
    {
        return Err((
            "web.hosts",
            format!("holds {host:?}; write names alone, such as \"gate.example.com\""),
        ));
    }
    if web.idle_timeout > web.session_timeout {
        return Err((
            "web.idle_timeout",
            format!(
                "is {}, longer than web.session_timeout ({})",
                web.idle_timeout, web.session_timeout
            ),
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
