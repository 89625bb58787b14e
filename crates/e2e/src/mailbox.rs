//! A mail server that takes whatever is sent.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A mail that has come.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Whom it is for.
    pub to: String,
    /// Headers and body, as they were sent.
    pub text: String,
}

/// A server on a loopback address, until the test ends.
pub struct Mailbox {
    /// Where it listens.
    pub addr: SocketAddr,
    letters: Arc<Mutex<Vec<Letter>>>,
}

impl Mailbox {
    /// A server at a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let addr = listener.local_addr().expect("its address");
        let letters = Arc::<Mutex<Vec<Letter>>>::default();
        let kept = Arc::clone(&letters);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { addr, letters }
    }

    /// The first mail to somebody that has these words in it.
    pub fn letter(&self, to: &str, words: &str) -> Option<Letter> {
        let letters = self.letters.lock().unwrap();
        letters
            .iter()
            .find(|letter| letter.to == to && letter.text.contains(words))
            .cloned()
    }
}

fn serve(stream: TcpStream, letters: &Mutex<Vec<Letter>>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let mut reader = BufReader::new(&stream);
    let answer = |text: &str| (&stream).write_all(format!("{text}\r\n").as_bytes()).ok();
    answer("220 mailbox")?;
    let mut to = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        if let Some(address) = line.trim_end().strip_prefix("RCPT TO:<") {
            to = address.trim_end_matches('>').to_owned();
        }
        if line.starts_with("DATA") {
            answer("354 go on")?;
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") {
                reader.read_line(&mut text).ok().filter(|count| *count > 0)?;
            }
            letters.lock().unwrap().push(Letter { to: to.clone(), text });
        }
        answer(if line.starts_with("QUIT") {
            "221 bye"
        } else {
            "250 ok"
        })?;
    }
}
