//! Proxy addresses: who gets which, and when it is free again.

use gatehouse_model::{ProxyAddr, Timestamp};
use gatehouse_store::{ProxyChoice, Store};

use crate::support::{Place, actions, at, cli, new_server, now, on_both, range, sentence, server};

on_both!(
    a_released_address_rests_for_thirty_days_unless_it_is_named,
    addresses_end_by_themselves,
    ranges_do_not_overlap_and_stay_while_they_are_used,
    a_new_server_gets_the_address_that_was_chosen,
);

async fn assign(store: &Store, now: Timestamp, server: &str, named: Option<&str>) -> Result<String, String> {
    let named = named.map(|text| text.parse::<ProxyAddr>().unwrap());
    let assigned = store.assign_proxy(&cli(), now, server, named, None).await;
    assigned
        .map(|allocation| allocation.address.to_string())
        .map_err(|error| error.to_string())
}

async fn servers(store: &Store, names: &[&str]) {
    for text in names {
        store
            .add_server(&cli(), now(), new_server(text, ProxyChoice::None))
            .await
            .unwrap();
    }
}

async fn a_released_address_rests_for_thirty_days_unless_it_is_named(place: &Place) {
    let store = place.open().await;
    store
        .add_pool_range(&cli(), now(), range("127.0.20.0/30"), Some("lo".to_owned()))
        .await
        .unwrap();
    servers(&store, &["a", "b", "c"]).await;
    assert_eq!(assign(&store, now(), "a", None).await.unwrap(), "127.0.20.1");
    assert_eq!(assign(&store, now(), "b", None).await.unwrap(), "127.0.20.2");
    assert!(
        assign(&store, now(), "c", None)
            .await
            .unwrap_err()
            .starts_with("the pool has no free address")
    );
    store.release_proxies(&cli(), now(), "a").await.unwrap();
    assert!(assign(&store, now(), "c", None).await.is_err(), "it rests");
    assert_eq!(
        assign(&store, now(), "a", None).await.unwrap(),
        "127.0.20.1",
        "the same server may have it back"
    );
    store.release_proxies(&cli(), now(), "a").await.unwrap();
    let (before, after) = (at("2026-03-02 11:59"), at("2026-03-02 12:00"));
    assert!(assign(&store, before, "c", None).await.is_err());
    assert_eq!(assign(&store, after, "c", None).await.unwrap(), "127.0.20.1");
    store.release_proxies(&cli(), after, "c").await.unwrap();
    assert_eq!(
        assign(&store, after, "a", Some("127.0.20.1")).await.unwrap(),
        "127.0.20.1",
        "named"
    );
    let taken = assign(&store, after, "c", Some("127.0.20.2")).await.unwrap_err();
    assert_eq!(taken, "127.0.20.2 is given to b; release it first");
    let strange = assign(&store, after, "c", Some("127.0.99.1")).await.unwrap_err();
    assert!(strange.starts_with("127.0.99.1 is not in the pool"), "{strange}");
    let second = assign(&store, after, "a", None).await.unwrap_err();
    assert!(
        second.starts_with("a has the proxy address 127.0.20.1 already"),
        "{second}"
    );
    let none = sentence(store.release_proxies(&cli(), after, "c").await);
    assert_eq!(none, "c has no proxy address");
}

async fn addresses_end_by_themselves(place: &Place) {
    let store = place.open().await;
    store
        .add_pool_range(&cli(), now(), range("127.0.20.1"), None)
        .await
        .unwrap();
    servers(&store, &["a", "b"]).await;
    let until = at("2026-01-31 13:00");
    let given = store
        .assign_proxy(&cli(), now(), "a", None, Some(until))
        .await
        .unwrap();
    assert_eq!((given.until, given.since), (Some(until), now()));
    let past = store
        .assign_proxy(&cli(), now(), "b", None, Some(now()))
        .await
        .unwrap_err();
    assert_eq!(past.field(), Some("until"));
    assert_eq!(store.server(until, "a").await.unwrap().proxies, []);
    assert!(assign(&store, until, "b", None).await.is_err(), "it rests");
    assert_eq!(
        assign(&store, until, "b", Some("127.0.20.1")).await.unwrap(),
        "127.0.20.1"
    );
    assert_eq!(
        actions(&store)
            .await
            .iter()
            .filter(|action| *action == "pool.released")
            .count(),
        1
    );
}

async fn ranges_do_not_overlap_and_stay_while_they_are_used(place: &Place) {
    let store = place.open().await;
    store
        .add_pool_range(&cli(), now(), range("127.0.20.0/24"), None)
        .await
        .unwrap();
    let overlap = sentence(
        store
            .add_pool_range(&cli(), now(), range("127.0.20.128/25"), None)
            .await,
    );
    assert_eq!(
        overlap,
        "127.0.20.128/25 overlaps 127.0.20.0/24, which is in the pool already"
    );
    server(&store, "web01").await;
    let used = sentence(
        store
            .remove_pool_range(&cli(), now(), range("127.0.20.0/24"))
            .await,
    );
    assert!(used.contains("(127.0.20.1)"), "{used}");
    store.release_proxies(&cli(), now(), "web01").await.unwrap();
    store
        .remove_pool_range(&cli(), now(), range("127.0.20.0/24"))
        .await
        .unwrap();
    assert!(store.pool(now()).await.unwrap().is_empty());
    assert!(
        store
            .remove_pool_range(&cli(), now(), range("127.0.20.0/24"))
            .await
            .is_err()
    );
    store
        .add_pool_range(&cli(), now(), range("fd00:20::/64"), None)
        .await
        .unwrap();
    let given = assign(&store, now(), "web01", None).await.unwrap();
    assert!(given.starts_with("fd00:20::"), "{given}");
}

async fn a_new_server_gets_the_address_that_was_chosen(place: &Place) {
    let store = place.open().await;
    let add = |text: &'static str, choice| {
        let store = store.clone();
        async move { store.add_server(&cli(), now(), new_server(text, choice)).await }
    };
    assert!(
        add("a", ProxyChoice::IfAvailable)
            .await
            .unwrap()
            .proxies
            .is_empty()
    );
    assert!(add("b", ProxyChoice::Auto).await.is_err());
    assert!(store.server(now(), "b").await.is_err(), "nothing of it was kept");
    store
        .add_pool_range(&cli(), now(), range("127.0.20.0/24"), None)
        .await
        .unwrap();
    let named = "127.0.20.9".parse().unwrap();
    assert_eq!(
        add("c", ProxyChoice::Address(named)).await.unwrap().proxies[0].address,
        named
    );
    assert_eq!(
        add("d", ProxyChoice::Auto).await.unwrap().proxies[0]
            .address
            .to_string(),
        "127.0.20.1"
    );
    assert!(add("e", ProxyChoice::None).await.unwrap().proxies.is_empty());
}
