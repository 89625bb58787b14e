//! Asking a node by HTTP, and reading Prometheus' text format 0.0.4, strictly.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::wait::LIMIT;

/// An answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

/// Sends a request of one line and reads the answer to its end.
#[track_caller]
pub fn ask(addr: SocketAddr, method: &str, path: &str) -> Answer {
    let mut stream = TcpStream::connect(addr).expect("the node listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a deadline");
    let request = format!("{method} {path} HTTP/1.1\r\nHost: node\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("the request is taken");
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .expect("an answer within the deadline");
    let text = String::from_utf8(bytes).expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Answer {
        status: status.unwrap_or_else(|| panic!("no status: {head}")),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// The labels of a series, in the order of their names.
type Labels = BTreeMap<String, String>;

/// One metric as it is served.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    /// Of each series; those of histograms with their suffix and, of buckets, the bound.
    samples: BTreeMap<(String, Labels), f64>,
}

/// What a node served at one moment.
#[derive(Debug)]
pub struct Scrape {
    families: BTreeMap<String, Family>,
    /// The text itself.
    pub text: String,
}

impl Scrape {
    /// Asks a node, and reads what it serves.
    #[track_caller]
    pub fn of(addr: SocketAddr) -> Self {
        let answer = ask(addr, "GET", "/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(
            answer.head.contains("content-type: text/plain; version=0.0.4"),
            "{}",
            answer.head
        );
        Self::read(&answer.body).unwrap_or_else(|wrong| panic!("{wrong}\n{}", answer.body))
    }

    /// Reads the format.
    ///
    /// # Errors
    /// The line that is wrong, and how.
    pub fn read(text: &str) -> Result<Self, String> {
        if !text.ends_with('\n') {
            return Err("the last line does not end".to_owned());
        }
        let mut families = BTreeMap::<String, Family>::new();
        let (mut helped, mut current) = (BTreeSet::new(), None);
        for line in text.lines().filter(|line| !line.is_empty()) {
            let wrong = |how: &str| format!("{how}: {line}");
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').ok_or_else(|| wrong("no help"))?;
                if help.is_empty() || !helped.insert(name.to_owned()) {
                    return Err(wrong("empty or second help"));
                }
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or_else(|| wrong("no type"))?;
                let known = ["counter", "gauge", "histogram"].contains(&kind);
                if !known || !is_name(name) || !helped.contains(name) {
                    return Err(wrong("an unknown type, a bad name or no help"));
                }
                let family = Family {
                    kind: kind.to_owned(),
                    ..Family::default()
                };
                if families.insert(name.to_owned(), family).is_some() {
                    return Err(wrong("a second type, or series that do not stand together"));
                }
                current = Some(name.to_owned());
            } else if line.starts_with('#') {
                return Err(wrong("an unknown comment"));
            } else {
                let (name, labels, value) = sample(line).ok_or_else(|| wrong("no sample"))?;
                let of = current.as_deref().ok_or_else(|| wrong("no type before"))?;
                let family = families.get_mut(of).ok_or_else(|| wrong("no type before"))?;
                let suffix = name.strip_prefix(of).ok_or_else(|| wrong("not of this type"))?;
                let right = match family.kind.as_str() {
                    "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
                    _ => suffix.is_empty(),
                };
                if !right || labels.contains_key("le") != (suffix == "_bucket") {
                    return Err(wrong("not of this type"));
                }
                if family.kind == "counter" && (value < 0.0 || value.fract() != 0.0) {
                    return Err(wrong("no count"));
                }
                if family
                    .samples
                    .insert((suffix.to_owned(), labels), value)
                    .is_some()
                {
                    return Err(wrong("a second value of one series"));
                }
            }
        }
        for (name, family) in &families {
            if family.samples.is_empty() {
                return Err(format!("no series of {name}"));
            }
            if family.kind == "histogram" {
                whole_histogram(name, family)?;
            }
        }
        Ok(Self {
            families,
            text: text.to_owned(),
        })
    }

    /// The value of a series; of histograms by the name with `_count` or `_sum`.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels)
            .unwrap_or_else(|| panic!("no series {name} {labels:?} in\n{}", self.text))
    }

    fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels: Labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        if let Some(family) = self.families.get(name) {
            return family.samples.get(&(String::new(), labels)).copied();
        }
        let (base, suffix) = name.rsplit_once('_')?;
        let family = self.families.get(base)?;
        family.samples.get(&(format!("_{suffix}"), labels)).copied()
    }

    /// Each metric: its name, its kind, and the names of its labels.
    pub fn metrics(&self) -> BTreeMap<String, (String, BTreeSet<String>)> {
        let each = self.families.iter().map(|(name, family)| {
            let labels = family.samples.keys().flat_map(|(_, labels)| labels.keys());
            let labels = labels.filter(|label| *label != "le").cloned().collect();
            (name.clone(), (family.kind.clone(), labels))
        });
        each.collect()
    }

    /// Every value that a label has in any series.
    pub fn values_of(&self, name: &str, label: &str) -> BTreeSet<String> {
        let family = self.families.get(name);
        let labels = family.into_iter().flat_map(|family| family.samples.keys());
        labels
            .filter_map(|(_, labels)| labels.get(label).cloned())
            .collect()
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    let first = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `name{label="value",…} number`.
fn sample(line: &str) -> Option<(&str, Labels, f64)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            if !is_name(label) || labels.insert(label.to_owned(), value).is_some() {
                return None;
            }
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => {
                    rest = after.strip_prefix('}')?;
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ')?.parse().ok()?;
    is_name(name).then_some((name, labels, value))
}

/// A label's value up to its closing quote, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                other @ ('"' | '\\') => other,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
    None
}

