//! A wrong command line, told in one sentence.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::Failure;

/// Turns the parser's page into a sentence: what is wrong, what would be right, where to read on.
pub(super) fn failure(error: &clap::Error) -> Failure {
    if error.kind() == ErrorKind::ValueValidation
        && let Some(source) = error.source()
    {
        return Failure::Usage(source.to_string());
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::Usage(format!(
            "a verb is missing; choose one of {}",
            verbs(error).join(", ")
        ));
    }
    let mut sentence = first_paragraph(error);
    let meant = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ];
    let meant: Vec<String> = meant.into_iter().flat_map(|kind| words(error, kind)).collect();
    let choices = words(error, ContextKind::ValidValue);
    if !meant.is_empty() {
        sentence.push_str(&format!("; did you mean {}?", meant.join(" or ")));
    } else if !choices.is_empty() {
        sentence.push_str(&format!("; choose one of {}", choices.join(", ")));
    } else if let Some(usage) = usage(error) {
        sentence.push_str(&format!("; usage: {usage}"));
    }
    Failure::Usage(sentence)
}

/// The parser's own words, without its tips and its usage.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    let lines = lines
        .map(str::trim)
        .filter(|line| !line.starts_with("[possible values"));
    let joined = lines.collect::<Vec<_>>().join(" ");
    joined.strip_prefix("error: ").unwrap_or(&joined).to_owned()
}

/// The verbs that the parser's page lists.
fn verbs(error: &clap::Error) -> Vec<String> {
    let text = error.render().to_string();
    let listed = text
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names = listed
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn words(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => vec![word.clone()],
        Some(ContextValue::Strings(words)) => words.clone(),
        _ => Vec::new(),
    }
}

fn usage(error: &clap::Error) -> Option<String> {
    let text = error.render().to_string();
    let (_, usage) = text.split_once("Usage: ")?;
    Some(
        usage
            .lines()
            .take_while(|line| !line.trim().is_empty())
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" "),
    )
}
