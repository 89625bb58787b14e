//! One metric: its description, its series, and handles to them.

use metrics::{Counter, Gauge, Histogram, Key, Level, Metadata, Unit, with_recorder};

use crate::words::OTHER;

/// What a metric is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// A number that only grows while the node runs.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// How often values fell below each of these bounds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word for it in the text format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// A label and every value that it can have.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: &'static [&'static str],
}

/// A metric of the table.
#[derive(Debug)]
pub struct Metric {
    /// Its name, `gatehouse_…`, with the base unit and, for counters, `_total`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says, one sentence.
    pub help: &'static str,
    /// Its labels, in the order in which values are given.
    pub labels: &'static [Label],
    /// Which combinations of values there are.
    pub(crate) exists: fn(&[&str]) -> bool,
}

impl Metric {
    /// The handle of a counter's series.
    pub fn counter(&self, values: &[&str]) -> Counter {
        debug_assert_eq!(self.kind, Kind::Counter, "{}", self.name);
        with_recorder(|recorder| recorder.register_counter(&self.key(values), &METADATA))
    }

    /// The handle of a gauge's series.
    pub fn gauge(&self, values: &[&str]) -> Gauge {
        debug_assert_eq!(self.kind, Kind::Gauge, "{}", self.name);
        with_recorder(|recorder| recorder.register_gauge(&self.key(values), &METADATA))
    }

    /// The handle of a histogram's series. Values are in the unit that the name ends with.
    pub fn histogram(&self, values: &[&str]) -> Histogram {
        debug_assert!(matches!(self.kind, Kind::Histogram(_)), "{}", self.name);
        with_recorder(|recorder| recorder.register_histogram(&self.key(values), &METADATA))
    }

    /// Counts one. For what happens seldom; otherwise keep [`counter`](Self::counter).
    pub fn count(&self, values: &[&str]) {
        self.add(values, 1);
    }

    /// Counts so many.
    pub fn add(&self, values: &[&str], count: u64) {
        self.counter(values).increment(count);
    }

    /// Sets a gauge.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53, far beyond what is counted"
    )]
    pub fn set(&self, values: &[&str], value: u64) {
        self.gauge(values).set(value as f64);
    }

    /// Notes how long something took, in seconds.
    pub fn took(&self, values: &[&str], time: std::time::Duration) {
        self.histogram(values).record(time.as_secs_f64());
    }

    /// The values of every series, in the order of the labels.
    pub fn series(&self) -> Vec<Vec<&'static str>> {
        let mut all = vec![Vec::new()];
        for label in self.labels {
            let longer = all.iter().flat_map(|values| {
                label
                    .values
                    .iter()
                    .map(|value| values.iter().copied().chain([*value]).collect())
            });
            all = longer.collect::<Vec<Vec<_>>>();
        }
        all.retain(|values| (self.exists)(values));
        all
    }

    pub(crate) fn register(&self) {
        with_recorder(|recorder| match self.kind {
            Kind::Counter => recorder.describe_counter(self.name.into(), self.unit(), self.help.into()),
            Kind::Gauge => recorder.describe_gauge(self.name.into(), self.unit(), self.help.into()),
            Kind::Histogram(_) => {
                recorder.describe_histogram(self.name.into(), self.unit(), self.help.into());
            }
        });
        for values in self.series() {
            match self.kind {
                Kind::Counter => self.counter(&values).increment(0),
                Kind::Gauge => self.gauge(&values).increment(0.0),
                Kind::Histogram(_) => drop(self.histogram(&values)),
            }
        }
    }

    fn unit(&self) -> Option<Unit> {
        let bare = self.name.strip_suffix("_total").unwrap_or(self.name);
        match bare.rsplit('_').next() {
            Some("seconds") => Some(Unit::Seconds),
            Some("bytes") => Some(Unit::Bytes),
            _ => None,
        }
    }

    fn key(&self, values: &[&str]) -> Key {
        debug_assert_eq!(values.len(), self.labels.len(), "{}", self.name);
        let labels = self.labels.iter().zip(values).map(|(label, value)| {
            let known = label.values.iter().find(|known| *known == value);
            metrics::Label::from_static_parts(label.name, known.copied().unwrap_or(OTHER))
        });
        Key::from_parts(self.name, labels.collect::<Vec<_>>())
    }
}

static METADATA: Metadata<'_> = Metadata::new("gatehouse", Level::INFO, None);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{ALL, DECISIONS};

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        let mut seen = HashSet::new();
        for metric in ALL {
            let name = metric.name;
            assert!(seen.insert(name), "{name} stands there twice");
            assert!(name.starts_with("gatehouse_"), "{name}");
            let right = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(name.chars().all(right), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
            assert!(metric.help.ends_with('.'), "{name}: {}", metric.help);
            for suffix in ["_bucket", "_sum", "_count"] {
                assert!(!name.ends_with(suffix), "{name}");
            }
        }
    }

    #[test]
    fn buckets_rise_and_labels_are_few() {
        for metric in ALL {
            if let Kind::Histogram(bounds) = metric.kind {
                assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{}", metric.name);
                assert!(metric.name.ends_with("_seconds"), "{}", metric.name);
            }
            assert!(
                (1..=80).contains(&metric.series().len()),
                "{}: {} series",
                metric.name,
                metric.series().len()
            );
        }
    }

    #[test]
    fn an_unlisted_value_is_counted_as_other() {
        let key = DECISIONS.key(&["ssh", "alice", "x\"y"]);
        let values: Vec<_> = key.labels().map(|label| label.value().to_owned()).collect();
        assert_eq!(values, ["ssh", "other", "other"]);
    }

    #[test]
    fn only_denials_have_a_reason() {
        let series = DECISIONS.series();
        assert!(series.contains(&vec!["ssh", "allow", "none"]));
        assert!(series.contains(&vec!["ssh", "deny", "unknown_source"]));
        assert!(!series.contains(&vec!["ssh", "deny", "none"]));
    }
}
