//! Keys of whoever watches or replays, where there is a terminal.

use std::io::{IsTerminal, Read};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// What a key asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    /// Hold on, or go on.
    Pause,
    /// Leave.
    Quit,
}

/// Keys as they are pressed. The terminal is put back as it was when this is dropped.
pub(super) struct Keys {
    pressed: Option<mpsc::Receiver<Key>>,
    before: Option<Termios>,
}

impl Keys {
    /// Listens to the terminal at standard input, if there is one.
    pub(super) fn listen() -> Self {
        let stdin = std::io::stdin();
        let before = if stdin.is_terminal() {
            tcgetattr(&stdin).ok()
        } else {
            None
        };
        let Some(before) = before else {
            return Self {
                pressed: None,
                before: None,
            };
        };
        let mut plain = before.clone();
        plain.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        if tcsetattr(&stdin, SetArg::TCSADRAIN, &plain).is_err() {
            return Self {
                pressed: None,
                before: None,
            };
        }
        let (press, pressed) = mpsc::channel(8);
        // Blocked on the terminal until the program ends; nothing waits for it.
        std::thread::spawn(move || {
            for byte in std::io::stdin().lock().bytes() {
                let key = match byte {
                    Ok(b' ') => Key::Pause,
                    Ok(b'q' | b'Q') => Key::Quit,
                    Ok(_) => continue,
                    Err(_) => return,
                };
                if press.blocking_send(key).is_err() {
                    return;
                }
            }
        });
        Self {
            pressed: Some(pressed),
            before: Some(before),
        }
    }

    /// The next key; never, if there is no terminal.
    pub(super) async fn next(&mut self) -> Key {
        let key = match &mut self.pressed {
            Some(pressed) => pressed.recv().await,
            None => None,
        };
        match key {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // The terminal may be gone; then there is nothing to put back.
            let _gone = tcsetattr(std::io::stdin(), SetArg::TCSADRAIN, before);
        }
    }
}
