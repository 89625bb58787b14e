//! Where lines go: a thread that writes them, behind a queue that never waits.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use gatehouse_telemetry::{Counter, LOG_LINES_LOST};

/// Lines that may wait to be written.
const LINES: usize = 8_192;
/// Bytes of them.
const BYTES: usize = 4 * 1024 * 1024;
/// For what was logged to be written when the node ends.
const LAST_LINES: Duration = Duration::from_secs(2);
/// Before lost lines are told of, once something could be written again.
const TELL_AFTER: Duration = Duration::from_secs(1);
/// Readable by the service and its group.
const MODE: u32 = 0o640;

/// Where the log is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Standard error.
    StandardError,
    /// The end of this file.
    File(PathBuf),
}

enum Order {
    Line(Vec<u8>),
    Reopen(Option<Place>),
    Flush(SyncSender<()>),
}

/// The way to the thread. Cheap to clone.
#[derive(Clone)]
pub(super) struct Output {
    orders: SyncSender<Order>,
    shared: Arc<Shared>,
}

struct Shared {
    /// Bytes that wait.
    bytes: AtomicUsize,
    /// Lines lost and not told of yet.
    lost: AtomicU64,
    lost_in_all: Counter,
}

impl Shared {
    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.lost_in_all.increment(1);
    }
}

impl Output {
    /// Starts the thread. A file that cannot be opened is told of on standard error, which is used instead.
    pub(super) fn start(place: Place) -> Self {
        let (orders, received) = sync_channel(LINES);
        let shared = Arc::new(Shared {
            bytes: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            lost_in_all: LOG_LINES_LOST.counter(&[]),
        });
        let output = Self { orders, shared };
        let writer = Writer {
            place,
            target: Target::StandardError,
            torn: false,
            shared: Arc::clone(&output.shared),
        };
        let started = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.run(&received));
        if let Err(error) = started {
            // Without the thread nothing is logged, and the node serves all the same.
            let _nobody_listens = writeln!(io::stderr(), "the log cannot be written: {error}");
        }
        output
    }

    /// Hands a line over, or drops it when too many wait.
    pub(super) fn push(&self, line: Vec<u8>) {
        let length = line.len();
        let before = self.shared.bytes.fetch_add(length, Ordering::Relaxed);
        let room = before.saturating_add(length) <= BYTES;
        if !(room && self.orders.try_send(Order::Line(line)).is_ok()) {
            self.shared.bytes.fetch_sub(length, Ordering::Relaxed);
            self.shared.lose();
        }
    }

    /// Opens the file again, or what is given instead.
    pub(super) fn reopen(&self, place: Option<Place>) {
        // With a full queue the thread is stuck, and the order would not be carried out.
        if self.orders.try_send(Order::Reopen(place)).is_err() {
            self.shared.lose();
        }
    }

    /// Waits until everything before is written, but not for long.
    pub(super) fn flush(&self) {
        let (done, told) = sync_channel(1);
        if self.orders.try_send(Order::Flush(done)).is_ok() {
            let _or_not = told.recv_timeout(LAST_LINES);
        }
    }
}

enum Target {
    StandardError,
    File(File),
}

struct Writer {
    place: Place,
    target: Target,
    /// The last write ended within a line.
    torn: bool,
    shared: Arc<Shared>,
}

impl Writer {
    fn run(mut self, orders: &Receiver<Order>) {
        self.open();
        loop {
            match orders.recv_timeout(TELL_AFTER) {
                Ok(Order::Line(line)) => {
                    self.shared.bytes.fetch_sub(line.len(), Ordering::Relaxed);
                    if self.write(&line).is_err() {
                        self.shared.lose();
                    }
                }
                Ok(Order::Reopen(place)) => {
                    self.place = place.unwrap_or(self.place);
                    self.open();
                }
                Ok(Order::Flush(done)) => drop(done.try_send(())),
                Err(RecvTimeoutError::Timeout) => self.tell_lost(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Through the queue like any other line: it is lost as well if nothing can be written still.
    fn tell_lost(&self) {
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        // One line is this one, which could not be written the last time.
        if lost > 1 {
            tracing::warn!(count = lost, "log lines could not be written");
        }
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.target.write_all(b"\n")?;
            self.torn = false;
        }
        let written = self.target.write(line)?;
        if let Some(rest) = line.get(written..).filter(|rest| !rest.is_empty()) {
            self.torn = written > 0;
            self.target.write_all(rest)?;
            self.torn = false;
        }
        Ok(())
    }

    /// What cannot be opened leaves the log where it is.
    fn open(&mut self) {
        match &self.place {
            Place::StandardError => self.target = Target::StandardError,
            Place::File(path) => match open_or_make(path) {
                Ok(file) => self.target = Target::File(file),
                Err(error) => {
                    tracing::error!(file = %path.display(), %error, "the log file cannot be opened; the log goes where it went");
                }
            },
        }
        self.torn = false;
    }
}

/// One that exists keeps its mode; a new one gets [`MODE`] whatever the umask says.
fn open_or_make(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true);
    match options.clone().create_new(true).mode(MODE).open(path) {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(MODE))?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
    }
}

impl Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::StandardError => io::stderr().write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::StandardError => io::stderr().write_all(bytes),
            Self::File(file) => file.write_all(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_appended_to_and_opened_again_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let (file, rotated) = (folder.path().join("log"), folder.path().join("log.1"));
        let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
        std::fs::write(&file, "before\n").unwrap();
        let output = Output::start(Place::File(file.clone()));
        output.push(b"one\n".to_vec());
        output.flush();
        std::fs::rename(&file, &rotated).unwrap();
        output.push(b"two\n".to_vec());
        output.reopen(None);
        output.push(b"three\n".to_vec());
        output.flush();
        assert_eq!(read(&rotated), "before\none\ntwo\n");
        assert_eq!(read(&file), "three\n");
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o137, 0, "{mode:o}");
        // As by logrotate's copytruncate.
        File::options().write(true).truncate(true).open(&file).unwrap();
        output.push(b"four\n".to_vec());
        output.flush();
        assert_eq!(read(&file), "four\n");
    }

    #[test]
    fn what_cannot_be_written_is_lost_and_counted_and_holds_nobody_up() {
        let output = Output::start(Place::File("/dev/full".into()));
        for _ in 0..10 {
            output.push(b"line\n".to_vec());
        }
        output.flush();
        assert_eq!(output.shared.lost.load(Ordering::Relaxed), 10);
        assert_eq!(output.shared.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_reader_that_is_stuck_costs_lines_and_no_time() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // Opened for both ways, so that the writer's opening does not wait; nobody reads.
        let _kept_open = File::options().read(true).write(true).open(&pipe).unwrap();
        let output = Output::start(Place::File(pipe));
        let line = vec![b'x'; 4_096];
        for _ in 0..2 * BYTES / 4_096 {
            output.push(line.clone());
        }
        assert!(output.shared.lost.load(Ordering::Relaxed) > 0);
        assert!(output.shared.bytes.load(Ordering::Relaxed) <= BYTES);
    }
}
