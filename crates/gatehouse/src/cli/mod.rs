//! The command line: one file for each noun.

mod alert;
mod answer;
mod approval_rule;
mod approver;
mod arguments;
mod audit;
mod block;
mod check;
mod completions;
mod config;
mod context;
mod forwards;
mod gate_key;
mod group;
mod group_words;
mod jw;
mod lock;
mod node;
mod policy;
mod policy_terms;
mod pool;
mod recording_key;
mod request;
mod request_shown;
mod right;
mod secret_input;
mod server;
mod server_access;
mod session;
mod token;
mod usage;
mod user;
mod user_identity;
mod user_sign_in;
mod who_can;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::load;
use crate::failure::{Failure, sentence};
use crate::{demo, serve};

pub(crate) use answer::{Answer, Verdict};
pub(crate) use context::{Context, absolute, open_store, this_actor};
pub(crate) use secret_input::secret_file;

/// The text under `Examples:` in a verb's long help.
macro_rules! examples {
    ($($line:literal),+ $(,)?) => { concat!("Examples:", $("\n  ", $line),+) };
}
pub(crate) use examples;

/// The only door to a site's machines: decides, passes on, records and ends sessions.
///
/// Every verb works on the store directly, whether a node runs or not; running nodes follow within a second. What
/// is changed or shown is audited as `cli:LOGIN@HOST`.
#[derive(Parser)]
#[command(name = "gatehouse", version, subcommand_required = true, max_term_width = 110)]
#[command(after_long_help = examples!(
    "gatehouse demo                                      try it all on loopback",
    "gatehouse user add alice --address 10.0.0.7         enter a person",
    "gatehouse server add web01 10.1.0.5                 enter a server",
    "gatehouse policy grant --user alice --server web01 --for 30d",
    "gatehouse serve                                     run the gate",
    "gatehouse session list --active                     see who is connected",
))]
struct Line {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Options that may stand anywhere on the line.
#[derive(Args)]
pub(crate) struct Options {
    /// Configuration file [default: $GATEHOUSE_CONFIG, ./gatehouse.toml, /etc/gatehouse/gatehouse.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    config: Option<PathBuf>,
    /// Answer with one JSON document
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// Do not ask before something is removed or ended
    #[arg(long, short = 'y', global = true, help_heading = "Global options")]
    yes: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the node: gates, pages and workers
    #[command(after_long_help = examples!("gatehouse serve", "gatehouse serve --config /etc/gatehouse/gatehouse.toml"))]
    Serve,
    /// Run a complete trial on loopback addresses and print what to try
    Demo(demo::Arguments),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(config::Verb),
    /// People: names, source addresses, keys, passwords
    #[command(subcommand)]
    User(user::Verb),
    /// Groups of people
    #[command(subcommand)]
    Group(group::Verb),
    /// Machines behind the gate, their host keys and credentials
    #[command(subcommand)]
    Server(server::Verb),
    /// Groups of servers
    #[command(subcommand)]
    ServerGroup(ServerGroupVerb),
    /// Proxy addresses and the servers they lead to
    #[command(subcommand)]
    Pool(pool::Verb),
    /// Grants: who may reach what, when and how
    #[command(subcommand)]
    Policy(policy::Verb),
    /// Requests for access: list, make, decide, review
    #[command(subcommand)]
    Request(request::Verb),
    /// Rules by which requests are approved by themselves
    #[command(subcommand)]
    ApprovalRule(approval_rule::Verb),
    /// Decide as the gate would, and explain (exit status 0: allow, 1: deny)
    Check(check::Arguments),
    /// List everyone who could connect to a server, with the policy that says so
    WhoCan(who_can::Arguments),
    /// Sessions: list, watch, replay, export, verify, end
    #[command(subcommand)]
    Session(session::Verb),
    /// The keys that sign recordings
    #[command(subcommand)]
    RecordingKey(recording_key::Verb),
    /// List running port forwards
    Forwards(forwards::Arguments),
    /// Rights of people and groups apart from any policy
    #[command(subcommand)]
    Right(right::Verb),
    /// Ban a person or a server for a time or until lifted; running sessions end
    Lock(lock::LockArguments),
    /// Lift the ban of a person or a server
    Unlock(lock::UnlockArguments),
    /// The nodes that share this database
    #[command(subcommand)]
    Node(node::Verb),
    /// Sources that nobody may connect from
    #[command(subcommand)]
    Block(block::Verb),
    /// Tokens by which programs use the API
    #[command(subcommand)]
    Token(token::Verb),
    /// Alerts: what somebody was to be told of, and whether they were
    #[command(subcommand)]
    Alert(alert::Verb),
    /// The audit book
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Who is connected now, in the manner of `w`
    #[command(after_long_help = examples!("gatehouse jw", "gatehouse jw --json"))]
    Jw,
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

/// What groups of servers have beyond groups of people.
#[derive(Subcommand)]
enum ServerGroupVerb {
    #[command(flatten)]
    Group(group::Verb),
    /// Who decides requests for the servers of a group
    #[command(subcommand)]
    Approver(approver::Verb),
}

/// The whole command tree, as it is shown and parsed.
pub fn command() -> clap::Command {
    Line::command().mut_subcommand("server-group", group_words::about_servers)
}

/// Runs the program: `line` is its name and arguments; called as `jw` it is the verb of that name. Answers the exit
/// status.
pub fn run(line: impl IntoIterator<Item = OsString>) -> ExitCode {
    match parse(jw::called_by_name(line)).and_then(execute) {
        Ok(status) => status,
        Err(failure) => {
            if !failure.is_silent() {
                tell(&failure);
            }
            failure.status()
        }
    }
}

/// Tells a failure on standard error. When that is closed there is nobody to tell.
fn tell(failure: &Failure) {
    let _nobody_listens = writeln!(std::io::stderr(), "gatehouse: {}", sentence(failure));
}

enum Parsed {
    Line(Box<Line>),
    /// Help or version, as it is to be printed.
    Text(String),
}

fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Parsed, Failure> {
    let mut command = command();
    let parsed = command
        .try_get_matches_from_mut(line)
        .and_then(|matches| Line::from_arg_matches(&matches));
    match parsed {
        Ok(line) => Ok(Parsed::Line(Box::new(line))),
        Err(error) if error.use_stderr() => Err(usage::failure(&error)),
        Err(error) => {
            let colour = crate::terminal::Screen::of_stdout().colour == crate::terminal::Colour::On;
            let text = error.render();
            Ok(Parsed::Text(if colour {
                text.ansi().to_string()
            } else {
                text.to_string()
            }))
        }
    }
}

fn execute(parsed: Parsed) -> Result<ExitCode, Failure> {
    let line = match parsed {
        Parsed::Line(line) => line,
        Parsed::Text(text) => return Answer::text(text).write(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::System {
            what: "the runtime cannot be started",
            source,
        })?;
    let status = runtime.block_on(Box::pin(dispatch(*line)));
    // A reader blocked on standard input must not keep the program from ending.
    runtime.shutdown_background();
    status
}

async fn dispatch(line: Line) -> Result<ExitCode, Failure> {
    let Line { options, command } = line;
    let command = match command {
        Command::Completions(arguments) => return completions::run(&arguments)?.write(),
        Command::Demo(arguments) => return Box::pin(demo::run(arguments)).await,
        // A copy of a recording can be looked at where there is neither a configuration nor a store.
        Command::Session(verb) if verb.is_outside() => {
            let format = context::Format::of(&options);
            return Box::pin(session::run_outside(verb, format)).await?.write();
        }
        other => other,
    };
    let loaded = load(options.config.as_deref(), std::env::vars_os())?;
    let command = match command {
        Command::Config(verb) => return config::run(verb, &options, &loaded)?.write(),
        Command::Serve => return Box::pin(serve::run(loaded)).await,
        other => other,
    };
    let context = Context::open(loaded.config, &options).await?;
    let answer = Box::pin(answer(command, &context)).await;
    context.store.close().await;
    answer?.write()
}

async fn answer(command: Command, context: &Context) -> Result<Answer, Failure> {
    use gatehouse_store::GroupKind;
    match command {
        Command::User(verb) => user::run(verb, context).await,
        Command::Group(verb) => group::run(GroupKind::User, verb, context).await,
        Command::Server(verb) => server::run(verb, context).await,
        Command::ServerGroup(ServerGroupVerb::Group(verb)) => {
            group::run(GroupKind::Server, verb, context).await
        }
        Command::ServerGroup(ServerGroupVerb::Approver(verb)) => approver::run(verb, context).await,
        Command::Request(verb) => request::run(verb, context).await,
        Command::ApprovalRule(verb) => approval_rule::run(verb, context).await,
        Command::Pool(verb) => pool::run(verb, context).await,
        Command::Policy(verb) => policy::run(verb, context).await,
        Command::Check(arguments) => check::run(arguments, context).await,
        Command::WhoCan(arguments) => who_can::run(arguments, context).await,
        Command::Session(verb) => session::run(verb, context).await,
        Command::RecordingKey(verb) => recording_key::run(verb, context).await,
        Command::Forwards(arguments) => forwards::run(arguments, context).await,
        Command::Right(verb) => right::run(verb, context).await,
        Command::Lock(arguments) => lock::lock(arguments, context).await,
        Command::Unlock(arguments) => lock::unlock(arguments, context).await,
        Command::Node(verb) => node::run(verb, context).await,
        Command::Block(verb) => block::run(verb, context).await,
        Command::Token(verb) => token::run(verb, context).await,
        Command::Alert(verb) => alert::run(verb, context).await,
        Command::Audit(verb) => audit::run(verb, context).await,
        Command::Jw => jw::run(context).await,
        // Those that need no store were run before it was opened.
        Command::Serve | Command::Demo(_) | Command::Config(_) | Command::Completions(_) => {
            Ok(Answer::nothing())
        }
    }
}
