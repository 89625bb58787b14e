//! Servers that say much before the login.

use std::fs;

use gatehouse_e2e::{Account, Run, Scene, Setup, Sshd, SshdSetup, Terminal};

use super::{other, with_other};

/// More than is shown, with what would harm a terminal in it.
fn banner() -> String {
    let mut text = String::from("\u{1b}[2J\u{1b}]0;title\u{7}Property of ACME. Größe: 1.\r\n\u{9b}31m");
    for number in 0..400 {
        text.push_str(&format!("line {number} of what nobody reads\n"));
    }
    text.push_str("the very end\n");
    text
}

fn talkative() -> (Scene, Sshd) {
    with_other(|site, alice| {
        let file = site.folder().join("banner");
        fs::write(&file, banner()).unwrap();
        let setup = SshdSetup {
            authorized: vec![alice.public_key()],
            lines: vec![format!("Banner {}", file.display())],
        };
        let sshd = Sshd::start(site.net.server(2), setup);
        let addr = sshd.addr;
        (sshd, addr)
    })
}

#[test]
fn a_long_banner_is_shown_cut_and_clean_and_harms_no_output() {
    assert!(banner().len() > 8 * 1024);
    let (scene, _sshd) = talkative();
    let done = scene
        .alice
        .ssh(&other(&scene))
        .arg("printf exact; printf 'err\\n' >&2")
        .done()
        .exits(0);
    assert_eq!(done.out(), "exact");
    let err = done.err();
    assert!(
        err.contains("Property of ACME. Größe: 1.") && err.contains("line 100 of"),
        "{done}"
    );
    assert!(!err.contains("the very end") && err.ends_with("err\n"), "{done}");
    assert!(
        err.len() < 9 * 1024 && !err.contains(['\u{1b}', '\u{7}', '\u{9b}']),
        "{done}"
    );
    let session = scene.all_closed(1).remove(0);
    let cast = String::from_utf8(scene.site.recorded(&session, "ssh-0.cast")).unwrap();
    assert!(
        cast.contains("Property of ACME"),
        "what the person was shown is recorded: {cast}"
    );
    // What is copied is not touched by it.
    let file = scene.sshd.files().join("copied");
    fs::write(&file, "contents").unwrap();
    for protocol in ["-s", "-O"] {
        let target = other(&scene);
        let back = scene.alice.folder().join(protocol);
        let scp = scene.alice.copier("scp", &target).args([protocol, "-q"]);
        scp.arg(scene.alice.remote(&target, &file)).arg(&back).done().ok();
        assert_eq!(fs::read_to_string(&back).unwrap(), "contents");
    }
    let mut words = scene.alice.ssh_words(&other(&scene), &["-tt"]);
    words.push("echo on a terminal".to_owned());
    let mut terminal = Terminal::start("ssh", &words);
    terminal.shows("Property of ACME");
    terminal.shows("on a terminal");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_banner_comes_with_a_typed_password_too() {
    let account = Account::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("banner");
    fs::write(&file, "Only for staff.\n").unwrap();
    let banner = format!("Banner {}", file.display());
    let scene = Scene::with(Setup {
        sshd: &["PasswordAuthentication yes", &banner],
        ..Setup::default()
    });
    let target = scene.web01().login(&account.name);
    let words = scene.alice.ssh_words(&target, &["-o", "PubkeyAuthentication=no"]);
    let ssh = Run::new("sshpass")
        .args(["-p", &account.password, "ssh"])
        .args(words);
    let done = ssh.arg("echo in").done().exits(0);
    assert_eq!(done.out(), "in\n");
    assert!(done.err().contains("Only for staff."), "{done}");
}
