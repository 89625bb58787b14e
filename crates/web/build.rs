//! The page is built apart (`packaging/setup.sh`); this only says when what was built has changed.

use std::path::Path;

fn main() {
    let built = "../../ui/dist";
    // A path that is missing would have this crate built anew each time.
    let watched = if Path::new(built).exists() {
        built
    } else {
        "build.rs"
    };
    println!("cargo::rerun-if-changed={watched}");
}
