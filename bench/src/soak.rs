//! `bench soak`: one bad day after another, at random, for an hour.
//!
//! `SOAK_SECONDS` sets the time and `SOAK_SEED` repeats a run. While a person works in a shell, something breaks; then
//! what must hold on every day is checked: all rows closed, every recording and the book whole, every word that was
//! shown before in its recording, and the next session served.

use std::fmt::Display;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gatehouse_e2e::{Cluster, Database, LIMIT, Run, Scene, Setup, Terminal, connect_from, noise, wait_for};

use crate::effort::{Effort, Length};
use crate::random::Random;

const SECONDS: Effort<u64> = Effort {
    full: 3600,
    quick: 60,
};
/// Short patience, so that an hour holds many days.
const CONFIG: &str = "recording.patience = \"3s\"\nshutdown.grace = \"1s\"\nssh.login_grace = \"10s\"";
/// Points at which the node is killed.
const STEPS: &[&str] = &[
    "archive.marker-made",
    "archive.manifest-named",
    "archive.appended",
    "archive.synced",
    "archive.closing-manifest-written",
    "archive.closing-manifest-named",
    "archive.sealed",
    "gate.row-opening",
    "gate.row-active",
    "gate.relays-stopped",
    "store.row-closing-uncommitted",
    "ssh.output-recorded",
];
/// What the disk does.
const DISK: &[&str] = &[
    "archive.append = delay 100",
    "archive.append = error ENOSPC",
    "archive.sync = error EIO",
    "archive.create = error EROFS",
    "archive.seal = error EIO",
    "archive.append = hang",
];
/// Where a session panics.
const PANICS: &[&str] = &[
    "ssh.output-recorded",
    "archive.append",
    "gate.row-active",
    "ssh.connected",
];

/// A place where days are bad.
struct Site {
    cluster: Cluster,
    scene: Scene,
    random: Random,
}

/// A person in a shell, and what was shown.
struct Person {
    terminal: Terminal,
    words: Vec<String>,
}

/// Runs and prints what was done.
pub(crate) fn run(length: Length, out: &mut dyn Write) -> io::Result<()> {
    let seconds = given("SOAK_SECONDS", SECONDS.at(length))?;
    let seed = given("SOAK_SEED", u64::from(std::process::id()))?;
    writeln!(out, "seed {seed}, {seconds} s")?;
    let cluster = Cluster::own();
    let url = cluster.database("gatehouse");
    let scene = Scene::with(Setup {
        database: Database::At(&url),
        config: CONFIG,
        ..Setup::default()
    });
    let mut site = Site {
        cluster,
        scene,
        random: Random::new(seed),
    };
    let begin = Instant::now();
    let (mut days, mut most) = (0, 0);
    while begin.elapsed() < Duration::from_secs(seconds) {
        let what = site.day();
        days += 1;
        let memory = site.scene.site.node().memory_kib();
        most = memory.max(most);
        writeln!(
            out,
            "{:>6} s  day {days}: {what}; {memory} KiB",
            begin.elapsed().as_secs()
        )?;
    }
    site.is_sound();
    writeln!(out, "{days} bad days, nothing lost; {most} KiB at most")
}

fn given<T: FromStr>(name: &str, default: T) -> io::Result<T>
where
    T::Err: Display,
{
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .map_err(|error| io::Error::other(format!("{name}: {error}"))),
        Err(_) => Ok(default),
    }
}

impl Site {
    /// One day: somebody works, something breaks, all is well again.
    fn day(&mut self) -> String {
        let mut person = Person::begin(&self.scene);
        let what = match self.random.below(6) {
            0 => self.killed_at_a_step(),
            1 => self.killed_while_busy(),
            2 => self.bad_disk(&mut person),
            3 => self.bad_database(&mut person),
            4 => self.panics(&mut person),
            _ => self.garbage(&mut person),
        };
        self.scene.site.disarm();
        if !self.scene.site.is_serving() {
            self.scene.site.serve();
        }
        drop(person.terminal);
        self.is_sound();
        self.has_recorded(&person.words);
        what
    }

    fn killed_at_a_step(&mut self) -> String {
        let step = self.random.pick(STEPS).copied().unwrap_or_default();
        self.scene.site.arm(&[&format!("{step} = abort")]);
        self.scene.ssh("echo one; sleep 2; echo two; sleep 2").done();
        wait_for("the node to end", LIMIT, || {
            (!self.scene.site.is_serving()).then_some(())
        });
        format!("killed at {step}")
    }

