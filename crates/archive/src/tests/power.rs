//! Loss of power after each step: what was not synced is gone, names and contents alike.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gatehouse_recording::FileName;
use gatehouse_recording::manifest::ManifestState;
use parking_lot::Mutex;

use super::*;
use crate::disk::{Disk, DiskFile, OsDisk};

/// A change of a directory that is not durable.
enum Pending {
    File(PathBuf),
    Directory(PathBuf),
    Renamed {
        from: PathBuf,
        to: PathBuf,
        /// The file that had the name before.
        before: Option<u64>,
    },
    Removed(PathBuf, u64),
}

impl Pending {
    fn directory(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Directory(path) | Self::Removed(path, _) => path.parent(),
            Self::Renamed { to, .. } => to.parent(),
        }
    }
}

#[derive(Default)]
struct State {
    changes: usize,
    lost_at: Option<usize>,
    /// Nothing becomes durable any more, as if the power went before a sync is through.
    holds: bool,
    pending: Vec<Pending>,
    /// What is durable of each file's contents.
    synced: HashMap<u64, Vec<u8>>,
    names: HashMap<PathBuf, u64>,
    files: u64,
}

/// A disk that forgets what was not synced.
#[derive(Clone, Default)]
struct ForgetfulDisk(Arc<Mutex<State>>);

struct ForgetfulFile {
    disk: ForgetfulDisk,
    id: u64,
    file: Arc<dyn DiskFile>,
}

impl ForgetfulDisk {
    fn change(&self) -> io::Result<parking_lot::MutexGuard<'_, State>> {
        let mut state = self.0.lock();
        state.changes += 1;
        match state.lost_at {
            Some(at) if state.changes > at => Err(io::Error::from_raw_os_error(5)),
            _ => Ok(state),
        }
    }

    fn is_lost(&self) -> bool {
        let state = self.0.lock();
        state.lost_at.is_some_and(|at| state.changes > at)
    }

    /// What a loss of power now would leave of a file: nothing as long as its name is not durable.
    fn durable(&self, path: &Path) -> Vec<u8> {
        let state = self.0.lock();
        let unnamed = |pending: &Pending| matches!(pending, Pending::File(new) if new == path);
        if state.pending.iter().any(unnamed) {
            return Vec::new();
        }
        let id = state.names.get(path);
        id.and_then(|id| state.synced.get(id))
            .cloned()
            .unwrap_or_default()
    }

    /// Puts the real disk into the state in which it is found when the power is back.
    fn lose_power(&self) {
        let mut state = self.0.lock();
        state.lost_at = Some(0);
        for pending in std::mem::take(&mut state.pending).into_iter().rev() {
            match pending {
                Pending::File(path) => {
                    state.names.remove(&path);
                    let _ = fs::remove_file(path);
                }
                Pending::Directory(path) => {
                    let _ = fs::remove_dir_all(path);
                }
                Pending::Renamed { from, to, before } => {
                    let id = state.names.remove(&to).unwrap();
                    fs::rename(&to, &from).unwrap();
                    state.names.insert(from, id);
                    if let Some(before) = before {
                        state.names.insert(to, before);
                    }
                }
                Pending::Removed(path, id) => {
                    state.names.insert(path, id);
                }
            }
        }
        for (path, id) in &state.names {
            if path.parent().is_some_and(Path::is_dir) {
                fs::write(path, &state.synced[id]).unwrap();
            }
        }
    }
}

impl Disk for ForgetfulDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        OsDisk.create_dir(path)?;
        state.pending.push(Pending::Directory(path.to_owned()));
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.change()?;
        let file = OsDisk.create(path)?;
        state.files += 1;
        let id = state.files;
        state.names.insert(path.to_owned(), id);
        state.synced.insert(id, Vec::new());
        state.pending.push(Pending::File(path.to_owned()));
        let disk = self.clone();
        Ok(Arc::new(ForgetfulFile { disk, id, file }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.0.lock();
        let (id, disk) = (state.names[path], self.clone());
        let file = OsDisk.open(path)?;
        Ok(Arc::new(ForgetfulFile { disk, id, file }))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        state.pending.retain(|pending| pending.directory() != Some(path));
        OsDisk.sync_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        OsDisk.rename(from, to)?;
        let id = state.names.remove(from).unwrap();
        let before = state.names.insert(to.to_owned(), id);
        let (from, to) = (from.to_owned(), to.to_owned());
        state.pending.push(Pending::Renamed { from, to, before });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        OsDisk.remove(path)?;
        if let Some(id) = state.names.remove(path) {
            state.pending.push(Pending::Removed(path.to_owned(), id));
        }
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let _state = self.change()?;
        OsDisk.remove_dir(path)
    }
}

