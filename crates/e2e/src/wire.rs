//! A wire between two programs, on which something goes wrong after so many pieces.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::net::connect_from;

/// How often a frozen wire looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(20);

/// Which way pieces go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Towards {
    /// From the one who connects.
    Server,
    /// To the one who connects.
    Client,
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Both connections are reset.
    Cut,
    /// Nothing passes any more, either way; nothing is closed.
    Freeze,
    /// One way is closed as if the sender had ended it; the other goes on.
    HalfClose,
}

/// Passes what comes to its address on to another one.
pub struct Wire {
    /// Where it is to be connected to.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    to: SocketAddr,
    from: Ipv4Addr,
    plan: Mutex<Option<(Towards, usize, Trouble)>>,
    /// Pieces that have passed since the plan was made, each way.
    passed: [AtomicUsize; 2],
    frozen: AtomicBool,
    struck: AtomicBool,
    over: AtomicBool,
    ends: Mutex<Vec<TcpStream>>,
}

impl Wire {
    /// Lays a wire from an address to a place, which sees it come from `from`.
    pub fn lay(at: Ipv4Addr, to: SocketAddr, from: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((at, 0)).expect("a wire's address");
        let addr = listener.local_addr().expect("a wire's address");
        let shared = Arc::new(Shared {
            to,
            from,
            plan: Mutex::new(None),
            passed: Default::default(),
            frozen: AtomicBool::new(false),
            struck: AtomicBool::new(false),
            over: AtomicBool::new(false),
            ends: Mutex::default(),
        });
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if theirs.over.load(Ordering::Acquire) {
                    return;
                }
                theirs.join(stream);
            }
        });
        Self { addr, shared }
    }

    /// After so many more pieces this way, this happens.
    pub fn after(&self, towards: Towards, pieces: usize, trouble: Trouble) {
        for passed in &self.shared.passed {
            passed.store(0, Ordering::Release);
        }
        self.shared.struck.store(false, Ordering::Release);
        self.shared.frozen.store(false, Ordering::Release);
        *lock(&self.shared.plan) = Some((towards, pieces, trouble));
    }

    /// From now on nothing goes wrong, and what was frozen moves on.
    pub fn mend(&self) {
        *lock(&self.shared.plan) = None;
        self.shared.frozen.store(false, Ordering::Release);
    }

    /// Whether it has happened.
    pub fn has_struck(&self) -> bool {
        self.shared.struck.load(Ordering::Acquire)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        self.shared.cut();
        // Wakes the one who accepts.
        let _ = TcpStream::connect(self.addr);
    }
}

impl Shared {
    fn join(self: &Arc<Self>, near: TcpStream) {
        let Ok(far) = connect_from(self.from, self.to) else {
            return;
        };
        let ways = [(&near, &far, Towards::Server), (&far, &near, Towards::Client)];
        for (from, to, towards) in ways {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
                return;
            };
            let _ = from.set_nodelay(true);
            let shared = Arc::clone(self);
            thread::spawn(move || shared.carry(from, to, towards));
        }
        lock(&self.ends).extend([near, far]);
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream, towards: Towards) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            // What comes after the last piece that passes is not even read.
            if self.strikes(towards) {
                match self.happens(&to) {
                    Trouble::HalfClose => return,
                    Trouble::Cut | Trouble::Freeze => {}
                }
            }
            while self.frozen.load(Ordering::Acquire) && !self.over.load(Ordering::Acquire) {
                thread::sleep(LOOK);
            }
            let read = from.read(&mut buffer).unwrap_or(0);
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                let _ = to.shutdown(Shutdown::Write);
                return;
            };
            while self.frozen.load(Ordering::Acquire) && !self.over.load(Ordering::Acquire) {
                thread::sleep(LOOK);
            }
            if to.write_all(bytes).is_err() {
                let _ = from.shutdown(Shutdown::Both);
                return;
            }
            if let Some(passed) = self.passed.get(towards as usize) {
                passed.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    /// Whether what is planned is due on this way; it happens once.
    fn strikes(&self, towards: Towards) -> bool {
        let plan = lock(&self.plan);
        let due = plan.is_some_and(|(way, pieces, _)| {
            way == towards
                && self
                    .passed
                    .get(towards as usize)
                    .is_some_and(|passed| passed.load(Ordering::Acquire) >= pieces)
        });
        due && !self.struck.swap(true, Ordering::AcqRel)
    }

    fn happens(&self, to: &TcpStream) -> Trouble {
        let trouble = lock(&self.plan).map_or(Trouble::Cut, |(_, _, trouble)| trouble);
        match trouble {
            Trouble::Cut => self.cut(),
            Trouble::Freeze => self.frozen.store(true, Ordering::Release),
            Trouble::HalfClose => {
                let _ = to.shutdown(Shutdown::Write);
            }
        }
        trouble
    }

    fn cut(&self) {
        for end in lock(&self.ends).drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
