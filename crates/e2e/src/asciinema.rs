//! The asciinema tools, as proof that casts are what they claim to be.

use std::path::Path;

use crate::terminal::Terminal;

/// What `asciinema cat` shows of a cast. It wants a terminal.
#[track_caller]
pub fn asciinema_cat(cast: &Path) -> String {
    let mut terminal = Terminal::start("asciinema", &["cat".to_owned(), cast.display().to_string()]);
    let status = terminal.ends();
    assert_eq!(
        status,
        0,
        "asciinema cannot show {}: {}",
        cast.display(),
        terminal.all()
    );
    terminal.all()
}
