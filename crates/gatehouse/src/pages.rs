//! The wiring of the pages: certificate, listeners, settings.

use gatehouse_archive::Library;
use gatehouse_gate::{Gate, ListenerName, bind, recording_keyring};
use gatehouse_store::Store;
use gatehouse_web::{AddressTrust, Certificate, PublicUrl, Site, Speech, Transport, WebSettings};
use tokio_util::sync::CancellationToken;

use crate::cli::absolute;
use crate::config::{Config, Tls, Web};
use crate::failure::{Failure, sentence};

const WEB: ListenerName = ListenerName {
    gate: "web",
    key: "web.listen",
    before: None,
};
const PLAIN: ListenerName = ListenerName {
    gate: "web",
    key: "web.plain_listen",
    before: None,
};

/// Listens, and serves until it is to stop.
///
/// # Errors
/// The certificate cannot be had, or an address cannot be listened on.
pub(crate) fn listen(
    config: &Config,
    gate: &Gate,
    store: &Store,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    if !config.pages_are_served() {
        return Ok(());
    }
    let site = site(config, gate, store)?;
    let web = &config.web;
    let speech = match web.tls {
        Tls::Off => Speech::Plain,
        _ if web.listen.is_off() => Speech::Plain,
        _ => Speech::Tls(gatehouse_web::server_config(&certificate(config)?).map_err(refused)?),
    };
    let pages = gatehouse_web::pages(&site);
    for listener in bind(WEB, web.listen.addresses()).map_err(refused)? {
        let serving = gatehouse_web::serve_pages(listener, pages.clone(), speech.clone(), stop.clone());
        tokio::spawn(serving);
    }
    let plain = gatehouse_web::plain_pages(&site);
    for listener in bind(PLAIN, web.plain_listen.addresses()).map_err(refused)? {
        let serving = gatehouse_web::serve_pages(listener, plain.clone(), Speech::Plain, stop.clone());
        tokio::spawn(serving);
    }
    Ok(())
}

fn site(config: &Config, gate: &Gate, store: &Store) -> Result<Site, Failure> {
    let web = &config.web;
    let library =
        Library::at(&absolute(&config.recordings())?).with_keys(recording_keyring(store, Vec::new()));
    let settings = WebSettings {
        public_url: PublicUrl::parse(&web.public_url).map_err(refused)?,
        hosts: web.hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
        trusted_proxies: web.trusted_proxies.clone(),
        address_trust: if web.address_is_enough {
            AddressTrust::OwnPages
        } else {
            AddressTrust::Never
        },
        transport: match web.tls {
            Tls::Off => Transport::Plain,
            Tls::SelfSigned | Tls::Files => Transport::Tls,
        },
        idle_timeout: web.idle_timeout,
        session_timeout: web.session_timeout,
        confirm_after: web.confirm_after,
        data_dir: absolute(&config.data_dir)?,
        configuration: serde_json::to_value(config.without_secrets())?,
    };
    Ok(Site::new(gate.clone(), store.clone(), library, settings))
}

fn certificate(config: &Config) -> Result<Certificate, Failure> {
    let Web { tls, cert, key, .. } = &config.web;
    if let (Tls::Files, Some(cert), Some(key)) = (tls, cert, key) {
        return Ok(Certificate::Files {
            cert: config.data_dir.join(cert),
            key: config.data_dir.join(key),
        });
    }
    let public = PublicUrl::parse(&config.web.public_url).map_err(refused)?;
    let bare = public.host().trim_matches(['[', ']']).to_owned();
    let mut names = vec![bare, "localhost".to_owned()];
    names.extend(config.web.hosts.iter().cloned());
    names.extend(
        config
            .web
            .listen
            .addresses()
            .iter()
            .map(|address| address.ip())
            .filter(|ip| !ip.is_unspecified())
            .map(|ip| ip.to_string()),
    );
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(Certificate::SelfSigned {
        dir: absolute(&config.data_dir)?,
        names,
    })
}

fn refused(error: impl std::error::Error) -> Failure {
    Failure::refused(sentence(&error))
}
