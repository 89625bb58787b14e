//! The crate graph: every crate has a floor, arrows point down, and what a floor must not know it does not.

use std::collections::BTreeMap;

use gatehouse_house::metadata::{Metadata, Package};

/// The floors of the house. A crate may use crates of lower floors only. A crate that is not listed has no
/// place yet: give it one here and in ARCHITECTURE.md.
const FLOORS: &[(&str, u8)] = &[
    ("gatehouse-model", 0),
    ("gatehouse-faults", 0),
    ("gatehouse-policy", 1),
    ("gatehouse-audit", 1),
    ("gatehouse-recording", 1),
    ("gatehouse-replay", 1),
    ("gatehouse-telemetry", 1),
    ("gatehouse-archive", 2),
    ("gatehouse-store", 2),
    ("gatehouse-gate", 3),
    ("gatehouse-search", 3),
    ("gatehouse-alerts", 4),
    ("gatehouse-ssh", 4),
    ("gatehouse-rdp", 4),
    ("gatehouse-video", 4),
    ("gatehouse-web", 5),
    ("gatehouse", 6),
    ("gatehouse-bench", 7),
    ("gatehouse-fuzz", 7),
];

/// Crates that see the others only from outside: as files and as a running binary.
const OUTSIDE: &[&str] = &["gatehouse-e2e", "gatehouse-house"];

/// Who drives the running binary with whose harness.
const DRIVEN_BY: &[(&str, &str)] = &[("gatehouse-bench", "gatehouse-e2e")];

/// Floors up to this one do no input or output.
const HIGHEST_CORE_FLOOR: u8 = 1;

/// What the core must not reach, however far away.
const NEVER_IN_CORE: &[&str] = &[
    "tokio",
    "mio",
    "async-std",
    "sea-orm",
    "sqlx",
    "sqlx-core",
    "russh",
    "axum",
    "hyper",
];

/// Who must not use whom, though the floors would permit it.
const NEVER: &[(&str, &str)] = &[
    ("gatehouse-ssh", "gatehouse-store"),
    ("gatehouse-ssh", "gatehouse-archive"),
    ("gatehouse-rdp", "gatehouse-store"),
    ("gatehouse-rdp", "gatehouse-archive"),
];

/// Libraries that one crate alone may use.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sea-orm", &["gatehouse-store"]),
    ("sea-orm-migration", &["gatehouse-store"]),
    ("sqlx", &["gatehouse-store"]),
    ("russh", &["gatehouse-ssh", "gatehouse-bench"]),
    ("hyper", &["gatehouse-alerts", "gatehouse-web"]),
    ("axum", &["gatehouse-web"]),
    ("metrics", &["gatehouse-telemetry", "gatehouse-web"]),
    ("metrics-exporter-prometheus", &["gatehouse-web"]),
];

#[test]
fn every_crate_has_a_floor_and_no_arrow_points_up() {
    let metadata = Metadata::load().unwrap();
    let floors: BTreeMap<_, _> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in metadata.members() {
        let ours = package
            .dependencies
            .iter()
            .map(|d| d.name.as_str())
            .filter(|n| n.starts_with("gatehouse"));
        if OUTSIDE.contains(&package.name.as_str()) {
            wrong.extend(ours.map(|other| format!("{} must not link {other}", package.name)));
            continue;
        }
        let Some(floor) = floors.get(package.name.as_str()) else {
            wrong.push(format!("{} has no floor", package.name));
            continue;
        };
        for other in ours.filter(|other| !DRIVEN_BY.contains(&(&package.name, other))) {
            if floors.get(other).is_none_or(|below| below >= floor) {
                wrong.push(format!("{} uses {other}, which is not below it", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_core_reaches_no_runtime_no_database_and_no_network() {
    let metadata = Metadata::load().unwrap();
    for package in metadata.members().filter(|p| is_core(p)) {
        let reached = metadata.runs_on(package);
        let bad: Vec<_> = NEVER_IN_CORE
            .iter()
            .filter(|name| reached.contains(**name))
            .collect();
        assert!(bad.is_empty(), "{} reaches {bad:?}", package.name);
    }
}

#[test]
fn each_gate_sees_only_the_gate_and_each_library_has_one_home() {
    let metadata = Metadata::load().unwrap();
    let mut wrong = Vec::new();
    for package in metadata.members() {
        let uses = |name: &str| package.dependencies.iter().any(|d| d.name == name);
        for (who, whom) in NEVER {
            if package.name == *who && uses(whom) {
                wrong.push(format!("{who} must not use {whom}"));
            }
        }
        for (library, homes) in ONLY_IN {
            if uses(library) && !homes.contains(&package.name.as_str()) {
                wrong.push(format!(
                    "{} uses {library}, which belongs to {homes:?}",
                    package.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    let metadata = Metadata::load().unwrap();
    for package in metadata.members() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has lints of its own",
            package.name
        );
    }
}

fn is_core(package: &Package) -> bool {
    FLOORS
        .iter()
        .any(|(name, floor)| package.name == *name && *floor <= HIGHEST_CORE_FLOOR)
}
