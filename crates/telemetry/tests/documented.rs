//! The reference and the files in `packaging/` say what the table says.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gatehouse_telemetry::{ALL, Kind, words};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The cells of every row of a table that begins with such a cell.
fn rows(text: &str, first: &str) -> Vec<Vec<String>> {
    let rows = text
        .lines()
        .filter(|line| line.starts_with(&format!("| {first}")));
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    };
    rows.map(cells).collect()
}

#[test]
fn the_reference_lists_every_metric_as_it_is() {
    let documented: BTreeMap<_, _> = rows(&read("docs/reference/metrics.md"), "`gatehouse_")
        .into_iter()
        .map(|cells| (cells[0].clone(), cells[1..].join(" | ")))
        .collect();
    let table: BTreeMap<_, _> = ALL
        .iter()
        .map(|metric| {
            let labels: Vec<_> = metric.labels.iter().map(|label| label.name).collect();
            let row = format!(
                "{} | {} | {}",
                metric.kind.as_str(),
                labels.join(", "),
                metric.help
            );
            (metric.name.to_owned(), row)
        })
        .collect();
    assert_eq!(documented, table);
}

#[test]
fn the_reference_lists_every_value_of_every_label() {
    let text = read("docs/reference/metrics.md");
    let (_, values) = text.split_once("## Values of labels").unwrap();
    let listed: Vec<_> = rows(values, "`");
    for metric in ALL {
        for label in metric
            .labels
            .iter()
            .filter(|label| label.values != [words::VERSION])
        {
            let row = listed.iter().find(|cells| {
                cells[0] == label.name
                    && (cells[1].starts_with("every") || cells[1].split(", ").any(|name| name == metric.name))
            });
            let row = row.map(|cells| cells[2].clone()).unwrap_or_default();
            assert_eq!(row, label.values.join(", "), "{} of {}", label.name, metric.name);
        }
    }
}

#[test]
fn rules_and_dashboard_name_metrics_that_there_are() {
    for file in [
        "packaging/prometheus/gatehouse.rules.yml",
        "packaging/grafana/gatehouse.json",
        "docs/reference/metrics.md",
        "docs/guide/operations.md",
    ] {
        let text = read(file);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let named: Vec<_> = words.filter(|word| word.starts_with("gatehouse_")).collect();
        for name in named.into_iter().filter(|name| !is_crate(name)) {
            let known = ALL.iter().any(|metric| match metric.kind {
                Kind::Histogram(_) => ["", "_bucket", "_sum", "_count"]
                    .iter()
                    .any(|suffix| name == format!("{}{suffix}", metric.name)),
                _ => name == metric.name,
            });
            assert!(known, "{file} names {name}");
        }
    }
}

/// `gatehouse_ssh` and the like are targets of log lines.
fn is_crate(name: &str) -> bool {
    let folder = name.trim_start_matches("gatehouse_");
    root().join("crates").join(folder).is_dir()
}

#[test]
fn values_of_labels_in_rules_and_dashboard_are_those_that_there_are() {
    for file in [
        "packaging/prometheus/gatehouse.rules.yml",
        "packaging/grafana/gatehouse.json",
    ] {
        let text = read(file).replace("\\\"", "\"");
        for metric in ALL {
            for (_, rest) in text
                .match_indices(metric.name)
                .map(|(at, name)| text.split_at(at + name.len()))
            {
                let Some(selector) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
                    continue;
                };
                for pair in selector.0.split(',') {
                    let (label, value) = pair.split_once('=').unwrap();
                    let known = metric.labels.iter().find(|known| known.name == label).unwrap();
                    assert!(known.values.contains(&value.trim_matches('"')), "{file}: {pair}");
                }
            }
        }
    }
}
