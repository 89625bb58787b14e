use std::time::{Duration, Instant};

use gatehouse_model::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Action, Actor, Draft, Outcome};

fn book(lines: u64) -> Vec<Event> {
    let mut head = Head::EMPTY;
    (0..lines)
        .map(|n| {
            let time = Timestamp::from_second(1_770_000_000 + i64::try_from(n).unwrap()).unwrap();
            let event = Draft::new(Action::SessionDenied, &Actor::system(), time)
                .source(format!("10.0.{}.{}", n / 250, n % 250))
                .user("p.mojski")
                .outcome(Outcome::Denied)
                .reason("outside_schedule")
                .detail("count", n)
                .chain(head);
            head = Head::of(&event);
            event
        })
        .collect()
}

fn verify(book: &[Event], kept: &[Head]) -> Verdict {
    let mut verifier = ChainVerifier::new(kept.to_vec());
    for event in book {
        verifier.push(event);
    }
    verifier.finish()
}

#[test]
fn a_sound_book_agrees_with_its_heads() {
    let book = book(50);
    let heads = [Head::of(&book[9]), Head::of(&book[49]), Head::EMPTY];
    let verdict = verify(&book, &heads);
    assert_eq!(
        verdict,
        Verdict {
            lines: 50,
            head: Head::of(&book[49]),
            fault: None
        }
    );
    assert_eq!(verify(&[], &[]).fault, None);
}

#[test]
fn the_lines_after_a_known_one_are_checked_alone() {
    let mut book = book(50);
    let known = Head::of(&book[29]);
    // Before the known line nothing is looked for.
    book[3].actor = "somebody else".to_owned();
    let after = |book: &[Event], kept: &[Head]| {
        let mut verifier = ChainVerifier::after(known, kept.to_vec());
        book[30..].iter().for_each(|event| verifier.push(event));
        verifier.finish()
    };
    let last = Head::of(&book[49]);
    let verdict = after(&book, &[Head::of(&book[4]), last]);
    assert_eq!((verdict.lines, verdict.head, verdict.fault), (20, last, None));
    let cut = after(&book[..40], &[last]).fault;
    assert_eq!(
        cut,
        Some(Fault::CutOff {
            last: 40,
            reached: 50
        })
    );
    book[40].actor = "somebody else".to_owned();
    assert_eq!(after(&book, &[]).fault, Some(Fault::Changed { seq: 41 }));
    book.remove(30);
    assert_eq!(after(&book, &[]).fault, Some(Fault::Missing { seq: 31 }));
}

#[test]
fn a_cut_off_book_is_found_with_a_kept_head_only() {
    let book = book(50);
    assert_eq!(verify(&book[..40], &[]).fault, None);
    let found = verify(&book[..40], &[Head::of(&book[49])]).fault;
    assert_eq!(
        found,
        Some(Fault::CutOff {
            last: 40,
            reached: 50
        })
    );
    assert_eq!(found.unwrap().seq(), 41);
}

#[test]
fn a_book_written_anew_is_found_with_a_kept_head() {
    let kept = Head::of(&book(50)[29]);
    let mut head = Head::EMPTY;
    let forged: Vec<Event> = (0..60)
        .map(|_| {
            let event = Draft::new(Action::UserAdded, &Actor::system(), Timestamp::UNIX_EPOCH).chain(head);
            head = Head::of(&event);
            event
        })
        .collect();
    assert_eq!(verify(&forged, &[kept]).fault, Some(Fault::Rewritten { seq: 30 }));
}

#[test]
fn lines_with_swapped_places_or_swapped_contents_are_reordered() {
    let mut places = book(20);
    places.swap(6, 11);
    assert_eq!(verify(&places, &[]).fault, Some(Fault::Reordered { seq: 7 }));
    let mut contents = book(20);
    contents.swap(6, 7);
    (contents[6].seq, contents[7].seq) = (7, 8);
    // Each still carries the hash of its old place.
    assert!(matches!(
        verify(&contents, &[]).fault,
        Some(Fault::Changed { seq: 7 } | Fault::Reordered { seq: 7 })
    ));
    let mut twice = book(20);
    twice.insert(5, twice[3].clone());
    assert_eq!(verify(&twice, &[]).fault, Some(Fault::Reordered { seq: 4 }));
}

