//! What comes from others: its licence, what must not be among it, and that the patched russh is the one linked.

use std::collections::BTreeMap;
use std::process::Command;

use gatehouse_house::licence::is_permissive;
use gatehouse_house::metadata::{Metadata, workspace_root};

/// A second TLS or crypto stack, or one that is not built from source.
const UNWANTED: &[&str] = &[
    "openssl",
    "openssl-sys",
    "native-tls",
    "aws-lc-rs",
    "aws-lc-sys",
    "aws-lc-fips-sys",
    "async-std",
];

/// Libraries under MPL-2.0: a licence of the single file, which asks nothing of a program that links them unchanged.
/// WebAuthn has no well-kept server library under another one.
const FILE_COPYLEFT: &[&str] = &[
    "crypto-glue",
    "webauthn-attestation-ca",
    "webauthn-rs",
    "webauthn-rs-core",
    "webauthn-rs-proto",
];

#[test]
fn every_dependency_has_a_permissive_licence() {
    let metadata = Metadata::load().unwrap();
    let bad: Vec<_> = metadata
        .packages
        .iter()
        .filter(|p| !p.license.as_deref().is_some_and(is_permissive))
        .filter(|p| {
            let known = FILE_COPYLEFT.contains(&p.name.as_str());
            !(known && p.license.as_deref() == Some("MPL-2.0") && p.source.is_some())
        })
        .map(|p| format!("{} {}: {:?}", p.name, p.version, p.license))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn there_is_one_crypto_stack() {
    let metadata = Metadata::load().unwrap();
    let bad: Vec<_> = metadata
        .packages
        .iter()
        .map(|p| p.name.as_str())
        .filter(|n| UNWANTED.contains(n))
        .collect();
    assert!(bad.is_empty(), "{bad:?} must not be in the tree");
}

#[test]
fn packages_in_several_major_versions_are_reported() {
    let metadata = Metadata::load().unwrap();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &metadata.packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    versions.retain(|_, list| list.len() > 1);
    let lines: Vec<_> = versions
        .iter()
        .map(|(name, list)| format!("  {name} {}", list.join(", ")))
        .collect();
    report(&format!(
        "{} packages are there in several versions:\n{}",
        lines.len(),
        lines.join("\n")
    ));
}

#[test]
fn the_patched_russh_is_the_one_linked() {
    let metadata = Metadata::load().unwrap();
    let russh: Vec<_> = metadata.packages.iter().filter(|p| p.name == "russh").collect();
    let root = workspace_root();
    assert_eq!(russh.len(), 1, "one russh, not several");
    assert_eq!(
        russh[0].source, None,
        "russh comes from the registry: the [patch] section does not apply"
    );
    assert_eq!(
        russh[0].manifest_path.canonicalize().unwrap(),
        root.join("third-party/russh/Cargo.toml").canonicalize().unwrap()
    );
    let stamp = std::fs::read_to_string(root.join("third-party/russh/.patched")).unwrap();
    assert_eq!(
        stamp.trim(),
        expected_stamp(),
        "third-party/russh is stale: run patches/apply"
    );
}

/// The stamp that `patches/apply` would leave now.
fn expected_stamp() -> String {
    let script = "cat apply russh/Cargo.toml russh/Cargo.lock russh/*.patch | cksum";
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(workspace_root().join("patches"))
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

#[expect(
    clippy::print_stdout,
    reason = "a report is read by people, with --nocapture or on failure"
)]
fn report(text: &str) {
    println!("{text}");
}
