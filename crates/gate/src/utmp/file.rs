//! The two files, changed under the lock that glibc takes for the same (`fcntl`, whole file, for writing).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use gatehouse_model::{NodeId, Protocol, Timestamp};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::record::{Layout, Line, Presence, Seen, left, taken};

/// Longest wait for the lock; any program that may read the file can hold it. glibc waits for ten seconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_STEP: Duration = Duration::from_millis(10);
/// Largest utmp that is read; a file above that is none.
const UTMP_MAX: u64 = 4 * 1024 * 1024;

/// utmp: who is on now, one record for each line.
#[derive(Clone, Debug)]
pub(super) struct Utmp(pub(super) PathBuf);

/// wtmp: every coming and going, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Wtmp(pub(super) PathBuf);

impl Utmp {
    /// Puts somebody on the first free line, in one step under the lock: a line is given once at a time, whatever
    /// other nodes of the machine do. `None`: all are taken.
    pub(super) fn enter(&self, who: &Presence) -> io::Result<Option<Line>> {
        let layout = Layout::NATIVE;
        let file = locked(&self.0)?;
        let records = read(&file, layout)?;
        let is_taken = |line: &Line| records.iter().any(|record| record.taken && record.is_of(*line));
        let free = Line::all(who.protocol).find(|line| !is_taken(line));
        if let Some(line) = free {
            let at = position(&records, line);
            write(&file, layout, at, &taken(layout, line, who))?;
        }
        Ok(free)
    }

    /// Frees a line, if this node is on it still.
    pub(super) fn leave(&self, line: Line, node: NodeId, at: Timestamp) -> io::Result<()> {
        let layout = Layout::NATIVE;
        let file = locked(&self.0)?;
        let records = read(&file, layout)?;
        let own = records
            .iter()
            .enumerate()
            .find(|(_, record)| record.is_of(line) && record.is_ours(node));
        match own {
            Some((place, record)) => write(&file, layout, place, &left(layout, line, record.pid, at)),
            None => Ok(()),
        }
    }

    /// The lines on which an earlier run of this node left somebody, with its process.
    pub(super) fn left_over(&self, node: NodeId) -> io::Result<Vec<(Line, u32)>> {
        let records = read(&locked(&self.0)?, Layout::NATIVE)?;
        let every = Line::all(Protocol::Ssh).chain(Line::all(Protocol::Rdp));
        let own = every.filter_map(|line| {
            let record = records
                .iter()
                .find(|record| record.is_of(line) && record.is_ours(node))?;
            Some((line, record.pid))
        });
        Ok(own.collect())
    }
}

impl Wtmp {
    /// Somebody has come on to a line.
    pub(super) fn entered(&self, line: Line, who: &Presence) -> io::Result<()> {
        self.append(&taken(Layout::NATIVE, line, who))
    }

    /// They have gone.
    pub(super) fn left(&self, line: Line, pid: u32, at: Timestamp) -> io::Result<()> {
        self.append(&left(Layout::NATIVE, line, pid, at))
    }

    /// Appends, over a torn record if there is one, and takes back what could not be written whole, as glibc does.
    fn append(&self, record: &[u8]) -> io::Result<()> {
        let file = locked(&self.0)?;
        let size = record.len() as u64;
        let end = file.metadata()?.len() / size * size;
        file.write_all_at(record, end).inspect_err(|_| {
            let _ = file.set_len(end);
        })
    }
}

/// Opens a file that is there, for writing under the lock. The lock is given back with the file.
fn locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let whole = libc::flock {
        #[expect(clippy::cast_possible_truncation, reason = "small constants of the system")]
        l_type: libc::F_WRLCK as i16,
        #[expect(clippy::cast_possible_truncation, reason = "small constants of the system")]
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let begun = Instant::now();
    loop {
        match fcntl(&file, FcntlArg::F_SETLK(&whole)) {
            Ok(_) => return Ok(file),
            Err(Errno::EACCES | Errno::EAGAIN | Errno::EINTR) if begun.elapsed() < LOCK_PATIENCE => {
                sleep(LOCK_STEP);
            }
            Err(Errno::EACCES | Errno::EAGAIN) => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "another program keeps it locked",
                ));
            }
            Err(other) => return Err(other.into()),
        }
    }
}

