//! The table of figures by route, with ratios.

use std::fmt;

use super::route::ByRoute;

/// Rows of a markdown table.
pub(super) struct Table {
    heading: &'static str,
    rows: Vec<(String, ByRoute<f64>)>,
}

impl Table {
    /// An empty one; the heading is that of the first column.
    pub(super) fn new(heading: &'static str) -> Self {
        Self {
            heading,
            rows: Vec::new(),
        }
    }

    /// Adds a row; `what` names the unit.
    pub(super) fn add(&mut self, what: impl Into<String>, figures: ByRoute<f64>) {
        self.rows.push((what.into(), figures));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peers = "direct | `ssh -J` | Go proxy | Paramiko proxy";
        writeln!(
            f,
            "| {} | {peers} | gate | gate ÷ direct | ÷ `ssh -J` | ÷ Go | ÷ Paramiko |",
            self.heading
        )?;
        writeln!(f, "|{}", " --- |".repeat(10))?;
        for (what, figures) in &self.rows {
            let ByRoute {
                direct,
                jump,
                gate,
                go,
                paramiko,
            } = figures;
            let peers = [direct, jump, go, paramiko];
            let ratios = peers.map(|peer| shown(gate / peer, |ratio| format!("{ratio:.2}")));
            let figures = [direct, jump, go, paramiko, gate].map(|figure| shown(*figure, readable));
            writeln!(f, "| {what} | {} | {} |", figures.join(" | "), ratios.join(" | "))?;
        }
        Ok(())
    }
}

/// A figure, unless there is none: no time or rate is nought.
fn shown(figure: f64, words: impl Fn(f64) -> String) -> String {
    if figure.is_finite() && figure > 0.0 {
        words(figure)
    } else {
        "–".to_owned()
    }
}

/// Three digits that count.
fn readable(figure: f64) -> String {
    match figure {
        f if f >= 100.0 => format!("{f:.0}"),
        f if f >= 10.0 => format!("{f:.1}"),
        f => format!("{f:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_the_gate_to_the_others_that_are_there() {
        let mut table = Table::new("what");
        let figures = ByRoute {
            direct: 200.0,
            jump: 50.0,
            gate: 100.0,
            go: 80.0,
            paramiko: 0.0,
        };
        table.add("MB/s", figures);
        let text = table.to_string();
        assert_eq!(
            text.lines().last(),
            Some("| MB/s | 200 | 50.0 | 80.0 | – | 100 | 0.50 | 2.00 | 1.25 | – |")
        );
    }
}
