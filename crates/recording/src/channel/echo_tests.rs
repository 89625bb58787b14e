//! The rule of `record_input`, case by case.

use proptest::prelude::*;

use super::*;

/// Typed and shown, each so many milliseconds after the one before.
#[derive(Clone, Debug)]
enum Step<'a> {
    Type(u64, &'a str),
    Show(u64, &'a str),
    Wait(u64),
}
use Step::{Show, Type, Wait};

fn kept_by(mut rule: EchoRule, steps: &[Step<'_>]) -> String {
    let (mut now, mut out) = (0, Vec::new());
    for step in steps {
        let (Type(pause, _) | Show(pause, _) | Wait(pause)) = step;
        let until = now + pause * 1000;
        while let Some(due) = rule.next_deadline().filter(|due| due.micros() <= until) {
            rule.settle(due, &mut out);
            assert!(
                rule.next_deadline().is_none_or(|next| next > due),
                "a deadline that decides nothing"
            );
        }
        now = until;
        match step {
            Type(_, text) => rule.typed(Offset::from_micros(now), text.as_bytes(), &mut out),
            Show(_, text) => rule.shown(Offset::from_micros(now), text, &mut out),
            Wait(_) => {}
        }
    }
    rule.finish(Offset::from_micros(now), &mut out);
    let mut text = String::new();
    for kept in out {
        match kept {
            Kept::Bytes(bytes) => text.push_str(&String::from_utf8(bytes).unwrap().replace('\x1b', "^")),
            Kept::Length(length) => text.push_str(&format!("<{length}>")),
        }
    }
    text
}

fn kept(steps: &[Step<'_>]) -> String {
    kept_by(EchoRule::new(InputMode::Echoed, Keys::Kept), steps)
}

fn piped(steps: &[Step<'_>]) -> String {
    kept_by(EchoRule::new(InputMode::Echoed, Keys::None), steps)
}

#[test]
fn a_command_at_a_prompt_is_kept() {
    let steps = [
        Show(0, "\x1b]0;web01\x07\x1b[32mroot@web01\x1b[0m:~# "),
        Type(500, "l"),
        Show(20, "l"),
        Type(3000, "s"),
        Show(20, "s"),
        Type(100, "\r"),
        Show(20, "\r\nfile\r\n# "),
    ];
    assert_eq!(kept(&steps), "ls\r");
}

#[test]
fn a_password_that_is_not_shown_is_not_kept() {
    let prompt = "\r\n[sudo] password for p: ";
    let ways: [&[Step<'_>]; 5] = [
        // Letter by letter, quickly and slowly.
        &[
            Type(9, "h"),
            Type(90, "u"),
            Type(90, "n"),
            Type(90, "t"),
            Type(90, "\r"),
        ],
        &[
            Type(9, "h"),
            Type(1900, "u"),
            Type(1900, "n"),
            Type(1900, "t"),
            Type(1900, "\r"),
        ],
        // Pasted.
        &[Type(9, "hunt\r")],
        // With a correction.
        &[Type(9, "hux"), Type(90, "\x7f"), Type(90, "nt"), Type(50, "\r")],
        // While a job of the background prints letters of it.
        &[
            Type(9, "h"),
            Show(5, "hello"),
            Type(1500, "u"),
            Show(9, "u\r\n"),
            Type(90, "nt"),
            Type(90, "\r"),
        ],
    ];
    for way in ways {
        let mut steps = vec![
            Type(0, "sudo id"),
            Show(9, "sudo id"),
            Type(9, "\r"),
            Show(9, prompt),
        ];
        steps.extend_from_slice(way);
        steps.extend([
            Show(30, "\r\nuid=0(root) hunger\r\n# "),
            Type(900, "id"),
            Show(9, "id"),
            Type(9, "\r"),
        ]);
        let kept = kept(&steps);
        let (start, end) = (kept.strip_prefix("sudo id\r").unwrap(), "id\r");
        let middle = start.strip_suffix(end).unwrap_or_else(|| panic!("{kept}"));
        assert!(!middle.chars().any(|c| "hunt".contains(c)), "{kept}");
    }
}

#[test]
fn stars_are_no_echo() {
    assert_eq!(
        kept(&[Type(0, "abc"), Show(9, "***"), Type(9, "\r"), Show(9, "\r\n")]),
        "<3>\r"
    );
}

#[test]
fn an_echo_that_comes_late_or_never_is_none() {
    assert_eq!(kept(&[Type(0, "ab"), Show(1000, "ab"), Type(0, "\r")]), "<2>\r");
    assert_eq!(kept(&[Type(0, "ab"), Show(999, "ab"), Type(0, "\r")]), "ab\r");
    assert_eq!(kept(&[Type(0, "ab"), Type(0, "\r")]), "<2>\r");
    assert_eq!(kept(&[Type(0, "ab"), Show(9, "a")]), "<2>", "whole or not at all");
}

#[test]
fn editing_a_line_keeps_what_was_typed() {
    // zsh draws the letter before again; readline inserts in the middle; Tab completes; the arrow recalls.
    assert_eq!(
        kept(&[
            Type(0, "l"),
            Show(9, "l"),
            Type(9, "s"),
            Show(9, "\x08\x1b[32mls\x1b[0m"),
            Type(9, "\r")
        ]),
        "ls\r"
    );
    assert_eq!(
        kept(&[
            Show(0, "$ "),
            Type(0, "ac"),
            Show(9, "ac"),
            Type(9, "\x1b[D"),
            Show(9, "\x08"),
            Type(9, "b"),
            Show(9, "bc\x08"),
            Type(9, "\r")
        ]),
        "ac^[Db\r"
    );
    assert_eq!(
        kept(&[
            Type(0, "cd /ho"),
            Show(9, "cd /ho"),
            Type(9, "\t"),
            Show(9, "me/"),
            Type(9, "p"),
            Show(9, "p"),
            Type(9, "\r")
        ]),
        "cd /ho\tp\r"
    );
    assert_eq!(
        kept(&[
            Type(0, "lss"),
            Show(9, "lss"),
            Type(9, "\x7f"),
            Show(9, "\x08 \x08"),
            Type(9, " -a"),
            Show(9, " -a"),
            Type(9, "\r")
        ]),
        "lss\x7f -a\r"
    );
    assert_eq!(
        kept(&[Type(0, "\x1b[A"), Show(9, "make test"), Type(9, "\r")]),
        "^[A\r"
    );
}

#[test]
fn pasted_and_typed_ahead_lines_are_found_as_a_whole() {
    let steps = [
        Show(0, "$ "),
        Type(9, "ls\rpwd\r"),
        Show(9, "ls\r\n"),
        Show(9, "file pw\r\n$ "),
        Show(9, "pwd\r\n/root\r\n$ "),
    ];
    assert_eq!(kept(&steps), "ls\rpwd\r");
    let pasted = [
        Type(0, "\x1b[200~uname -a\x1b[201~"),
        Show(9, "\x1b[7muname -a\x1b[27m"),
        Type(900, "\r"),
    ];
    assert_eq!(kept(&pasted), "^[200~uname -a^[201~\r");
}

#[test]
fn accents_split_over_packets_are_letters() {
    let mut rule = EchoRule::new(InputMode::Echoed, Keys::Kept);
    let mut out = Vec::new();
    rule.typed(Offset::from_micros(1), b"\xc5", &mut out);
    rule.typed(Offset::from_micros(2), b"\xbc", &mut out);
    rule.shown(Offset::from_micros(3), "ż", &mut out);
    rule.typed(Offset::from_micros(4), b"\r", &mut out);
    assert_eq!(out, [Kept::Bytes("ż\r".as_bytes().to_vec())]);
}

#[test]
fn without_a_terminal_only_repeated_lines_are_kept() {
    assert_eq!(
        piped(&[Type(0, "hello\nthere\n"), Show(9, "hello\nthere\n")]),
        "hello\nthere\n"
    );
    assert_eq!(
        piped(&[Type(0, "hunter2\nid\n"), Show(9, "uid=0(root)\n"), Wait(2000)]),
        "<11>"
    );
    assert_eq!(piped(&[Type(0, "\x01\x1b[A\x7f"), Wait(2000)]), "<5>");
}

#[test]
fn a_flood_is_kept_by_length_and_typing_goes_on_after_it() {
    let flood = "x".repeat(5000);
    let steps = [
        Type(0, &flood),
        Type(500, "tail\r"),
        Wait(2000),
        Type(0, "\r"),
        Type(0, "ls"),
        Show(9, "ls"),
        Type(0, "\r"),
    ];
    assert_eq!(kept(&steps), "<5005>\rls\r");
}

#[test]
fn the_other_modes_do_as_they_say() {
    let steps = [Type(0, "secret\r"), Show(9, "secret")];
    assert_eq!(
        kept_by(EchoRule::new(InputMode::All, Keys::Kept), &steps),
        "secret\r"
    );
    assert_eq!(kept_by(EchoRule::new(InputMode::None, Keys::Kept), &steps), "<7>");
}

proptest! {
    /// No byte is forgotten or invented, and nothing waits longer than it may.
    #[test]
    fn lengths_add_up(
        steps in prop::collection::vec((0u64..1500, any::<bool>(), prop::collection::vec(any::<u8>(), 0..12)), 0..60),
        terminal in any::<bool>(),
    ) {
        let keys = if terminal { Keys::Kept } else { Keys::None };
        let mut rule = EchoRule::new(InputMode::Echoed, keys);
        let (mut now, mut typed, mut out) = (0, 0, Vec::new());
        for (pause, is_typed, bytes) in &steps {
            now += pause * 1000;
            let at = Offset::from_micros(now);
            if *is_typed {
                typed += bytes.len() as u64;
                rule.typed(at, bytes, &mut out);
            } else {
                rule.shown(at, &String::from_utf8_lossy(bytes), &mut out);
            }
            if let Some(due) = rule.next_deadline() {
                prop_assert!(due > at && due <= at.plus(ECHO_WITHIN));
            }
        }
        rule.finish(Offset::from_micros(now), &mut out);
        let sum: u64 = out.iter().map(|kept| match kept {
            Kept::Bytes(bytes) => bytes.len() as u64,
            Kept::Length(length) => *length,
        }).sum();
        prop_assert_eq!(sum, typed);
    }

    /// What is never shown is never kept, however it is typed and whatever else is shown.
    #[test]
    fn a_hidden_password_never_appears(
        password in "[a-z]{6,10}",
        pauses in prop::collection::vec(0u64..1200, 10),
        noise in prop::collection::vec("[A-Z ]{0,5}|[A-Z]{1,4}\r\n", 10),
    ) {
        let letters: Vec<String> = password.chars().map(String::from).collect();
        let mut steps = vec![Show(0, "Password: ")];
        for ((letter, pause), noise) in letters.iter().zip(&pauses).zip(&noise) {
            steps.push(Type(*pause, letter));
            steps.push(Show(1, noise));
        }
        steps.extend([Type(5, "\r"), Show(5, "\r\nWELCOME\r\n"), Wait(3000)]);
        let kept = kept(&steps);
        prop_assert!(!kept.chars().any(|c| c.is_ascii_lowercase()), "{}", kept);
    }
}
