//! Programs that tests drive besides OpenSSH: where they are, and what to install where they are not.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::run::Run;

/// Programs and Debian's packages of them; any other is of the package of its own name.
const PACKAGES: &[(&str, &str)] = &[
    ("ansible", "ansible-core"),
    ("dbclient", "dropbear-bin"),
    ("dropbear", "dropbear-bin"),
    ("dropbearkey", "dropbear-bin"),
    ("fusermount3", "fuse3"),
    ("go", "golang-go golang-golang-x-crypto-dev"),
    ("node", "nodejs"),
    ("plink", "putty-tools"),
    ("pscp", "putty-tools"),
    ("psftp", "putty-tools"),
    ("setpriv", "util-linux"),
    ("ssh", "openssh-client"),
];

/// What to do about a program that is not there.
pub(crate) fn missing(program: &str) -> String {
    let name = program.rsplit('/').next().unwrap_or(program);
    let package = PACKAGES.iter().find(|(known, _)| *known == name);
    let package = package.map_or(name, |(_, package)| package);
    format!("{program} is missing: `apt-get install {package}` installs it, and so does ./test as root")
}

/// A file among the clients' scripts, `crates/e2e/clients`.
pub fn client_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// The Python whose libraries are those of `clients/requirements.txt`.
pub fn python() -> PathBuf {
    set_up("python/bin/python")
}

/// The folder with the libraries of `clients/package.json`, for `NODE_PATH`.
pub fn node_modules() -> PathBuf {
    set_up("node/node_modules")
}

fn set_up(what: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../.tools")
        .join(what);
    assert!(
        path.exists(),
        "{} is missing: ./test installs it, or `top=. ; . packaging/setup.sh; setup_tools test` in sh",
        path.display()
    );
    path
}

/// The Go client, compiled once for a run.
pub fn go_client() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("the path of this test");
        let folder = test.parent().expect("cargo's folder for tests");
        let program = folder.join("gatehouse-go-client");
        // Debian's own libraries, and none from the network.
        let go = Run::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(client_file("client.go"));
        let go = go.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
        go.within(std::time::Duration::from_secs(180)).done().ok();
        program
    })
}

/// Bytes that do not compress and are the same each time.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}
