//! The description that is checked in is the one that is served.

use gatehouse_web::testing::document;

/// Set to write the file instead of comparing it.
const WRITE: &str = "GATEHOUSE_WRITE_OPENAPI";

#[test]
fn the_checked_in_description_is_the_one_served() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let served = document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file, &served).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        kept == served,
        "the API has changed; run {WRITE}=1 cargo test -p gatehouse-web --test api openapi, and commit openapi.json"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let document = serde_json::to_value(document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = std::collections::BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let what = format!("{method} {path}");
            let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(!name.is_empty(), "{what} has no name");
            assert!(
                operation["summary"].as_str().is_some_and(|text| text.len() > 5),
                "{what} does not say what it does"
            );
            assert!(operation["tags"][0].is_string(), "{what} has no tag");
            if let Some(other) = names.insert(name, what.clone()) {
                panic!("{what} and {other} have one name");
            }
        }
    }
}
