//! The verbs of groups were written about people; here their help speaks of servers.

use clap::Command;
use clap::builder::StyledStr;

/// What is said of people, and what of servers instead.
const WORDS: &[(&str, &str)] = &[
    ("gatehouse group", "gatehouse server-group"),
    ("ops-night", "web-test"),
    ("night shift", "test machines"),
    ("night", "test"),
    ("member add ops alice", "member add web web01"),
    ("member remove ops alice", "member remove web web01"),
    ("a person", "a server"),
    ("the person", "the server"),
    (" ops", " web"),
];

/// The command of groups of people as one of groups of servers.
pub(super) fn about_servers(command: Command) -> Command {
    let mut command = command.mut_args(|argument| match argument.get_help().map(translated) {
        Some(help) => argument.help(help),
        None => argument,
    });
    let inner: Vec<String> = command
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    for verb in inner {
        command = command.mut_subcommand(verb, about_servers);
    }
    if let Some(about) = command
        .get_about()
        .map(translated)
        .filter(|_| command.get_name() != "server-group")
    {
        command = command.about(about);
    }
    match command.get_after_long_help().map(translated) {
        Some(examples) => command.after_long_help(examples),
        None => command,
    }
}

fn translated(text: &StyledStr) -> String {
    WORDS.iter().fold(text.to_string(), |text, (people, servers)| {
        text.replace(people, servers)
    })
}
