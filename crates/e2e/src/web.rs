//! The pages of a site, as `curl` and browsers reach them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::net::free_port;
use crate::run::{Done, Run};
use crate::site::{Database, Site};
use crate::tools::node_modules;

/// A site whose node serves pages at the gate's own address, and at `localhost` for browsers.
pub fn web_site(database: Database<'_>, lines: &str) -> Site {
    let site = Site::new(database, "");
    let port = free_port(site.net.gate());
    let listen = format!(
        "web.listen = [\"{}:{port}\"]\nweb.public_url = \"https://{}:{port}\"\n{lines}",
        site.net.gate(),
        site.net.gate(),
    );
    site.write_config(&listen);
    site
}

/// `curl` from an address, for these pages.
pub fn curl(source: Ipv4Addr, at: SocketAddr, path: &str) -> Run {
    let scheme = if path.starts_with("http") { "" } else { "https://" };
    let url = if scheme.is_empty() {
        path.to_owned()
    } else {
        format!("{scheme}{at}{path}")
    };
    let source = source.to_string();
    Run::new("curl").args([
        "--silent",
        "--show-error",
        "--insecure",
        "--interface",
        source.as_str(),
        url.as_str(),
    ])
}

/// What a script of `browser/` gave: the JSON on the last line of its output.
#[track_caller]
pub fn browse(script: &str, input: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script);
    let done: Done = Run::new("node")
        .arg(&script)
        .arg(input.to_string())
        .env("NODE_PATH", node_modules())
        .env("SCREENSHOTS", screenshots())
        .done();
    let text = done.clone().ok();
    let last = text.lines().last().unwrap_or("");
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {done}"))
}

/// Where pictures of the pages go: beside the test binaries.
pub fn screenshots() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test
        .ancestors()
        .nth(3)
        .expect("cargo's folder")
        .join("screenshots");
    std::fs::create_dir_all(&folder).expect("a folder for screenshots");
    folder
}
