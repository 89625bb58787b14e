//! The page of what to try, each line ready to paste.

use std::path::Path;

use super::people::{ALICE, BOB, CAROL, DANA, STRANGER};
use super::place::Place;
use super::servers::Samples;

/// The page.
pub(super) fn page(place: &Place, samples: &Samples, program: &Path, password: &str) -> String {
    let (web, db, gate) = (place.proxy(1), place.proxy(2), place.gate());
    let head = format!(
        "\nThe gate listens at {gate}, {web} and {db}, port {}. Everything lies in {}.\n\
         Try these in another terminal; Ctrl-C here ends the trial.\n",
        place.port,
        place.dir().display()
    );
    let program = format!(
        "{} --config {}",
        quoted(&program.display().to_string()),
        quoted(&place.config_file().display().to_string())
    );
    let mut parts = connecting(place, samples);
    parts.extend(pages(place, password));
    parts.extend(looking(&program));
    let parts = parts.into_iter().map(|part| {
        let lines: String = part.lines.iter().map(|line| format!("    {line}\n")).collect();
        format!("\n{}\n{lines}", part.heading)
    });
    format!("{head}{}\n", parts.collect::<String>())
}

/// Something to try.
struct Part {
    heading: String,
    lines: Vec<String>,
}

impl Part {
    fn new(heading: impl Into<String>, lines: impl IntoIterator<Item = String>) -> Self {
        Self {
            heading: heading.into(),
            lines: lines.into_iter().collect(),
        }
    }
}

/// What the people can do.
fn connecting(place: &Place, samples: &Samples) -> Vec<Part> {
    let known = quoted(&place.file("known_hosts").display().to_string());
    let options = format!("-F none -o UserKnownHostsFile={known} -o StrictHostKeyChecking=accept-new");
    let login = quoted(&samples.login);
    let (web, db, gate, port) = (place.proxy(1), place.proxy(2), place.gate(), place.port);
    let ssh = |from: &str| format!("ssh {options} -b {from} -p {port}");
    let uploaded = quoted(&place.file("uploaded").display().to_string());
    vec![
        Part::new(
            format!(
                "{} may log in ({web} leads to web01, {db} to db01), and run a command:",
                ALICE.name
            ),
            [
                format!("{} {login}@{web}", ssh(ALICE.address)),
                format!("{} {login}@{db} uptime", ssh(ALICE.address)),
            ],
        ),
        Part::new(
            "The same server by its name, at the gate's own address:",
            [format!("{} {login}@web01@{gate} hostname", ssh(ALICE.address))],
        ),
        Part::new(
            "A file, which is logged as a transfer:",
            [format!(
                "scp {options} -o BindAddress={} -P {port} /etc/hostname {login}@{web}:{uploaded}",
                ALICE.address
            )],
        ),
        Part::new(
            format!(
                "{} has a grant for other hours, and reads which and when:",
                BOB.name
            ),
            [format!("{} {login}@{web}", ssh(BOB.address))],
        ),
        Part::new(
            format!(
                "{} has a grant that ends two minutes after the start; stay and see:",
                CAROL.name
            ),
            [format!("{} {login}@{web}", ssh(CAROL.address))],
        ),
        Part::new(
            "A stranger learns nothing:",
            [format!("{} {login}@{web}", ssh(STRANGER))],
        ),
    ]
}

/// The pages, for browsers and for `curl`.
fn pages(place: &Place, password: &str) -> Vec<Part> {
    let url = place.url();
    let curl = |from: &str, path: &str| format!("curl -sk --interface {from} {url}{path}");
    vec![
        Part::new(
            format!(
                "The page, in a browser, as {} who looks after the site\n\
                 (the browser warns of the certificate, which was made for this trial):",
                DANA.name
            ),
            [format!("{url}   # sign in as {}, password {password}", DANA.name)],
        ),
        Part::new(
            format!(
                "{} asks who she is and what she may reach, {} asks for access, and sees what became of it:",
                ALICE.name, CAROL.name
            ),
            [
                curl(ALICE.address, "/whoami"),
                curl(ALICE.address, "/p/list"),
                format!(
                    "{}'?for=1h&reason=ticket'",
                    curl(CAROL.address, "/p/request/ssh/db01")
                ),
                curl(CAROL.address, "/p/status/1"),
            ],
        ),
    ]
}

/// What an administrator can see and do.
fn looking(program: &str) -> Vec<Part> {
    let all = |verbs: &[&str]| {
        verbs
            .iter()
            .map(|verb| format!("{program} {verb}"))
            .collect::<Vec<_>>()
    };
    let bob = format!("check --user {} --server web01 --protocol ssh", BOB.name);
    vec![
        Part::new(
            "Who is connected, what happened, who may, and why:",
            all(&[
                "jw",
                "session list",
                &bob,
                "who-can --server web01",
                "audit list --limit 20",
            ]),
        ),
        Part::new(
            "Watch the session that began last live, end it, play it, read it, verify it:",
            all(&[
                "session watch last",
                "session kill last --reason 'the trial is over'",
                "session play last --max-idle 1",
                "session text last",
                "session verify --all",
            ]),
        ),
    ]
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        for (word, want) in [
            ("/tmp/x", "/tmp/x"),
            ("/a b", "'/a b'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), want);
        }
    }
}