    fn killed_while_busy(&mut self) -> String {
        let busy = self
            .scene
            .ssh("while :; do echo 0123456789012345678901234567890123456789; done");
        let mut busy = busy.start();
        busy.prints("0123456789");
        let millis = self.random.below(1500);
        std::thread::sleep(Duration::from_millis(u64::try_from(millis).unwrap_or_default()));
        self.scene.site.take_node().kill();
        format!("killed after {millis} ms of output")
    }

    fn bad_disk(&mut self, person: &mut Person) -> String {
        let fault = self.random.pick(DISK).copied().unwrap_or_default();
        self.scene.site.arm(&[fault]);
        // Whether it works depends on the fault; that it ends does not.
        self.scene.ssh("seq 1 5000").within(LIMIT * 2).done();
        person.tries();
        format!("the disk: {fault}")
    }

    fn bad_database(&mut self, person: &mut Person) -> String {
        let held = self.random.percent(50);
        if held {
            self.cluster.hold();
        } else {
            self.cluster.stop();
        }
        person.works();
        self.scene.ssh("echo never").within(LIMIT * 3).done();
        person.works();
        if held {
            self.cluster.go_on();
        } else {
            self.cluster.start_again();
        }
        (if held {
            "the database was held still"
        } else {
            "the database was killed"
        })
        .to_owned()
    }

    fn panics(&mut self, person: &mut Person) -> String {
        let point = self.random.pick(PANICS).copied().unwrap_or_default();
        self.scene.site.arm(&[&format!("{point} = panic")]);
        self.scene.ssh("echo never").done();
        self.scene.site.disarm();
        person.tries();
        format!("a panic at {point}")
    }

    fn garbage(&mut self, person: &mut Person) -> String {
        let (addr, net) = (self.scene.web01().addr, self.scene.site.net);
        let bytes = noise(20_000);
        let count = 200 + self.random.below(800);
        for _ in 0..count {
            let Ok(mut stream) = connect_from(net.stranger(), addr) else {
                continue;
            };
            let length = self.random.below(bytes.len());
            // The gate may have closed it by now.
            let _ = stream.write_all(bytes.get(..length).unwrap_or_default());
        }
        person.works();
        format!("{count} connections of garbage")
    }

    /// What holds on every day.
    fn is_sound(&self) {
        let site = &self.scene.site;
        wait_for("access", LIMIT * 3, || {
            (self.scene.ssh("true").done().code == Some(0)).then_some(())
        });
        wait_for("every row to be closed", LIMIT * 2, || {
            let listed = site.cli(&["session", "list", "--active"]).arg("--json").done();
            (listed.code == Some(0) && listed.out().trim() == "[]").then_some(())
        });
        wait_for("every recording to be whole", LIMIT * 2, || {
            (site
                .cli(&["session", "verify", "--all"])
                .within(LIMIT * 4)
                .done()
                .code
                == Some(0))
            .then_some(())
        });
        site.cli(&["audit", "verify"]).within(LIMIT * 4).done().ok();
    }

    /// Words that were shown are in some recording.
    fn has_recorded(&self, words: &[String]) {
        let folder = self.scene.site.data_dir().join("recordings");
        for word in words {
            Run::new("grep").args(["-rqs", word]).arg(&folder).done().ok();
        }
    }
}

impl Person {
    fn begin(scene: &Scene) -> Self {
        let mut person = Self {
            terminal: scene.shell(),
            words: Vec::new(),
        };
        person.works();
        let folder = scene.site.data_dir().join("recordings");
        wait_for("the words in the file", LIMIT, || {
            let word = person.words.first()?;
            let found = Run::new("grep").args(["-rqs", word]).arg(&folder).done();
            (found.code == Some(0)).then_some(())
        });
        person
    }

    fn works(&mut self) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let word = format!("word{number}of{}", std::process::id());
        let (first, second) = word.split_at(4);
        self.terminal.types(&format!("echo {first}''{second}\n"));
        self.terminal.shows(&word);
        self.words.push(word);
    }

    /// Types something; it may not be shown any more.
    fn tries(&mut self) {
        self.terminal.types("echo still here\n");
    }
}
