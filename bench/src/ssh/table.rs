//! The table of figures by route, with ratios.

use std::fmt;

use super::route::ByRoute;

/// Rows of a markdown table.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<(String, ByRoute<f64>)>,
}

impl Table {
    /// Adds a row; `what` names the unit.
    pub(super) fn add(&mut self, what: impl Into<String>, figures: ByRoute<f64>) {
        self.rows.push((what.into(), figures));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | direct | `ssh -J` | gate | gate ÷ direct | gate ÷ `ssh -J` |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- |")?;
        for (what, ByRoute { direct, jump, gate }) in &self.rows {
            let figures = [direct, jump, gate].map(|figure| readable(*figure));
            let [to_direct, to_jump] = [gate / direct, gate / jump];
            writeln!(
                f,
                "| {what} | {} | {to_direct:.2} | {to_jump:.2} |",
                figures.join(" | ")
            )?;
        }
        Ok(())
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
    fn ratios_are_the_gate_to_the_others() {
        let mut table = Table::default();
        let figures = ByRoute {
            direct: 200.0,
            jump: 50.0,
            gate: 100.0,
        };
        table.add("MB/s", figures);
        let text = table.to_string();
        assert_eq!(
            text.lines().last(),
            Some("| MB/s | 200 | 50.0 | 100 | 0.50 | 2.00 |")
        );
    }
}
