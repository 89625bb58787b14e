//! Byte ranges (RFC 9110 section 14): one range of a file whose length is known.

use axum::http::{HeaderMap, header};

/// What of a file is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// From this byte to that one, both included.
    Part(u64, u64),
    /// Nothing that there is.
    Nothing,
}

/// Reads `Range` and `If-Range`. What is not understood, and several ranges at once, mean the whole: that is allowed.
pub(super) fn wanted(headers: &HeaderMap, length: u64, tag: Option<&str>) -> Wanted {
    let Some(text) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Wanted::Whole;
    };
    if let Some(condition) = headers.get(header::IF_RANGE) {
        // Only a strong tag says that it is the same to the byte.
        let same = tag.is_some_and(|tag| condition.as_bytes() == format!("\"{tag}\"").as_bytes());
        if !same {
            return Wanted::Whole;
        }
    }
    let number = |word: &str| {
        let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| word.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = text
        .trim()
        .split_once('=')
        .filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"))
        .and_then(|(_, range)| range.trim().split_once('-'));
    let Some((first, last)) = range else {
        return Wanted::Whole;
    };
    match (first.trim_end(), last.trim_start()) {
        ("", suffix) => match number(suffix) {
            None => Wanted::Whole,
            Some(0) => Wanted::Nothing,
            Some(_) if length == 0 => Wanted::Nothing,
            Some(count) => Wanted::Part(length.saturating_sub(count), length - 1),
        },
        (first, last) => {
            let end = if last.is_empty() {
                Some(u64::MAX)
            } else {
                number(last)
            };
            match (number(first), end) {
                (Some(first), Some(end)) if first > end => Wanted::Whole,
                (Some(first), Some(_)) if first >= length => Wanted::Nothing,
                (Some(first), Some(end)) => Wanted::Part(first, end.min(length - 1)),
                _ => Wanted::Whole,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(range: &str, length: u64) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        wanted(&headers, length, None)
    }

    #[test]
    fn single_ranges_are_cut_to_what_there_is() {
        assert_eq!(wanted(&HeaderMap::new(), 10, None), Wanted::Whole);
        assert_eq!(of("bytes=0-3", 10), Wanted::Part(0, 3));
        assert_eq!(of("Bytes = 2-", 10), Wanted::Part(2, 9));
        assert_eq!(of("bytes=-3", 10), Wanted::Part(7, 9));
        assert_eq!(of("bytes=-30", 10), Wanted::Part(0, 9));
        assert_eq!(of("bytes=5-99999999999999999999999", 10), Wanted::Part(5, 9));
        for beyond in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(of(beyond, 10), Wanted::Nothing, "{beyond}");
        }
        assert_eq!(of("bytes=0-", 0), Wanted::Nothing);
        assert_eq!(of("bytes=-1", 0), Wanted::Nothing);
    }

    #[test]
    fn what_is_not_understood_means_the_whole() {
        for odd in [
            "bytes=3-1",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes",
            "bytes=-",
        ] {
            assert_eq!(of(odd, 10), Wanted::Whole, "{odd}");
        }
    }

    #[test]
    fn a_part_of_another_file_is_not_given() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-3"));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"one\""));
        assert_eq!(wanted(&headers, 10, Some("one")), Wanted::Part(0, 3));
        assert_eq!(wanted(&headers, 10, Some("two")), Wanted::Whole);
        assert_eq!(wanted(&headers, 10, None), Wanted::Whole);
    }
}