impl DiskFile for ForgetfulFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let _state = self.disk.change()?;
        self.file.append(bytes)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let _state = self.disk.change()?;
        self.file.write_at(bytes, offset)
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let _state = self.disk.change()?;
        self.file.allocate(length)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let _state = self.disk.change()?;
        self.file.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.change()?;
        if state.holds {
            return self.file.sync();
        }
        let path = state.names.iter().find(|(_, id)| **id == self.id);
        if let Some(bytes) = path.map(|(path, _)| fs::read(path)) {
            state.synced.insert(self.id, bytes?);
        }
        self.file.sync()
    }
}

/// How far a session came before the power went.
#[derive(Default, Debug)]
struct Came {
    begun: bool,
    sealed: bool,
}

async fn live(archive: &Archive) -> Came {
    let Ok(Opened { recorder, .. }) = archive.create(head(1, RecordMode::Strict), clock()).await else {
        return Came::default();
    };
    if let Ok(tap) = recorder.open_channel(shell(0)) {
        for step in 0..4 {
            let _ = tap.push(output(format!("step {step}\r\n"))).await;
        }
        let _ = tap.close().await;
    }
    let sealed = recorder.seal(end()).await.is_ok();
    Came { begun: true, sealed }
}

#[tokio::test]
async fn after_a_loss_of_power_at_any_step_what_was_said_to_be_durable_is_there() {
    let whole = b"step 0\r\nstep 1\r\nstep 2\r\nstep 3\r\n";
    for sealing in both() {
        let mut steps = 0;
        for step in 0.. {
            let root = tempfile::tempdir().unwrap();
            let disk = ForgetfulDisk::default();
            disk.0.lock().lost_at = Some(step);
            let came = match Archive::on(config(root.path()), sealing.clone(), Arc::new(disk.clone())) {
                Ok(archive) => live(&archive).await,
                Err(_) => Came::default(),
            };
            let lost = disk.is_lost();
            disk.lose_power();

            let archive = Archive::open(config(root.path()), sealing.clone()).unwrap();
            let library = archive.library();
            let before = library.read(&path(1)).map(|read| read.manifest().state);
            if came.sealed {
                assert!(
                    matches!(before, Ok(ManifestState::Sealed)),
                    "step {step}: {came:?}"
                );
            }
            let found = archive.recover("2026-01-31T12:00:00Z".parse().unwrap()).unwrap();
            assert!(
                found.iter().all(|found| found.problem.is_none()),
                "step {step}: {found:?}"
            );
            if came.begun {
                let checked = verified(&library, 1, None);
                assert!(checked.is_good(), "step {step}: {came:?} {checked:?}");
                let shown = shown(&library, 1).get(&0).cloned().unwrap_or_default();
                assert!(whole.starts_with(&shown[..]), "step {step}");
                assert!(!came.sealed || shown == whole, "step {step}: {came:?}");
            }
            steps += 1;
            if !lost {
                break;
            }
        }
        assert!(steps > 20, "{steps}");
    }
}

#[tokio::test]
async fn what_lies_before_the_last_sync_outlives_a_loss_of_power() {
    for sealing in both() {
        let root = tempfile::tempdir().unwrap();
        let disk = ForgetfulDisk::default();
        let archive = Archive::on(config(root.path()), sealing.clone(), Arc::new(disk.clone())).unwrap();
        let Opened { recorder, .. } = begin(&archive, 1).await;
        let tap = recorder.open_channel(shell(0)).unwrap();
        let cast = root
            .path()
            .join("recordings")
            .join(path(1))
            .join(FileName::Cast(0).to_string());
        let begin = Instant::now();
        let mut pushed = 0;
        while disk.durable(&cast).is_empty() {
            tap.push(output(format!("line {pushed}\r\n"))).await.unwrap();
            pushed += 1;
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "nothing became durable"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        disk.0.lock().holds = true;
        tap.push(output("not synced\r\n")).await.unwrap();
        let durable = disk.durable(&cast).len() as u64;
        disk.lose_power();
        drop((tap, recorder, archive));

        let archive = Archive::open(config(root.path()), sealing).unwrap();
        let found = archive.recover("2026-01-31T12:00:00Z".parse().unwrap()).unwrap();
        assert!(found[0].sealed.is_some(), "{found:?}");
        let library = archive.library();
        assert!(verified(&library, 1, None).is_good());
        assert!(
            fs::metadata(&cast).unwrap().len() >= durable,
            "what was durable was cut off"
        );
        let shown = String::from_utf8(shown(&library, 1)[&0].clone()).unwrap();
        assert!(
            shown.starts_with("line 0\r\n") && !shown.contains("not synced"),
            "{shown}"
        );
    }
}
