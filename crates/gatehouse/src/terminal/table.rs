//! Tables and lists of fields, as wide as the terminal at most.

use super::text::{clean, cut, width};
use super::{Colour, Screen};

/// Between two columns.
const GAP: &str = "  ";
/// A column is not made narrower than this.
const NARROWEST: usize = 8;

/// What a cell says by its colour, where there is colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// In force, fine.
    Good,
    /// Wants attention.
    Warn,
    /// Refused, over, locked.
    Bad,
    /// Of little interest.
    Dim,
    /// A heading.
    Strong,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Warn => Some("33"),
            Self::Bad => Some("31"),
            Self::Dim => Some("2"),
            Self::Strong => Some("1"),
        }
    }
}

/// One cell. Its text is cleaned when it is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A cell with a tone.
    pub(crate) fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self {
            text: clean(text.as_ref()),
            tone,
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// A table with a line of headings.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self {
            headings: headings.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table's text; `empty` if it has no rows.
    pub(crate) fn render(&self, screen: &Screen, empty: &str) -> String {
        if self.rows.is_empty() {
            return format!("{empty}\n");
        }
        let widths = self.widths(screen.width);
        let mut out = String::new();
        let headings: Vec<_> = self
            .headings
            .iter()
            .map(|h| Cell::toned(h, Tone::Strong))
            .collect();
        for row in std::iter::once(&headings).chain(&self.rows) {
            let mut line = String::new();
            for (n, (cell, columns)) in row.iter().zip(&widths).enumerate() {
                if n > 0 {
                    line.push_str(GAP);
                }
                let shown = cut(&cell.text, *columns);
                let padding = columns.saturating_sub(width(&shown));
                line.push_str(&screen.paint(&shown, cell.tone));
                line.extend(std::iter::repeat_n(' ', padding));
            }
            out.push_str(line.trim_end_matches(' '));
            out.push('\n');
        }
        out
    }

    /// Widths of the columns: as the contents want, the widest ones narrowed until all fit.
    fn widths(&self, available: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.headings.iter().map(|heading| width(heading)).collect();
        for row in &self.rows {
            for (columns, cell) in widths.iter_mut().zip(row) {
                *columns = (*columns).max(width(&cell.text));
            }
        }
        let Some(available) = available else { return widths };
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > available {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}

/// Names and values, one pair a line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, Cell)>);

impl Fields {
    /// No fields.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Cell>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Adds a field, if there is a value.
    #[must_use]
    pub(crate) fn maybe(self, name: &'static str, value: Option<impl Into<Cell>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The text. Values are not cut: they are what was asked for.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        let widest = self.0.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
        let mut out = String::new();
        for (name, cell) in &self.0 {
            let padding = " ".repeat(widest - width(name));
            let value = screen.paint(&cell.text, cell.tone);
            out.push_str(&format!("{}{padding}  {value}\n", screen.paint(name, Tone::Dim)));
        }
        out
    }
}

impl Screen {
    fn paint(&self, text: &str, tone: Tone) -> String {
        match (self.colour, tone.code()) {
            (Colour::On, Some(code)) if !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["NAME", "ADDRESS"]);
        table.row([
            Cell::toned("alice", Tone::Good),
            "10.0.0.7, 10.0.0.8, 10.0.0.9".into(),
        ]);
        table.row(["b\x1b[31m".into(), "".into()]);
        table
    }

    #[test]
    fn columns_line_up_and_no_escape_from_outside_is_left() {
        let screen = Screen {
            width: None,
            colour: Colour::Off,
        };
        assert_eq!(
            table().render(&screen, "nobody"),
            "NAME       ADDRESS\nalice      10.0.0.7, 10.0.0.8, 10.0.0.9\nb\\x1b[31m\n"
        );
        assert_eq!(Table::new(&["NAME"]).render(&screen, "nobody"), "nobody\n");
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_column() {
        let screen = Screen {
            width: Some(24),
            colour: Colour::Off,
        };
        let text = table().render(&screen, "");
        assert!(text.lines().all(|line| width(line) <= 24), "{text}");
        assert!(text.contains('…'), "{text}");
    }

    #[test]
    fn colour_only_where_it_is_wanted() {
        let on = Screen {
            width: None,
            colour: Colour::On,
        };
        assert!(table().render(&on, "").contains("\x1b[32malice\x1b[0m"));
        assert!(
            Fields::new()
                .with("Name", "x")
                .render(&on)
                .contains("\x1b[2mName\x1b[0m")
        );
    }
}
