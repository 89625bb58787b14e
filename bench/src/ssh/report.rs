//! What a run has found: figures, CPU time, and what was to be reached.

use crate::verdict::{Side, Verdicts};

use super::absent::Absent;
use super::bulk::Direction;
use super::place::Terms;
use super::route::{ByRoute, Route};
use super::table::Table;

/// Tables that fill as the run goes on.
pub(super) struct Report {
    pub(super) figures: Table,
    /// Of the one process between client and server; OpenSSH's jump host has one for each connection.
    pub(super) cpu: Table,
    pub(super) targets: Verdicts,
    /// What peers could not do.
    pub(super) absent: Absent,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            figures: Table::new("what"),
            cpu: Table::new("CPU seconds of the proxy per GB (for echo, per GB each way)"),
            targets: Verdicts::default(),
            absent: Absent::default(),
        }
    }
}

impl Report {
    /// Milliseconds of a whole `ssh … true`.
    pub(super) fn set_up(&mut self, terms: Terms, figures: ByRoute<f64>) {
        let what = set_up_words(terms);
        // On other terms the routes do not exchange keys in the same way.
        if terms == Terms::Curve25519 {
            self.ratios(
                &what,
                Side::AtMost,
                &[(Route::Direct, 1.1), (Route::Jump, 0.5)],
                &figures,
            );
        }
        self.figures.add(format!("{what}, median ms"), figures);
    }

    /// Milliseconds of a key's way and back, of which the gate may add so many.
    pub(super) fn keys(&mut self, quantile: &str, may_add: f64, figures: ByRoute<f64>) {
        let what = format!("{KEY}, {quantile}");
        let added = figures.gate - figures.direct;
        self.targets.judge(
            &format!("{what}, beyond direct"),
            Side::AtMost,
            may_add,
            "ms",
            added,
        );
        self.figures.add(format!("{what} ms"), figures);
    }

    /// Megabytes a second, and CPU seconds for a gigabyte.
    pub(super) fn bulk(
        &mut self,
        direction: Direction,
        terms: Terms,
        rates: ByRoute<f64>,
        cpu: ByRoute<f64>,
    ) {
        let what = format!("{}, {}", direction.words(), terms.words());
        let rate = rate_words(direction, terms);
        self.ratios(&rate, Side::AtLeast, rate_targets(direction, terms), &rates);
        if direction != Direction::Both {
            let most = match terms {
                Terms::ChaCha20 => 5.8,
                // With OpenSSH's own choice the gate uses AES-GCM, too.
                Terms::Defaults | Terms::Curve25519 | Terms::Aes128Gcm => 2.2,
            };
            let what = format!("CPU of the gate, {what}");
            self.targets
                .judge(&what, Side::AtMost, most, "s per GB", cpu.gate);
        }
        self.figures.add(rate, rates);
        self.cpu.add(what, cpu);
    }

    fn ratios(&mut self, what: &str, side: Side, targets: &[(Route, f64)], figures: &ByRoute<f64>) {
        for (route, target) in targets {
            let unit = format!("× {}", route.words());
            let ratio = figures.gate / figures.get(*route);
            self.targets.judge(what, side, *target, &unit, ratio);
        }
    }
}

/// As tables call a key's way and back.
pub(super) const KEY: &str = "key echoed through a pty";

/// As tables call a whole login.
pub(super) fn set_up_words(terms: Terms) -> String {
    format!("`ssh … true`, {}", terms.words())
}

/// As tables call a rate.
pub(super) fn rate_words(direction: Direction, terms: Terms) -> String {
    format!("MB/s {}, {}", direction.words(), terms.words())
}

/// What the gate's rate is to be at least, as a multiple of others.
fn rate_targets(direction: Direction, terms: Terms) -> &'static [(Route, f64)] {
    match (direction, terms) {
        (Direction::Both, Terms::Aes128Gcm) => &[(Route::Direct, 0.7)],
        (Direction::Up | Direction::Down, Terms::Defaults) => {
            &[(Route::Direct, 1.0), (Route::Jump, 2.0), (Route::Paramiko, 5.0)]
        }
        (Direction::Up | Direction::Down, Terms::Aes128Gcm) => {
            &[(Route::Direct, 0.75), (Route::Jump, 1.6), (Route::Go, 1.2)]
        }
        (Direction::Both, _) | (_, Terms::Curve25519 | Terms::ChaCha20) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(direct: f64, jump: f64, gate: f64, go: f64, paramiko: f64) -> ByRoute<f64> {
        ByRoute {
            direct,
            jump,
            gate,
            go,
            paramiko,
        }
    }

    #[test]
    fn rates_are_judged_against_each_route_that_has_a_target() {
        let mut report = Report::default();
        let rates = figures(200.0, 100.0, 150.0, 0.0, 50.0);
        let cpu = figures(0.0, 0.0, 2.0, 0.0, 10.0);
        report.bulk(Direction::Up, Terms::Defaults, rates.clone(), cpu.clone());
        report.bulk(Direction::Down, Terms::Aes128Gcm, rates.clone(), cpu);
        report.bulk(
            Direction::Down,
            Terms::ChaCha20,
            rates,
            figures(0.0, 0.0, 11.6, 0.0, 0.0),
        );
        let text = report.targets.to_string();
        let rows: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| MB/s up, defaults | ≥ 1 × direct | 0.75 × direct | missed, 0.75 × the target |",
                "| MB/s up, defaults | ≥ 2 × `ssh -J` | 1.50 × `ssh -J` | missed, 0.75 × the target |",
                "| MB/s up, defaults | ≥ 5 × Paramiko | 3.00 × Paramiko | missed, 0.60 × the target |",
                "| CPU of the gate, up, defaults | ≤ 2.2 s per GB | 2.00 s per GB | met |",
                "| MB/s down, aes128-gcm | ≥ 0.75 × direct | 0.75 × direct | met |",
                "| MB/s down, aes128-gcm | ≥ 1.6 × `ssh -J` | 1.50 × `ssh -J` | missed, 0.94 × the target |",
                "| MB/s down, aes128-gcm | ≥ 1.2 × Go | – | not measured |",
                "| CPU of the gate, down, aes128-gcm | ≤ 2.2 s per GB | 2.00 s per GB | met |",
                "| CPU of the gate, down, chacha20 | ≤ 5.8 s per GB | 11.60 s per GB | missed, 2.00 × the target |",
            ]
        );
        let cpu = report.cpu.to_string();
        assert!(cpu.contains("| up, defaults | – | – | – | 10.0 | 2.00 | – | – | – | 0.20 |"));
    }

    #[test]
    fn set_ups_are_judged_with_one_key_exchange_and_keys_by_what_is_added() {
        let mut report = Report::default();
        let times = figures(100.0, 200.0, 110.0, 0.0, 0.0);
        report.set_up(Terms::Defaults, times.clone());
        report.set_up(Terms::Curve25519, times);
        report.keys("p50", 0.2, figures(0.25, 0.5, 0.5, 0.0, 0.0));
        let text = report.targets.to_string();
        let rows: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| `ssh … true`, curve25519 | ≤ 1.1 × direct | 1.10 × direct | met |",
                "| `ssh … true`, curve25519 | ≤ 0.5 × `ssh -J` | 0.55 × `ssh -J` | missed, 1.10 × the target |",
                "| key echoed through a pty, p50, beyond direct | ≤ 0.2 ms | 0.25 ms | missed, 1.25 × the target |",
            ]
        );
    }
}
