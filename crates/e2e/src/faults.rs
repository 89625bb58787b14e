//! Fault points of the binary under test: what goes wrong inside it, and when.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::site::program;

/// The variable that names the file with what is to go wrong.
pub(crate) const VARIABLE: &str = "FAULT_POINTS";

/// Fails the test where the binary was built without fault points.
#[track_caller]
pub fn require_fault_points() {
    static THERE: OnceLock<bool> = OnceLock::new();
    let there = THERE.get_or_init(|| {
        let binary = fs::read(program()).unwrap_or_default();
        binary
            .windows(VARIABLE.len())
            .any(|bytes| bytes == VARIABLE.as_bytes())
    });
    assert!(
        there,
        "the binary has no fault points: run `cargo build -p gatehouse --features fault-points`, as ./test does"
    );
}

/// Orders what goes wrong, a line for each point.
pub(crate) fn arm(file: &Path, lines: &[&str]) {
    require_fault_points();
    // In one step: a node may be reading.
    let new = file.with_extension("new");
    fs::write(&new, lines.join("\n")).expect("the list of faults");
    fs::rename(&new, file).expect("the list of faults");
}
