//! What happens at a point, as the file says.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

/// Names the file.
const VARIABLE: &str = "FAULT_POINTS";
/// How often one who hangs looks whether it still does.
const LOOK: Duration = Duration::from_millis(20);
/// `errno` by name, on Linux.
const ERRORS: &[(&str, i32)] = &[
    ("ENOSPC", 28),
    ("EIO", 5),
    ("EROFS", 30),
    ("EDQUOT", 122),
    ("ESTALE", 116),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    Abort,
    Panic,
    Delay(Duration),
    Hang,
    Error(i32),
}

/// A step was reached.
pub fn reach(name: &str, context: &[&dyn Display]) {
    let _ = fail(name, context);
}

/// Something is about to be asked of the system.
///
/// # Errors
/// The one that the file names.
pub fn fail(name: &str, context: &[&dyn Display]) -> io::Result<()> {
    let Some(file) = file() else { return Ok(()) };
    let here = context.iter().map(|part| part.to_string()).collect::<String>();
    let ordered = || {
        std::fs::read_to_string(file)
            .ok()
            .and_then(|plan| action(&plan, name, &here))
    };
    match ordered() {
        None => Ok(()),
        Some(Action::Abort) => std::process::abort(),
        Some(Action::Panic) => panic_here(name),
        Some(Action::Delay(time)) => {
            std::thread::sleep(time);
            Ok(())
        }
        Some(Action::Hang) => {
            while ordered() == Some(Action::Hang) {
                std::thread::sleep(LOOK);
            }
            Ok(())
        }
        Some(Action::Error(number)) => Err(io::Error::from_raw_os_error(number)),
    }
}

#[expect(clippy::panic, reason = "this is what was asked for")]
fn panic_here(name: &str) -> ! {
    panic!("the fault point {name} was told to panic")
}

fn file() -> Option<&'static PathBuf> {
    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    FILE.get_or_init(|| std::env::var_os(VARIABLE).map(PathBuf::from))
        .as_ref()
}

fn action(plan: &str, name: &str, context: &str) -> Option<Action> {
    plan.lines().find_map(|line| {
        let (point, what) = line.split_once('=')?;
        let (point, wanted) = point.split_once('@').unwrap_or((point, ""));
        (point.trim() == name && context.contains(wanted.trim())).then(|| read(what))?
    })
}

fn read(what: &str) -> Option<Action> {
    let mut words = what.split_whitespace();
    let action = match words.next()? {
        "abort" => Action::Abort,
        "panic" => Action::Panic,
        "hang" => Action::Hang,
        "delay" => Action::Delay(Duration::from_millis(words.next()?.parse().ok()?)),
        "error" => {
            let wanted = words.next()?;
            Action::Error(ERRORS.iter().find(|(name, _)| *name == wanted)?.1)
        }
        _ => return None,
    };
    words.next().is_none().then_some(action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_happens_at_its_point_and_nowhere_else() {
        let plan =
            "archive.sync = error EIO\nssh.output @0193 = panic\nssh.output = delay 5\nnonsense\nx = fly\n";
        assert_eq!(action(plan, "archive.sync", ""), Some(Action::Error(5)));
        assert_eq!(action(plan, "ssh.output", "session 0193ab"), Some(Action::Panic));
        assert_eq!(
            action(plan, "ssh.output", "session 0194"),
            Some(Action::Delay(Duration::from_millis(5)))
        );
        assert_eq!(action(plan, "archive.append", ""), None);
        assert_eq!(action(plan, "x", ""), None);
        assert_eq!(read("hang"), Some(Action::Hang));
        assert_eq!(read("abort now"), None);
        assert_eq!(read("error EWHAT"), None);
    }
}
