//! `bench/publish.awk` replaces what stands between the markers of one measurement, and nothing else.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

const README: &str = "# Figures\n\n<!-- figures:watch -->\nkept\n<!-- /figures:watch -->\n\nbetween\n\n\
                      <!-- figures:ssh -->\nold\n<!-- /figures:ssh -->\n\nafter\n";

/// The file after publishing, unless it was refused.
fn published(readme: &str, name: &str, output: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let [file, figures] = ["README.md", "figures"].map(|name| folder.path().join(name));
    fs::write(&file, readme).unwrap();
    fs::write(&figures, output).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("publish.awk");
    let done = Command::new("awk")
        .args(["-v", &format!("name={name}"), "-v", "title=Full run:", "-v"])
        .arg(format!("output={}", figures.display()))
        .arg("-f")
        .args([script, file])
        .output()
        .unwrap();
    done.status
        .success()
        .then(|| String::from_utf8(done.stdout).unwrap())
}

#[test]
fn figures_replace_what_stood_between_their_markers() {
    let text = published(README, "ssh", "| a | b |\n\n| c | d |\n").unwrap();
    let block = "<!-- figures:ssh -->\n\nFull run:\n\n| a | b |\n\n| c | d |\n\n<!-- /figures:ssh -->";
    assert_eq!(
        text,
        README.replace("<!-- figures:ssh -->\nold\n<!-- /figures:ssh -->", block)
    );
    let again = published(&text, "ssh", "| a | b |\n\n| c | d |\n").unwrap();
    assert_eq!(again, text, "publishing twice changes nothing");
}

#[test]
fn a_file_without_one_pair_of_markers_is_refused() {
    assert_eq!(published(README, "scale", "x\n"), None, "no markers");
    let open = README.replace("<!-- /figures:ssh -->\n", "");
    assert_eq!(published(&open, "ssh", "x\n"), None, "the rest would be lost");
    assert_eq!(published(&README.repeat(2), "ssh", "x\n"), None, "two places");
}

#[test]
fn every_measurement_of_a_run_has_its_place_in_the_readme() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = fs::read_to_string(here.join("run")).unwrap();
    let readme = fs::read_to_string(here.join("README.md")).unwrap();
    let (_, rest) = run.split_once("parts='").unwrap();
    let (parts, _) = rest.split_once('\'').unwrap();
    assert!(parts.split(' ').count() > 1);
    for part in parts.split(' ').chain(["idle-hour"]) {
        assert!(published(&readme, part, "x\n").is_some(), "no place for {part}");
    }
}