/// Every whole record.
fn read(file: &File, layout: Layout) -> io::Result<Vec<Seen>> {
    let length = file.metadata()?.len();
    if length > UTMP_MAX {
        return Err(io::Error::other("it is too large to be what it should be"));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes
        .chunks_exact(layout.size())
        .filter_map(|record| Seen::read(layout, record))
        .collect())
}

/// Where the record of a line is, or is to be: at the end.
fn position(records: &[Seen], line: Line) -> usize {
    records
        .iter()
        .position(|record| record.is_of(line))
        .unwrap_or(records.len())
}

fn write(file: &File, layout: Layout, place: usize, record: &[u8]) -> io::Result<()> {
    file.write_all_at(record, (place * layout.size()) as u64)
}

#[cfg(test)]
mod tests {
    use gatehouse_model::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn who(node: u128) -> Presence {
        Presence {
            node: NodeId(Uuid::from_u128(node)),
            protocol: Protocol::Ssh,
            pid: std::process::id(),
            user: "alice".to_owned(),
            host: "root@web01".to_owned(),
            source: "10.0.0.7".parse().unwrap(),
            since: Timestamp::from_second(1_769_860_800).unwrap(),
        }
    }

    fn by_rdp(node: u128) -> Presence {
        Presence {
            protocol: Protocol::Rdp,
            ..who(node)
        }
    }

    fn empty(dir: &Path, name: &str) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, []).unwrap();
        path
    }

    #[test]
    fn lines_are_given_once_at_a_time_and_again() {
        let dir = tempfile::tempdir().unwrap();
        let utmp = Utmp(empty(dir.path(), "utmp"));
        let (one, two, at) = (who(1), who(2), Timestamp::from_second(1_769_860_900).unwrap());
        let enter = |who: &Presence| utmp.enter(who).unwrap().map(Line::name);
        assert_eq!(enter(&one).as_deref(), Some("ssh0"));
        assert_eq!(enter(&two).as_deref(), Some("ssh1"));
        let rdp = utmp.enter(&by_rdp(1)).unwrap().unwrap();
        assert_eq!(rdp.name(), "rdp0");
        // Another node's line is not this one's to free.
        utmp.leave(Line::new(Protocol::Ssh, 1), one.node, at).unwrap();
        assert_eq!(enter(&one).as_deref(), Some("ssh2"));
        utmp.leave(Line::new(Protocol::Ssh, 0), one.node, at).unwrap();
        assert_eq!(enter(&two).as_deref(), Some("ssh0"));
        assert_eq!(
            std::fs::metadata(&utmp.0).unwrap().len(),
            4 * Layout::NATIVE.size() as u64
        );
        let mut names: Vec<_> = utmp
            .left_over(one.node)
            .unwrap()
            .iter()
            .map(|(line, _)| line.name())
            .collect();
        names.sort();
        assert_eq!(names, ["rdp0", "ssh2"]);
    }

    #[test]
    fn the_hundred_and_first_session_gets_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let utmp = Utmp(empty(dir.path(), "utmp"));
        for n in 0..100 {
            let line = utmp.enter(&who(1)).unwrap().unwrap();
            assert_eq!(line.name(), format!("ssh{n}"));
        }
        assert_eq!(utmp.enter(&who(1)).unwrap(), None);
        assert!(utmp.enter(&by_rdp(1)).unwrap().is_some());
    }

    #[test]
    fn records_of_others_and_torn_ones_are_left_in_their_places() {
        let dir = tempfile::tempdir().unwrap();
        let path = empty(dir.path(), "utmp");
        let size = Layout::NATIVE.size();
        let other = vec![7; size];
        std::fs::write(&path, [other.as_slice(), &[1; 100]].concat()).unwrap();
        let utmp = Utmp(path.clone());
        utmp.enter(&who(1)).unwrap().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 2 * size);
        assert_eq!(&bytes[..size], other);
        let wtmp = Wtmp(empty(dir.path(), "wtmp"));
        std::fs::write(&wtmp.0, vec![1; size + 5]).unwrap();
        wtmp.entered(Line::new(Protocol::Ssh, 0), &who(1)).unwrap();
        assert_eq!(std::fs::metadata(&wtmp.0).unwrap().len(), 2 * size as u64);
    }

    #[test]
    fn a_file_that_is_not_there_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let wtmp = Wtmp(dir.path().join("wtmp"));
        let refused = wtmp.entered(Line::new(Protocol::Ssh, 0), &who(1)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
        assert!(!wtmp.0.exists());
    }
}
