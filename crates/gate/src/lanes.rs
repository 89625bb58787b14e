//! Threads that carry connections. A connection stays on the thread that it was given at first, with all of its tasks.
//!
//! What passes a gate goes from task to task: one that reads from the client, one that relays, one that writes to the server,
//! and back. Tasks that any thread may take wake another thread for every step, and a key press or a packet crosses
//! processors several times. On one thread the steps follow one another. Many connections share a thread; no task may
//! hold it for long, so what waits for a disk or a database goes elsewhere.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::TaskTracker;

/// The threads. A handle: clones are the same threads, which end with the last of them, and with them what they still
/// carry. So whoever starts them keeps them until the last session has ended.
#[derive(Clone)]
pub struct Lanes(Arc<[Lane]>);

struct Lane {
    /// `None` once it was told to end.
    runtime: Option<Runtime>,
    /// Connections that it has.
    connections: Arc<AtomicUsize>,
}

/// A connection of a lane, until it is dropped.
struct Place(Arc<AtomicUsize>);

impl Lanes {
    /// Starts so many threads, at least one.
    ///
    /// # Errors
    /// The system gives no more threads or files.
    pub fn start(count: usize) -> io::Result<Self> {
        let lane = |number| {
            // A lane is a runtime with one worker, so that all that a task spawns stays with it.
            let runtime = Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name(format!("lane-{number}"))
                .enable_all()
                .build()?;
            Ok(Lane {
                runtime: Some(runtime),
                connections: Arc::default(),
            })
        };
        (0..count.max(1)).map(lane).collect::<io::Result<_>>().map(Self)
    }

    /// Has the thread with the fewest connections serve this one. A panic in it ends it alone.
    ///
    /// # Errors
    /// The socket cannot be handed to another thread.
    pub(crate) fn carry<Fut>(
        &self,
        stream: TcpStream,
        tasks: &TaskTracker,
        serve: impl FnOnce(TcpStream) -> Fut + Send + 'static,
    ) -> io::Result<()>
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        let Some((place, handle)) = self.least() else {
            return Err(io::Error::other("the threads for connections have ended"));
        };
        // Readiness is told by the runtime with which a socket is registered.
        let stream = stream.into_std()?;
        let served = async move {
            let _place = place;
            match TcpStream::from_std(stream) {
                Ok(stream) => serve(stream).await,
                Err(error) => tracing::warn!(%error, "a connection could not be served"),
            }
        };
        tasks.spawn_on(served, &handle);
        Ok(())
    }

    fn least(&self) -> Option<(Place, Handle)> {
        let lane = self
            .0
            .iter()
            .min_by_key(|lane| lane.connections.load(Ordering::Relaxed))?;
        let handle = lane.runtime.as_ref()?.handle().clone();
        lane.connections.fetch_add(1, Ordering::Relaxed);
        Some((Place(Arc::clone(&lane.connections)), handle))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Also where nothing may wait, as in a task.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::thread::{self, ThreadId};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;

    async fn pair(listener: &TcpListener) -> (TcpStream, TcpStream) {
        let near = TcpStream::connect(listener.local_addr().unwrap());
        let (near, far) = tokio::join!(near, listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    #[tokio::test]
    async fn a_connection_and_its_tasks_stay_on_one_thread_and_threads_share_connections() {
        let lanes = Lanes::start(2).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tasks = TaskTracker::new();
        let (seen, mut threads) = mpsc::unbounded_channel::<(usize, ThreadId)>();
        let mut clients = Vec::new();
        for number in 0..4 {
            let (mut near, far) = pair(&listener).await;
            let seen = seen.clone();
            let serve = move |mut stream: TcpStream| async move {
                let note = move || seen.send((number, thread::current().id())).unwrap();
                let noting = note.clone();
                let _ = tokio::spawn(async move { noting() }).await;
                let mut byte = [0];
                let _ = stream.read_exact(&mut byte).await;
                note();
                let _ = stream.write_all(&byte).await;
            };
            lanes.carry(far, &tasks, serve).unwrap();
            near.write_all(b"x").await.unwrap();
            clients.push(near);
        }
        let mut by_connection = vec![BTreeSet::new(); 4];
        for _ in 0..8 {
            let (number, thread) = threads.recv().await.unwrap();
            by_connection[number].insert(format!("{thread:?}"));
        }
        assert!(
            by_connection.iter().all(|threads| threads.len() == 1),
            "{by_connection:?}"
        );
        let all: BTreeSet<_> = by_connection.iter().flatten().collect();
        assert_eq!(all.len(), 2, "{by_connection:?}");
        for mut client in clients {
            let mut byte = [0];
            client.read_exact(&mut byte).await.unwrap();
        }
        tasks.close();
        tasks.wait().await;
        let left = lanes
            .0
            .iter()
            .map(|lane| lane.connections.load(Ordering::Relaxed));
        assert_eq!(left.collect::<Vec<_>>(), [0, 0]);
    }

    #[tokio::test]
    async fn a_panic_ends_one_connection_and_gives_its_place_back() {
        let lanes = Lanes::start(1).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tasks = TaskTracker::new();
        let (mut ended, stream) = pair(&listener).await;
        lanes
            .carry(stream, &tasks, |_| async { panic!("this one only") })
            .unwrap();
        assert_eq!(ended.read(&mut [0]).await.unwrap(), 0);
        let (mut client, stream) = pair(&listener).await;
        let serve = |mut stream: TcpStream| async move { stream.write_all(b"y").await.unwrap() };
        lanes.carry(stream, &tasks, serve).unwrap();
        let mut byte = [0];
        client.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"y");
        tasks.close();
        tasks.wait().await;
        assert_eq!(lanes.0[0].connections.load(Ordering::Relaxed), 0);
    }
}
