//! A disk that fails where it is told to.

use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::disk::{Disk, DiskFile, OsDisk};

#[derive(Default)]
struct Plan {
    /// Changes made so far.
    changes: usize,
    /// The change that is the last, and is made in part only.
    crash_at: Option<usize>,
    /// Bytes that can still be written where no room was reserved.
    room: Option<u64>,
    /// The answer to every write, if the disk is broken.
    broken: Option<i32>,
    stalled: bool,
}

/// Shared by the disk, its files and the test.
#[derive(Clone, Default)]
pub(super) struct FaultyDisk {
    plan: Arc<(Mutex<Plan>, Condvar)>,
}

struct FaultyFile {
    disk: FaultyDisk,
    file: Arc<dyn DiskFile>,
    reserved: Mutex<u64>,
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

impl FaultyDisk {
    pub(super) fn crash_at(&self, change: usize) {
        self.plan.0.lock().crash_at = Some(change);
    }

    pub(super) fn has_crashed(&self) -> bool {
        let plan = self.plan.0.lock();
        plan.crash_at.is_some_and(|at| plan.changes > at)
    }

    pub(super) fn room(&self, bytes: Option<u64>) {
        self.plan.0.lock().room = bytes;
    }

    pub(super) fn broken(&self, errno: Option<i32>) {
        self.plan.0.lock().broken = errno;
    }

    pub(super) fn stall(&self, stalled: bool) {
        self.plan.0.lock().stalled = stalled;
        self.plan.1.notify_all();
    }

    /// A change is about to be made; after the crash there are none.
    fn change(&self) -> io::Result<()> {
        let mut plan = self.plan.0.lock();
        plan.changes += 1;
        match plan.crash_at {
            Some(at) if plan.changes > at => Err(io::Error::from_raw_os_error(EIO)),
            _ => Ok(()),
        }
    }

    fn take_room(&self, wanted: usize) -> io::Result<usize> {
        let mut plan = self.plan.0.lock();
        while plan.stalled {
            self.plan.1.wait(&mut plan);
        }
        if let Some(errno) = plan.broken {
            return Err(io::Error::from_raw_os_error(errno));
        }
        let Some(room) = &mut plan.room else {
            return Ok(wanted);
        };
        let granted = wanted.min(usize::try_from(*room).unwrap());
        *room -= granted as u64;
        if granted == 0 {
            Err(io::Error::from_raw_os_error(ENOSPC))
        } else {
            Ok(granted)
        }
    }

    fn file(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile {
            disk: self.clone(),
            file,
            reserved: Mutex::new(0),
        })
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.change()?;
        OsDisk.create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.change()?;
        Ok(self.file(OsDisk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(OsDisk.open(path)?))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.change()?;
        OsDisk.sync_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change()?;
        OsDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change()?;
        OsDisk.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.change()?;
        OsDisk.remove_dir(path)
    }
}

impl DiskFile for FaultyFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(crash) = self.disk.change() {
            let plan = self.disk.plan.0.lock();
            if plan.crash_at.is_some_and(|at| plan.changes == at + 1) {
                drop(self.file.append(&bytes[..bytes.len() / 2]));
            }
            return Err(crash);
        }
        let granted = self.disk.take_room(bytes.len())?;
        self.file.append(&bytes[..granted])
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Err(crash) = self.disk.change() {
            let plan = self.disk.plan.0.lock();
            if plan.crash_at.is_some_and(|at| plan.changes == at + 1) {
                drop(self.file.write_at(&bytes[..bytes.len() / 2], offset));
            }
            return Err(crash);
        }
        let beyond = (offset + bytes.len() as u64).saturating_sub(*self.reserved.lock());
        if beyond > 0
            && self.disk.take_room(usize::try_from(beyond).unwrap())? < usize::try_from(beyond).unwrap()
        {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        self.file.write_at(bytes, offset)
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        self.disk.change()?;
        let wanted = usize::try_from(length.saturating_sub(*self.reserved.lock())).unwrap();
        if wanted > 0 && self.disk.take_room(wanted)? < wanted {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        *self.reserved.lock() = length;
        self.file.allocate(length)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.change()?;
        self.file.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.change()?;
        self.file.sync()
    }
}
