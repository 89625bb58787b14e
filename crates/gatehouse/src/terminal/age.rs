//! Instants as people speak of them, relative to now.

use gatehouse_model::{SpanSeconds, Timestamp};

/// `3m ago`, `2d ago`, `just now`; `in 2h` for what is still to come.
pub(crate) fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    let span = coarse(seconds.unsigned_abs());
    match seconds {
        -4..=4 => "just now".to_owned(),
        5.. => format!("{span} ago"),
        _ => format!("in {span}"),
    }
}

/// `in 2h` or `never`, for ends.
pub(crate) fn end(now: Timestamp, end: Option<Timestamp>) -> String {
    end.map_or_else(|| "never".to_owned(), |end| age(now, end))
}

/// A length in seconds, in its largest unit or two: `42s`, `5m`, `2h10m`, `3d`.
pub(crate) fn length(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturation is meant"
    )]
    let whole = seconds.max(0.0) as u64;
    coarse(whole)
}

fn coarse(seconds: u64) -> String {
    let unit = match seconds {
        0 => return "0s".to_owned(),
        1..60 => 1,
        60..3_600 => 60,
        3_600..36_000 => 600,
        36_000..86_400 => 3_600,
        86_400..864_000 => 86_400 / 4,
        _ => 86_400,
    };
    SpanSeconds::new(seconds / unit * unit).map_or_else(|| format!("{seconds}s"), |span| span.to_string())
}

/// A number of bytes: `512 B`, `5.3 KiB`, `1.2 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut value = count as f64 / 1024.0;
    for unit in UNITS {
        if value < 1000.0 || unit == "PiB" {
            return format!("{value:.1} {unit}");
        }
        value /= 1024.0;
    }
    format!("{count} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let at = |seconds: i64| Timestamp::from_second(1_000_000_000 - seconds).unwrap();
        for (seconds, want) in [
            (0, "just now"),
            (42, "42s ago"),
            (150, "2m ago"),
            (7_900, "2h10m ago"),
            (90_000, "1d ago"),
            (200_000, "2d6h ago"),
            (30 * 86_400 + 5, "1M ago"),
            (-3_700, "in 1h"),
        ] {
            assert_eq!(age(now, at(seconds)), want);
        }
        assert_eq!(end(now, None), "never");
        assert_eq!(length(0.4), "0s");
        assert_eq!(length(65.0), "1m");
    }

    #[test]
    fn bytes_are_rounded() {
        for (count, want) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (5_402, "5.3 KiB"),
            (1 << 30, "1.0 GiB"),
        ] {
            assert_eq!(bytes(count), want);
        }
    }
}
