//! A table of figures with their targets.

use std::fmt;

/// Rows of a markdown table: what, target, measured, met or by how much missed.
#[derive(Default)]
pub(super) struct Verdicts {
    rows: Vec<[String; 4]>,
}

/// On which side of the target a figure is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    /// The target is the most.
    AtMost,
    /// The target is the least.
    AtLeast,
}

impl Verdicts {
    /// A figure with a target.
    pub(super) fn judge(&mut self, what: &str, side: Side, target: f64, unit: &str, measured: f64) {
        let (sign, met) = match side {
            Side::AtMost => ("≤", measured <= target),
            Side::AtLeast => ("≥", measured >= target),
        };
        let verdict = if met {
            "met".to_owned()
        } else {
            format!("missed, {:.2} × the target", measured / target)
        };
        self.rows.push([
            what.to_owned(),
            format!("{sign} {target} {unit}"),
            format!("{} {unit}", readable(measured)),
            verdict,
        ]);
    }

    /// Something to know without a target.
    pub(super) fn note(&mut self, what: &str, words: &str) {
        self.rows
            .push([what.to_owned(), String::new(), words.to_owned(), String::new()]);
    }
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | target | measured | |\n| --- | --- | --- | --- |")?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}

fn readable(figure: f64) -> String {
    if figure.abs() >= 100.0 {
        format!("{figure:.0}")
    } else {
        format!("{figure:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_or_missed_by_a_factor() {
        let mut verdicts = Verdicts::default();
        verdicts.judge("memory", Side::AtMost, 150.0, "KiB", 300.0);
        verdicts.judge("logins", Side::AtLeast, 100.0, "a second", 100.0);
        let text = verdicts.to_string();
        assert!(text.contains("| memory | ≤ 150 KiB | 300 KiB | missed, 2.00 × the target |"));
        assert!(text.contains("| logins | ≥ 100 a second | 100 a second | met |"));
    }
}