#[test]
fn heads_are_text() {
    let head = Head::of(&book(3)[2]);
    assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
    assert!(head.to_string().starts_with("3:"));
    for bad in ["", "3", "3:", "x:00", "+3:00", &format!("3:{}0", head.hash)] {
        assert!(bad.parse::<Head>().is_err(), "{bad:?}");
    }
}

#[test]
fn an_event_survives_its_json() {
    let event = Draft::new(
        Action::SessionOpened,
        &Actor::cli("root", "jump"),
        Timestamp::from_second(7).unwrap(),
    )
    .detail("z", json!({"b": 1, "a": [1.5, "ü\0\u{1b}", null, true]}))
    .detail("a", u64::MAX)
    .chain(Head::EMPTY);
    let text = serde_json::to_string(&event).unwrap();
    let back: Event = serde_json::from_str(&text).unwrap();
    assert_eq!(back, event);
    assert_eq!(back.hash_after(Hash::ZERO), event.hash);
    assert!(!text.contains("\\u0000"), "{text}");
}

#[test]
fn the_canonical_form_is_the_documented_one() {
    let event = Draft::new(
        Action::UserAdded,
        &Actor::cli("root", "jump"),
        Timestamp::from_second(7).unwrap(),
    )
    .user("ana")
    .detail("role", "admin")
    .detail("email", "a@example.com")
    .chain(Head::EMPTY);
    let canonical = r#"{"seq":1,"time":"1970-01-01T00:00:07Z","action":"user.added","actor":"cli:root@jump","source":null,"user":"ana","server":null,"session":null,"outcome":"ok","reason":null,"detail":{"email":"a@example.com","role":"admin"}}"#;
    let mut hasher = <sha2::Sha256 as sha2::Digest>::new();
    sha2::Digest::update(&mut hasher, [0u8; 32]);
    sha2::Digest::update(&mut hasher, canonical.as_bytes());
    assert_eq!(event.hash.0[..], sha2::Digest::finalize(hasher)[..]);
}

#[test]
fn long_text_is_cut_at_a_character() {
    let event = Draft::new(Action::UserAdded, &Actor::system(), Timestamp::UNIX_EPOCH)
        .reason("ü".repeat(5_000))
        .chain(Head::EMPTY);
    let reason = event.reason.unwrap();
    assert!(reason.len() <= 1_024 && reason.ends_with('…'), "{}", reason.len());
}

/// The promise is a million lines in ten seconds, by an optimised build; this one is not, and checks a tenth.
#[test]
fn a_hundred_thousand_lines_take_under_ten_seconds() {
    let book = book(100_000);
    let begun = Instant::now();
    assert_eq!(verify(&book, &[]).fault, None);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

proptest! {
    /// Whatever is done to one line shows at that line, as what it is.
    #[test]
    fn any_change_to_a_line_is_found_there(at in 0usize..30, what in 0u8..9) {
        let mut book = book(30);
        let line = &mut book[at];
        match what {
            0 => line.reason = None,
            1 => line.user = Some("p.mojskI".to_owned()),
            2 => line.outcome = Outcome::Ok,
            3 => line.time = Timestamp::UNIX_EPOCH,
            4 => { line.detail.insert("x".to_owned(), json!(1)); }
            5 => line.hash.0[31] ^= 1,
            6 => line.actor.push(' '),
            7 => line.session = Some(String::new()),
            _ => line.action = "session.opened".to_owned(),
        }
        let seq = u64::try_from(at).unwrap() + 1;
        prop_assert_eq!(verify(&book, &[]).fault, Some(Fault::Changed { seq }));
    }

    #[test]
    fn any_missing_line_is_found(at in 0usize..29) {
        let mut book = book(30);
        let kept = Head::of(&book[29]);
        book.remove(at);
        let seq = u64::try_from(at).unwrap() + 1;
        prop_assert_eq!(verify(&book, &[kept]).fault, Some(Fault::Missing { seq }));
    }

    #[test]
    fn any_two_lines_in_each_others_place_are_found(a in 0usize..30, b in 0usize..30) {
        prop_assume!(a != b);
        let mut book = book(30);
        book.swap(a, b);
        let seq = u64::try_from(a.min(b)).unwrap() + 1;
        prop_assert_eq!(verify(&book, &[]).fault, Some(Fault::Reordered { seq }));
    }
}
