//! The pages of a site, as `curl` and browsers reach them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::net::free_port;
use crate::run::{Run, Running};
use crate::site::{Database, Site};
use crate::tools::node_modules;

/// Lines of a site's configuration by which its node serves pages at the gate's own address.
pub fn web_lines(site: &Site) -> String {
    let gate = site.net.gate();
    let port = free_port(gate);
    format!("web.listen = [\"{gate}:{port}\"]\nweb.public_url = \"https://{gate}:{port}\"\n")
}

/// A site whose node serves pages.
pub fn web_site(database: Database<'_>, lines: &str) -> Site {
    let site = Site::new(database, "");
    site.write_config(&(web_lines(&site) + lines));
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

/// For a script in a browser: starting that alone takes its time on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// A script of `browser/` at work.
pub struct Browsing(Running);

impl Browsing {
    /// Starts the script with this input.
    pub fn start(script: &str, input: &Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script);
        let run = Run::new("node")
            .arg(&script)
            .arg(input.to_string())
            .env("NODE_PATH", node_modules())
            .env("SCREENSHOTS", screenshots())
            .within(PATIENCE);
        Self(run.start())
    }

    /// Waits until it has printed this.
    pub fn prints(&mut self, text: &str) {
        self.0.prints(text);
    }

    /// Waits for its end; gives the JSON on the last line of its output.
    #[track_caller]
    pub fn done(self) -> Value {
        let done = self.0.done();
        let text = done.clone().ok();
        let last = text.lines().last().unwrap_or("");
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {done}"))
    }
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
