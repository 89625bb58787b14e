//! A web server that takes what a webhook sends.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// A request that has come.
#[derive(Clone, Debug)]
pub struct Received {
    /// The first line.
    pub line: String,
    /// The headers, their names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// How it was answered.
    pub status: u16,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

/// A server on a loopback address, until the test ends.
pub struct Receiver {
    /// Where it listens.
    pub addr: SocketAddr,
    status: Arc<AtomicU16>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// A server at a free port, which answers with success.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let addr = listener.local_addr().expect("its address");
        let receiver = Self {
            addr,
            status: Arc::new(AtomicU16::new(204)),
            received: Arc::default(),
        };
        let (status, received) = (Arc::clone(&receiver.status), Arc::clone(&receiver.received));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (status, received) = (Arc::clone(&status), Arc::clone(&received));
                thread::spawn(move || serve(stream, &status, &received));
            }
        });
        receiver
    }

    /// Answers so from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What has come so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The first request that was answered with success and whose JSON fits.
    pub fn delivered(&self, fits: impl Fn(&Value) -> bool) -> Option<Received> {
        self.received()
            .into_iter()
            .find(|request| request.status < 300 && fits(&request.json()))
    }
}

fn serve(stream: TcpStream, status: &AtomicU16, received: &Mutex<Vec<Received>>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let status = status.load(Ordering::SeqCst);
    received.lock().unwrap().push(Received {
        line: line.trim_end().to_owned(),
        headers,
        body,
        status,
    });
    let answer = format!("HTTP/1.1 {status} Answer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    (&stream).write_all(answer.as_bytes()).ok()
}
