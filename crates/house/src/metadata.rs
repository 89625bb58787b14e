//! The parts of `cargo metadata` that the tests read.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// The answer of `cargo metadata --format-version 1 --locked`.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    /// Every package of the resolved tree, ours and others'.
    pub packages: Vec<Package>,
    /// Package ids of the crates of this workspace.
    pub workspace_members: Vec<String>,
    /// Who uses whom, with the features that are on.
    pub resolve: Resolve,
}

/// One package.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Unique id.
    pub id: String,
    /// SPDX expression, if the package states one.
    pub license: Option<String>,
    /// Where it came from; `None` for a path.
    pub source: Option<String>,
    /// Where its manifest lies.
    pub manifest_path: PathBuf,
    /// What its manifest asks for, whatever the features and the kind.
    pub dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependencies.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// The package asked for.
    pub name: String,
}

/// The resolved graph.
#[derive(Debug, Deserialize)]
pub struct Resolve {
    /// One node for each package.
    pub nodes: Vec<Node>,
}

/// One package's place in the graph.
#[derive(Debug, Deserialize)]
pub struct Node {
    /// The package's id.
    pub id: String,
    /// What it uses.
    pub deps: Vec<Edge>,
}

/// One arrow of the graph.
#[derive(Debug, Deserialize)]
pub struct Edge {
    /// The package used.
    pub pkg: String,
    /// In which roles it is used.
    pub dep_kinds: Vec<Role>,
}

/// The role of an arrow.
#[derive(Debug, Deserialize)]
pub struct Role {
    /// `None` for a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
}

impl Metadata {
    /// Asks cargo. Errors are sentences for the person who runs the tests.
    pub fn load() -> Result<Self, String> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(workspace_root())
            .output()
            .map_err(|e| format!("cargo cannot be started: {e}"))?;
        if !output.status.success() {
            return Err(format!(
                "cargo metadata failed: {}",
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata cannot be read: {e}"))
    }

    /// The crates of this workspace.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|p| self.workspace_members.contains(&p.id))
    }

    /// Names of every package that a member needs to run, however far away.
    pub fn runs_on(&self, package: &Package) -> BTreeSet<&str> {
        let nodes: HashMap<_, _> = self.resolve.nodes.iter().map(|n| (n.id.as_str(), n)).collect();
        let names: HashMap<_, _> = self
            .packages
            .iter()
            .map(|p| (p.id.as_str(), p.name.as_str()))
            .collect();
        let mut seen = BTreeSet::new();
        let mut open = vec![package.id.as_str()];
        while let Some(id) = open.pop() {
            for edge in nodes.get(id).into_iter().flat_map(|n| &n.deps) {
                if edge.dep_kinds.iter().any(|r| r.kind.is_none()) && seen.insert(edge.pkg.as_str()) {
                    open.push(&edge.pkg);
                }
            }
        }
        seen.into_iter().filter_map(|id| names.get(id).copied()).collect()
    }
}

/// The top folder of the repository.
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}
