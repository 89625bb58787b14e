//! What two SSH peers say to each other before they encrypt: a relay between them that listens.
//!
//! The first packet of each side lists its algorithms in plain text (RFC 4253 section 7.1), so what a client and a
//! server agree on can be told from outside, whatever the client.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::wait::{LIMIT, wait_for};

/// What is kept of a side: its identification and its first packet.
const KEPT: usize = 64 * 1024;
/// The message that lists algorithms.
const KEXINIT: u8 = 20;

/// A relay in front of one address.
pub struct Overheard {
    /// Where it listens.
    pub addr: SocketAddr,
    heard: Arc<Mutex<Vec<Pair>>>,
    over: Arc<AtomicBool>,
}

#[derive(Default)]
struct Pair {
    client: Vec<u8>,
    server: Vec<u8>,
}

/// What was agreed on in one connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreed {
    /// The client's identification line.
    pub client: String,
    /// The key exchange method.
    pub kex: String,
    /// The host key's algorithm.
    pub host_key: String,
    /// The cipher from client to server and back.
    pub ciphers: [String; 2],
    /// The message authentication codes, each way; without a meaning for ciphers that need none.
    pub macs: [String; 2],
    /// The compression each way.
    pub compression: [String; 2],
}

impl Overheard {
    /// Listens at this address and passes everything on; connections onwards come from 127.0.0.1.
    pub fn before(at: Ipv4Addr, to: SocketAddr) -> Self {
        let listener = TcpListener::bind((at, 0)).expect("a free port on a loopback address");
        let addr = listener.local_addr().expect("the relay's address");
        let heard: Arc<Mutex<Vec<Pair>>> = Arc::default();
        let over = Arc::new(AtomicBool::new(false));
        let (theirs, is_over) = (Arc::clone(&heard), Arc::clone(&over));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(server) = TcpStream::connect(to) else {
                    continue;
                };
                let number = {
                    let mut heard = theirs.lock().unwrap();
                    heard.push(Pair::default());
                    heard.len() - 1
                };
                relay(&client, &server, Arc::clone(&theirs), move |heard| {
                    heard.get_mut(number).map(|pair| &mut pair.client)
                });
                relay(&server, &client, Arc::clone(&theirs), move |heard| {
                    heard.get_mut(number).map(|pair| &mut pair.server)
                });
            }
        });
        Self { addr, heard, over }
    }

    /// What the newest connection agreed on.
    #[track_caller]
    pub fn newest(&self) -> Agreed {
        let count = self.heard.lock().unwrap().len();
        self.agreed(count.saturating_sub(1))
    }

    /// Waits for both sides of a connection, from 0, to have listed their algorithms; gives what they agree on.
    #[track_caller]
    pub fn agreed(&self, number: usize) -> Agreed {
        wait_for(
            &format!("connection {number} to list its algorithms"),
            LIMIT,
            || {
                let heard = self.heard.lock().unwrap();
                let pair = heard.get(number)?;
                agree(
                    &lists(&pair.client)?,
                    &lists(&pair.server)?,
                    first_line(&pair.client),
                )
            },
        )
    }
}

impl Drop for Overheard {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the one who waits for connections.
        let _ = TcpStream::connect(self.addr);
    }
}

fn relay(
    from: &TcpStream,
    to: &TcpStream,
    heard: Arc<Mutex<Vec<Pair>>>,
    side: impl Fn(&mut Vec<Pair>) -> Option<&mut Vec<u8>> + Send + 'static,
) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = vec![0; KEPT];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default();
            if let Some(kept) = side(&mut heard.lock().unwrap())
                && kept.len() < KEPT
            {
                kept.extend_from_slice(bytes);
            }
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line).trim_end().to_owned()
}

/// The ten name lists of a side's KEXINIT, once they are there whole.
fn lists(bytes: &[u8]) -> Option<Vec<Vec<String>>> {
    // A server may send other lines first (RFC 4253 section 4.2).
    let ident = bytes.windows(4).position(|four| four == b"SSH-")?;
    let end = ident + bytes.get(ident..)?.iter().position(|b| *b == b'\n')? + 1;
    let packet = bytes.get(end..)?;
    let length = usize::try_from(number(packet)?).ok()?;
    let mut payload = packet.get(4..4 + length)?.get(1..)?;
    assert_eq!(
        payload.first(),
        Some(&KEXINIT),
        "the first packet lists algorithms"
    );
    payload = payload.get(17..)?;
    let mut lists = Vec::new();
    for _ in 0..10 {
        let length = usize::try_from(number(payload)?).ok()?;
        let names = String::from_utf8_lossy(payload.get(4..4 + length)?).into_owned();
        lists.push(names.split(',').map(str::to_owned).collect());
        payload = payload.get(4 + length..)?;
    }
    Some(lists)
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|four| u32::from_be_bytes(*four))
}

/// The first of the client's names that the server has, for each list.
fn agree(client: &[Vec<String>], server: &[Vec<String>], ident: String) -> Option<Agreed> {
    let pick = |at: usize| {
        let theirs = server.get(at)?;
        let found = client.get(at)?.iter().find(|name| theirs.contains(name));
        Some(found.cloned().unwrap_or_else(|| "none in common".to_owned()))
    };
    Some(Agreed {
        client: ident,
        kex: pick(0)?,
        host_key: pick(1)?,
        ciphers: [pick(2)?, pick(3)?],
        macs: [pick(4)?, pick(5)?],
        compression: [pick(6)?, pick(7)?],
    })
}