/// Buckets that rise to `+Inf`, which is the count; and a sum.
fn whole_histogram(name: &str, family: &Family) -> Result<(), String> {
    let mut series = BTreeMap::<Labels, Vec<(f64, f64)>>::new();
    for ((suffix, labels), value) in &family.samples {
        let mut labels = labels.clone();
        let bound = labels.remove("le");
        let buckets = series.entry(labels).or_default();
        if let ("_bucket", Some(bound)) = (suffix.as_str(), bound) {
            let bound = bound
                .parse()
                .map_err(|_| format!("{name} has a bucket {bound:?}"))?;
            buckets.push((bound, *value));
        }
    }
    for (labels, mut buckets) in series {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rising = buckets.is_sorted_by(|a, b| a.1 <= b.1);
        let count = family.samples.get(&("_count".to_owned(), labels.clone()));
        let sum = family.samples.get(&("_sum".to_owned(), labels.clone()));
        let last = buckets.last();
        let whole = last.is_some_and(|(bound, value)| bound.is_infinite() && Some(value) == count);
        if !(rising && whole && sum.is_some()) {
            return Err(format!("{name} {labels:?} is no whole histogram"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "# HELP a_total Of a.\n# TYPE a_total counter\na_total{x=\"1\\\"\"} 3\n\n";

    #[test]
    fn the_format_is_read_strictly() {
        let read = Scrape::read(RIGHT).unwrap();
        assert!((read.value("a_total", &[("x", "1\"")]) - 3.0).abs() < f64::EPSILON);
        for (right, wrong) in [
            (" 3\n", " three\n"),
            (" 3\n", " -3\n"),
            ("# HELP a_total Of a.\n", ""),
            ("counter", "number"),
            ("a_total{", "b_total{"),
            ("\"} 3", "} 3"),
            ("\"} 3\n", "\"} 3\na_total{x=\"1\\\"\"} 3\n"),
        ] {
            let text = RIGHT.replacen(right, wrong, 1);
            assert!(Scrape::read(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_histogram_is_whole_or_wrong() {
        let right = "# HELP h Of h.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n";
        Scrape::read(right).unwrap();
        for (right_part, wrong) in [("h_count 2", "h_count 3"), ("h_sum 3\n", ""), ("} 1", "} 5")] {
            let text = right.replacen(right_part, wrong, 1);
            assert!(Scrape::read(&text).is_err(), "{text}");
        }
    }
}
