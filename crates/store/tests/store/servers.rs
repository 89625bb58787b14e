//! Servers: entry, changes, removal.

use gatehouse_model::{LegacyAlgorithms, Protocol, ServerOs};
use gatehouse_store::{Activity, Edit, PageRequest, ProxyChoice, ServerEdit, ServerFilter};

use crate::support::{Place, cli, name, new_server, now, on_both, range, sentence, server};

on_both!(
    a_server_is_entered_changed_found_and_removed,
    a_server_offers_something
);

async fn a_server_is_entered_changed_found_and_removed(place: &Place) {
    let store = place.open().await;
    store
        .add_pool_range(&cli(), now(), range("127.0.20.0/24"), None)
        .await
        .unwrap();
    let web = server(&store, "web01").await;
    assert_eq!(web.proxies[0].address.to_string(), "127.0.20.1");
    let edit = ServerEdit {
        name: Some(name("web02")),
        address: Some("db.Example.com".parse().unwrap()),
        offer: vec![(Protocol::Rdp, 3390), (Protocol::Ssh, 2222)],
        os: Edit::Set(ServerOs::Linux),
        description: Edit::Set("the web".to_owned()),
        legacy_algorithms: Some(LegacyAlgorithms::On),
        ..ServerEdit::default()
    };
    let edited = store.edit_server(&cli(), now(), "web01", edit).await.unwrap();
    let ports: Vec<_> = edited.services.iter().map(|s| (s.protocol, s.port)).collect();
    assert_eq!(ports, [(Protocol::Ssh, 2222), (Protocol::Rdp, 3390)]);
    assert_eq!(
        (edited.address.to_string().as_str(), edited.os),
        ("db.example.com", Some(ServerOs::Linux))
    );
    assert_eq!(
        (web.legacy_algorithms, edited.legacy_algorithms),
        (LegacyAlgorithms::Off, LegacyAlgorithms::On)
    );
    let rows = store.directory_rows().await.unwrap().servers;
    assert_eq!(rows[0].legacy_algorithms, LegacyAlgorithms::On);
    for filter in [
        ServerFilter {
            text: Some("THE".to_owned()),
            ..ServerFilter::default()
        },
        ServerFilter {
            text: Some("example".to_owned()),
            ..ServerFilter::default()
        },
        ServerFilter {
            protocol: Some(Protocol::Rdp),
            active: Some(true),
            ..ServerFilter::default()
        },
    ] {
        let found = store
            .servers(now(), &filter, &PageRequest::all())
            .await
            .unwrap()
            .items;
        assert_eq!(found, std::slice::from_ref(&edited), "{filter:?}");
    }
    assert!(
        !store
            .set_server_activity(&cli(), now(), "web02", Activity::Disabled)
            .await
            .unwrap()
            .active
    );
    store.remove_server(&cli(), now(), "web02").await.unwrap();
    assert!(store.server(now(), "web02").await.is_err());
    assert!(store.pool(now()).await.unwrap()[0].allocations.is_empty());
}

async fn a_server_offers_something(place: &Place) {
    let store = place.open().await;
    let mut nothing = new_server("web01", ProxyChoice::None);
    nothing.services.clear();
    assert_eq!(
        store
            .add_server(&cli(), now(), nothing)
            .await
            .unwrap_err()
            .field(),
        Some("services")
    );
    server(&store, "web01").await;
    let none = ServerEdit {
        withdraw: vec![Protocol::Ssh],
        ..ServerEdit::default()
    };
    assert!(store.edit_server(&cli(), now(), "web01", none).await.is_err());
    let zero = ServerEdit {
        offer: vec![(Protocol::Ssh, 0)],
        ..ServerEdit::default()
    };
    assert!(store.edit_server(&cli(), now(), "web01", zero).await.is_err());
    let taken = sentence(
        store
            .add_server(&cli(), now(), new_server("WEB01", ProxyChoice::None))
            .await,
    );
    assert!(
        taken.starts_with("there is a server \"web01\" already"),
        "{taken}"
    );
}
