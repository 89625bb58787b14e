//! Windows of programs at the server, on a real X server.

use std::process::{Child, Command, Stdio};

use gatehouse_e2e::{LIMIT, Scene, Setup, tshark, tshark_streams, wait_for};

use super::forward;

/// An X server without a screen to look at.
struct Display {
    child: Child,
    name: String,
    _folder: tempfile::TempDir,
}

impl Display {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let number = folder.path().join("number");
        let script = format!("exec Xvfb -displayfd 3 -ac -nolisten tcp 3>{}", number.display());
        let child = Command::new("sh")
            .args(["-c", &script])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let number = wait_for("Xvfb to take a display", LIMIT, || {
            let text = std::fs::read_to_string(&number).ok()?;
            text.strip_suffix('\n').map(str::to_owned)
        });
        Self {
            child,
            name: format!(":{number}"),
            _folder: folder,
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn scene(grant: &[&str]) -> Scene {
    Scene::with(Setup {
        grant: Some(grant),
        sshd: &["X11Forwarding yes", "X11UseLocalhost yes"],
        ..Setup::default()
    })
}

#[test]
fn windows_are_shown_with_the_right_and_refused_in_words_without() {
    let display = Display::start();
    let with = scene(&["--right", "x11", "--record-forwards", "on"]);
    let done = with
        .alice
        .ssh_with(&with.web01(), &["-Y"])
        .env("DISPLAY", &display.name)
        .arg("xdpyinfo")
        .done();
    assert!(done.out().contains("number of screens"), "{done}");
    let row = forward(&with, "of windows", |row| row["kind"] == "x11");
    assert!(row["bytes_out"].as_u64().unwrap() > 0, "{row}");

    // What was captured of it is X11 to Wireshark too.
    let session = with.site.closed_session();
    let file = with.site.folder().join("x11.pcapng");
    let (id, to) = (session["id"].as_str().unwrap(), file.display().to_string());
    with.site
        .ok(&["session", "export", id, "--format", "pcapng", "-o", &to]);
    let streams = tshark_streams(&file);
    let sent: usize = streams.iter().map(|stream| stream.sent.len()).sum();
    let row = forward(&with, "of windows, ended", |row| row["ended_at"].is_string());
    assert_eq!(row["bytes_out"].as_u64(), Some(sent as u64), "{row}");
    assert!(tshark(&file, &["-Y", "x11"]).contains("X11"));

    let without = scene(&[]);
    let done = without
        .alice
        .ssh_with(&without.web01(), &["-Y"])
        .env("DISPLAY", &display.name)
        .arg("echo display=$DISPLAY")
        .done();
    assert_eq!(done.out(), "display=\n", "{done}");
    let said = done.err().replace("\r\n", " ");
    assert!(said.contains("carries the right x11"), "{done}");
}
