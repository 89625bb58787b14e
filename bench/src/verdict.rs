//! A table of figures with their targets.

use std::fmt;

/// Rows of a markdown table: what, target, measured, met or by how much missed.
#[derive(Default)]
pub(crate) struct Verdicts {
    rows: Vec<[String; 4]>,
}

/// The row that was just judged, the last one.
pub(crate) struct Judged<'v> {
    rows: &'v mut Vec<[String; 4]>,
}

/// On which side of the target a figure is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// The target is the most.
    AtMost,
    /// The target is the least.
    AtLeast,
}

impl Verdicts {
    /// A figure with a target.
    pub(crate) fn judge(
        &mut self,
        what: &str,
        side: Side,
        target: f64,
        unit: &str,
        measured: f64,
    ) -> Judged<'_> {
        let (sign, met) = match side {
            Side::AtMost => ("≤", measured <= target),
            Side::AtLeast => ("≥", measured >= target),
        };
        let (measured, verdict) = match measured {
            // A ratio to something that is not there.
            figure if !figure.is_finite() => ("–".to_owned(), "not measured".to_owned()),
            figure if met => (format!("{} {unit}", readable(figure)), "met".to_owned()),
            figure => (
                format!("{} {unit}", readable(figure)),
                format!("missed, {:.2} × the target", figure / target),
            ),
        };
        self.rows.push([
            what.to_owned(),
            format!("{sign} {target} {unit}"),
            measured,
            verdict,
        ]);
        Judged { rows: &mut self.rows }
    }

    /// Something to know without a target.
    pub(crate) fn note(&mut self, what: &str, words: &str) {
        self.rows
            .push([what.to_owned(), String::new(), words.to_owned(), String::new()]);
    }
}

impl Judged<'_> {
    /// What the figure was made of.
    pub(crate) fn made_of(self, words: &str) -> Self {
        if let Some([_, _, measured, _]) = self.rows.last_mut() {
            measured.push_str(&format!(" ({words})"));
        }
        self
    }

    /// A figure of something that did not go as it should have says nothing, whether it meets its target or not.
    pub(crate) fn void_if(self, faults: &[String]) {
        if let Some([_, _, _, verdict]) = self.rows.last_mut()
            && !faults.is_empty()
        {
            *verdict = format!("void: {}", faults.join("; "));
        }
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

    #[test]
    fn a_figure_that_was_spoilt_is_not_met() {
        let mut verdicts = Verdicts::default();
        verdicts
            .judge("CPU", Side::AtMost, 25.0, "%", 5.0)
            .made_of("with kernel")
            .void_if(&["2 shells ended".to_owned(), "3 bytes are lost".to_owned()]);
        verdicts
            .judge("memory", Side::AtMost, 25.0, "KiB", 5.0)
            .void_if(&[]);
        let text = verdicts.to_string();
        assert!(
            text.contains("| CPU | ≤ 25 % | 5.00 % (with kernel) | void: 2 shells ended; 3 bytes are lost |")
        );
        assert!(text.contains("| memory | ≤ 25 KiB | 5.00 KiB | met |"));
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        let mut verdicts = Verdicts::default();
        verdicts.judge("rate", Side::AtLeast, 5.0, "× a proxy", f64::INFINITY);
        verdicts.judge("rate", Side::AtMost, 0.5, "× a proxy", f64::NAN);
        let text = verdicts.to_string();
        assert!(text.contains("| rate | ≥ 5 × a proxy | – | not measured |"));
        assert!(text.contains("| rate | ≤ 0.5 × a proxy | – | not measured |"));
    }
}
