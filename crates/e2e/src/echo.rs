//! A service behind or before a forward: it says who it is and sends back what it is sent.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use crate::wait::{LIMIT, wait_for};

/// A service that greets with its name and echoes. It lives as long as the test run.
pub struct Echo {
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Echo {
    /// Listens on a free port of an address.
    pub fn start(address: Ipv4Addr, name: &'static str) -> Self {
        Self::at(SocketAddr::from((address, 0)), name)
    }

    /// Listens there.
    pub fn at(addr: SocketAddr, name: &'static str) -> Self {
        let listener = TcpListener::bind(addr).expect("a service on a loopback address");
        let addr = listener.local_addr().expect("the service's address");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream, name, |stream| stream.shutdown(Shutdown::Write)));
            }
        });
        Self { addr }
    }

    /// Listens on a socket in the file system.
    pub fn on_socket(path: &Path, name: &'static str) {
        let listener = UnixListener::bind(path).expect("a service on a socket");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream, name, |stream| stream.shutdown(Shutdown::Write)));
            }
        });
    }
}

/// Greets and echoes to the other side's end of file, and then ends its own: a half-close that fails loses bytes.
fn serve<S: Read + Write>(mut stream: S, name: &str, end: impl Fn(&S) -> std::io::Result<()>) {
    let _ = stream.write_all(format!("{name}\n").as_bytes());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = stream.read(&mut buffer).unwrap_or(0);
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        if stream.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = end(&stream);
}

/// Sends a text, ends, and gives all that comes back: the service's greeting and the text. Empty if nobody answers.
pub fn talk(addr: SocketAddr, from: Ipv4Addr, text: &str) -> String {
    match connect(addr, from) {
        Some(stream) => exchange(stream, text, |stream| stream.shutdown(Shutdown::Write)),
        None => String::new(),
    }
}

/// The same with a socket in the file system.
pub fn talk_on_socket(path: &Path, text: &str) -> String {
    match UnixStream::connect(path) {
        Ok(stream) => exchange(stream, text, |stream| stream.shutdown(Shutdown::Write)),
        Err(_) => String::new(),
    }
}

/// Waits until a service answers there, and gives what it says.
#[track_caller]
pub fn answers(addr: SocketAddr, from: Ipv4Addr, text: &str) -> String {
    wait_for(&format!("an answer at {addr}"), LIMIT, || {
        Some(talk(addr, from, text)).filter(|answer| !answer.is_empty())
    })
}

/// A connection from an address of this machine's loopback network.
pub fn connect(addr: SocketAddr, from: Ipv4Addr) -> Option<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).ok()?;
    socket.bind(&SocketAddr::new(IpAddr::V4(from), 0).into()).ok()?;
    socket.connect(&addr.into()).ok()?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    Some(stream)
}

fn exchange<S: Read + Write>(mut stream: S, text: &str, end: impl Fn(&S) -> std::io::Result<()>) -> String {
    let mut answer = Vec::new();
    let _ = stream.write_all(text.as_bytes());
    let _ = end(&stream);
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
