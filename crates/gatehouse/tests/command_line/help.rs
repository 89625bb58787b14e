//! Every verb and every option explains itself.

use clap::Command;

/// Every verb with its words.
pub(crate) fn verbs() -> Vec<(String, Command)> {
    let mut root = gatehouse::command();
    root.build();
    let mut found = Vec::new();
    collect("", &root, &mut found);
    found
}

fn collect(above: &str, command: &Command, found: &mut Vec<(String, Command)>) {
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let words = format!("{above} {}", verb.get_name()).trim().to_owned();
        if verb.get_subcommands().next().is_some() {
            collect(&words, verb, found);
        } else {
            found.push((words, verb.clone()));
        }
    }
}

#[test]
fn every_verb_has_a_help_text_with_an_example_of_itself() {
    let verbs = verbs();
    assert!(verbs.len() > 60, "{}", verbs.len());
    for (words, mut verb) in verbs {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(about.len() > 10 && !about.ends_with('.'), "{words}: {about:?}");
        let help = verb.render_long_help().to_string();
        let (_, examples) = help
            .split_once("Examples:")
            .unwrap_or_else(|| panic!("{words} has no examples"));
        assert!(
            examples.contains(&format!("gatehouse {words}")),
            "{words}: {examples}"
        );
        assert!(
            !help.contains("ops") || !words.starts_with("server-group"),
            "{words} speaks of people: {help}"
        );
    }
}

#[test]
fn every_option_has_a_help_text() {
    for (words, verb) in verbs() {
        for argument in verb.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() > 3, "{words}: {} has no help", argument.get_id());
        }
    }
}

#[test]
fn the_whole_tree_is_sound() {
    gatehouse::command().debug_assert();
}
