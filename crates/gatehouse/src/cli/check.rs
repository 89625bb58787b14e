//! `gatehouse check`: the gate's own decision, explained.

use clap::{ArgGroup, Args};
use gatehouse_model::{Login, Protocol, ProxyAddr, Right, SourceAddr, Timestamp, parse_time, to_micros};
use gatehouse_policy::{
    Decision, Destination, Directory, Explanation, Request, explain, explain_user, explained_answer,
};

use super::arguments::word;
use super::{Answer, Context, Verdict, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Fields, Screen, Table, Tone, age};

#[derive(Args)]
#[command(group = ArgGroup::new("who").required(true).args(["source", "user"]))]
#[command(group = ArgGroup::new("what").required(true).args(["destination", "server"]))]
#[command(after_long_help = examples!(
    "gatehouse check --source 10.0.0.7 --destination 10.9.0.12 --protocol ssh",
    "gatehouse check --user alice --server web01 --protocol ssh --login root --at '2026-01-31 15:00'",
    "gatehouse check --user alice --server web01 --protocol ssh --json",
))]
pub(crate) struct Arguments {
    /// Where the connection comes from
    #[arg(long, value_name = "IP")]
    source: Option<SourceAddr>,
    /// The person, from any of their addresses: a policy bound to a source counts if one of them lies there
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// The address that is connected to
    #[arg(long, value_name = "IP")]
    destination: Option<ProxyAddr>,
    /// The server, however it is reached
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// By which protocol
    #[arg(long, value_parser = word::<Protocol>(), value_name = "PROTOCOL")]
    protocol: Protocol,
    /// As which login; without it, whether any would do
    #[arg(long, value_name = "LOGIN")]
    login: Option<Login>,
    /// When [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,
}

/// The directory as a gate has it.
pub(super) async fn directory(context: &Context) -> Result<Directory, Failure> {
    let rows = context.store.directory_rows().await?;
    Ok(Directory::build(rows, context.config.directory_settings())?)
}

pub(super) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let at = to_micros(arguments.at.unwrap_or(context.now));
    let destination = match (arguments.destination, &arguments.server) {
        (Some(proxy), _) => Destination::Proxy(proxy),
        (None, Some(name)) => Destination::Server(context.store.server(context.now, name).await?.id),
        (None, None) => {
            return Err(Failure::usage(
                "say what is connected to, with --destination or --server",
            ));
        }
    };
    let (protocol, login) = (arguments.protocol, arguments.login);
    let asked = login.clone();
    let user = match &arguments.user {
        Some(name) => Some(context.store.user(context.now, name).await?.id),
        None => None,
    };
    let directory = directory(context).await?;
    let explanation = match (arguments.source, user) {
        (Some(source), _) => explain(
            &directory,
            &Request {
                source,
                destination,
                protocol,
                login,
                at,
            },
        ),
        (None, Some(user)) => explain_user(&directory, user, &destination, protocol, login.as_ref(), at),
        (None, None) => return Err(Failure::usage("say who connects, with --source or --user")),
    };
    let verdict = match explanation.decision {
        Decision::Allow(_) => Verdict::Yes,
        Decision::Deny(_) => Verdict::No,
    };
    let value = explained_answer(&directory, &explanation, asked.as_ref());
    Ok(context
        .answer(&value, |screen| shown(&directory, &explanation, context, screen))?
        .with(verdict))
}

fn shown(directory: &Directory, explanation: &Explanation, context: &Context, screen: &Screen) -> String {
    let mut text = match &explanation.decision {
        Decision::Allow(grant) => {
            let names = |id| {
                directory
                    .user(id)
                    .map_or_else(String::new, |user| user.name.to_string())
            };
            let server = directory
                .server(grant.server)
                .map_or_else(String::new, |server| server.name.to_string());
            let until = grant.until.map_or_else(
                || "without end".to_owned(),
                |until| format!("until {until} ({})", age(context.now, until)),
            );
            let rights: Vec<_> = Right::ALL
                .iter()
                .filter(|right| grant.rights.allows(**right))
                .collect();
            let rights: Vec<_> = rights.iter().map(ToString::to_string).collect();
            Fields::new()
                .with("Decision", Cell::toned("allow", Tone::Good))
                .with("Who", names(grant.user))
                .with("What", server)
                .with("How long", until)
                .with(
                    "Rights",
                    if rights.is_empty() {
                        "none beyond the session".to_owned()
                    } else {
                        rights.join(", ")
                    },
                )
                .render(screen)
        }
        Decision::Deny(denial) => Fields::new()
            .with("Decision", Cell::toned("deny", Tone::Bad))
            .with("Reason", denial.reason.as_str())
            .with(
                "Told",
                denial.sentence.split_whitespace().collect::<Vec<_>>().join(" "),
            )
            .render(screen),
    };
    text.push('\n');
    let mut table = Table::new(&["POLICY", "WHERE IT FELL"]);
    for considered in &explanation.considered {
        let tone = if considered.verdict.step() == 0 {
            Tone::Good
        } else {
            Tone::Plain
        };
        table.row([
            considered.policy.to_string().into(),
            Cell::toned(&considered.words, tone),
        ]);
    }
    text.push_str(&table.render(screen, "no policy covers this person and this server"));
    if explanation.elsewhere > 0 {
        text.push_str(&format!(
            "{} further policies of this person are for other servers\n",
            explanation.elsewhere
        ));
    }
    text
}
