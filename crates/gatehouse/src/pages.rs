//! The wiring of the pages: certificate, listeners, settings.

use gatehouse_archive::Library;
use gatehouse_gate::{Gate, ListenerName, bind, recording_keyring};
use gatehouse_model::Role;
use gatehouse_store::{Actor, FirstAdministrator, Inside, NewUser, Store, StoreError};
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

/// The name of the first administrator, where there is none.
const FIRST: &str = "admin";

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
    tokio::spawn(site.clone().keep_up(stop.clone()));
    tokio::spawn(first_administrator(store.clone(), gate.clone(), site.clone()));
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
        requests: config.request_limits(),
        data_dir: absolute(&config.data_dir)?,
        configuration: serde_json::to_value(config.without_secrets())?,
    };
    Ok(Site::new(gate.clone(), store.clone(), library, settings))
}

/// Says how the first administrator signs in, while none can: a link for the one that is there, or for a new one.
async fn first_administrator(store: Store, gate: Gate, site: Site) {
    let link = async {
        let (now, actor) = (gate.clock().now(), Actor::node(gate.node()));
        let name = match store.needs_first_administrator(now).await? {
            FirstAdministrator::NotNeeded => return Ok(None),
            FirstAdministrator::Waiting(name) => name,
            FirstAdministrator::Absent => {
                let new = NewUser {
                    name: FIRST.parse().map_err(|_| not_named())?,
                    full_name: None,
                    email: None,
                    role: Role::Admin,
                    addresses: Vec::new(),
                };
                store
                    .add_user(&actor, now, new, Inside::Refuse)
                    .await?
                    .name
                    .to_string()
            }
        };
        let made = store.make_setup_link(&actor, now, &name).await?;
        Ok::<_, StoreError>(Some((name, made)))
    };
    match link.await {
        Ok(None) => {}
        Ok(Some((name, made))) => tracing::warn!(
            user = name,
            link = site.setup_link(&made.secret),
            "no administrator can sign in yet; open this link once, within 24 hours"
        ),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "no administrator can sign in yet; run `gatehouse user setup-link NAME`"
        ),
    }
}

fn not_named() -> StoreError {
    StoreError::Conflict(format!("{FIRST:?} is not a name"))
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
