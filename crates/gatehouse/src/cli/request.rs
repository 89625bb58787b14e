//! `gatehouse request`.

use std::net::IpAddr;

use clap::{ArgGroup, Args, Subcommand};
use gatehouse_model::{Login, Protocol, RequestId, RequestKind, RequestState, ReviewVerdict, SpanSeconds};
use gatehouse_policy::Schedule;
use gatehouse_store::{
    AccessRequest, Approval, AutoApproval, Decider, Inside, NewRequest, PageRequest, Reader, RequestFilter,
    RequestTarget,
};

use super::arguments::{request_id, span, word};
use super::{Answer, Context, examples, request_shown};
use crate::failure::Failure;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List requests, the newest first
    List(List),
    /// Show a request, with its grant and the sessions that followed
    #[command(after_long_help = examples!("gatehouse request show 12", "gatehouse request show 12 --json"))]
    Show(One),
    /// Ask for access, or for a source address, on behalf of a person
    Create(Create),
    /// Approve a request; the grant is made at once
    Approve(Approve),
    /// Deny a request
    Deny(Deny),
    /// Take a request back, as the person who asked
    Withdraw(Withdraw),
    /// Review access that was opened by break-glass
    Review(Review),
}

#[derive(Args)]
pub(crate) struct One {
    /// Number of the request
    #[arg(value_parser = request_id)]
    id: RequestId,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse request list --pending",
    "gatehouse request list --user alice --json",
    "gatehouse request list --unreviewed",
    "gatehouse request list --to-decide ann",
))]
pub(crate) struct List {
    /// Only those that wait for a decision
    #[arg(long)]
    pending: bool,
    /// Only those of this person
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only those for this server
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// Only those of this kind
    #[arg(long, value_name = "KIND", value_parser = word::<RequestKind>())]
    kind: Option<RequestKind>,
    /// Only those that wait and that this person may decide
    #[arg(long, value_name = "USER")]
    to_decide: Option<String>,
    /// Only access opened by break-glass that is not reviewed
    #[arg(long)]
    unreviewed: bool,
    /// At most so many; 0: all
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
}

#[derive(Args)]
#[command(group = ArgGroup::new("wanted").required(true).args(["server", "address"]))]
#[command(after_long_help = examples!(
    "gatehouse request create --user alice --server web01 --protocol ssh --for 2h --reason 'the disk is full'",
    "gatehouse request create --user alice --server web01 --login root",
    "gatehouse request create --user alice --address 10.0.0.8",
))]
pub(crate) struct Create {
    /// Who asks
    #[arg(long, value_name = "USER")]
    user: String,
    /// For access to this server
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// For this source address
    #[arg(long, value_name = "IP", conflicts_with_all = ["protocol", "length", "login"])]
    address: Option<IpAddr>,
    /// By which protocol [default: ssh]
    #[arg(long, value_name = "PROTOCOL", value_parser = word::<Protocol>())]
    protocol: Option<Protocol>,
    /// For how long [default: requests.default_for]
    #[arg(long = "for", value_name = "DURATION", value_parser = span)]
    length: Option<SpanSeconds>,
    /// Only for this login; may be given several times
    #[arg(long, value_name = "LOGIN")]
    login: Vec<Login>,
    /// Why it is needed; whoever decides reads it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Who decides.
#[derive(Args)]
struct As {
    /// The person who decides; needed where requests.four_eyes is on
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse request approve 12",
    "gatehouse request approve 12 --for 1h --note 'only today' --as ann",
    "gatehouse request approve 12 --schedule 'Mon-Fri 08:00-16:00 Europe/Warsaw' --login deploy",
))]
pub(crate) struct Approve {
    #[command(flatten)]
    one: One,
    /// Another length than was asked for
    #[arg(long = "for", value_name = "DURATION", value_parser = span)]
    length: Option<SpanSeconds>,
    /// Other logins than were asked for; may be given several times
    #[arg(long, value_name = "LOGIN")]
    login: Vec<Login>,
    /// Only within such windows: words or JSON; may be given several times
    #[arg(long, value_name = "SPEC")]
    schedule: Vec<Schedule>,
    /// A source address may lie inside another person's range
    #[arg(long)]
    inside: bool,
    /// A word to the person who asked
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    decider: As,
}

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse request deny 12 --note 'ask for web02' --as ann"))]
pub(crate) struct Deny {
    #[command(flatten)]
    one: One,
    /// A word to the person who asked
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    decider: As,
}

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse request withdraw 12 --as alice"))]
pub(crate) struct Withdraw {
    #[command(flatten)]
    one: One,
    /// The person who asked
    #[arg(long = "as", value_name = "USER")]
    user: String,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse request review 12 --verdict justified --note 'the site was down' --as olga",
))]
pub(crate) struct Review {
    #[command(flatten)]
    one: One,
    /// What the review comes to
    #[arg(long, value_name = "VERDICT", value_parser = word::<ReviewVerdict>())]
    verdict: ReviewVerdict,
    /// More on it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    decider: As,
}

impl As {
    fn decider(self, context: &Context) -> Decider {
        match self.user {
            Some(user) => Decider::User(user),
            None => Decider::CommandLine(context.config.four_eyes()),
        }
    }
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        Verb::List(arguments) => list(arguments, context).await,
        Verb::Show(one) => {
            let detail = store.request(now, &Reader::CommandLine, one.id).await?;
            context.answer(&detail, |screen| request_shown::detail(&detail, context, screen))
        }
        Verb::Create(arguments) => create(arguments, context).await,
        Verb::Approve(arguments) => approve(arguments, context).await,
        Verb::Deny(arguments) => {
            let decider = arguments.decider.decider(context);
            let note = arguments.note;
            let request = store
                .deny_request(actor, now, arguments.one.id, &decider, note)
                .await?;
            done(&request, "denied", context)
        }
        Verb::Withdraw(arguments) => {
            let request = store
                .withdraw_request(actor, now, arguments.one.id, &arguments.user)
                .await?;
            done(&request, "withdrew", context)
        }
        Verb::Review(arguments) => {
            let decider = arguments.decider.decider(context);
            let (id, verdict, note) = (arguments.one.id, arguments.verdict, arguments.note);
            let request = store
                .review_request(actor, now, id, &decider, verdict, note)
                .await?;
            done(&request, "reviewed", context)
        }
    }
}

fn done(request: &AccessRequest, what: &str, context: &Context) -> Result<Answer, Failure> {
    let sentence = format!(
        "{what} request #{}: {}",
        request.id,
        request_shown::in_words(request)
    );
    context.done_with(request, &sentence)
}

async fn list(arguments: List, context: &Context) -> Result<Answer, Failure> {
    let filter = RequestFilter {
        state: arguments.pending.then_some(RequestState::Pending),
        user: arguments.user,
        server: arguments.server,
        kind: arguments.kind,
        to_decide: arguments.to_decide,
        unreviewed: arguments.unreviewed,
    };
    let page = match arguments.limit {
        0 => PageRequest::all(),
        limit => PageRequest::first(limit),
    };
    let page = context
        .store
        .requests(context.now, &Reader::CommandLine, &filter, &page)
        .await?;
    context.answer(&page.items, |screen| {
        request_shown::table(&page.items, context, screen)
    })
}

async fn create(arguments: Create, context: &Context) -> Result<Answer, Failure> {
    let wanted = match (arguments.server, arguments.address) {
        (Some(server), _) => RequestTarget::Access {
            server,
            protocol: arguments.protocol.unwrap_or(Protocol::Ssh),
            logins: arguments.login,
            length: arguments.length,
        },
        (None, Some(address)) => RequestTarget::Address(address),
        (None, None) => return Err(Failure::usage("say what is asked for: --server or --address")),
    };
    let new = NewRequest {
        user: arguments.user,
        wanted,
        reason: arguments.reason,
        source: None,
    };
    let limits = context.config.request_limits();
    let (actor, now) = (&context.actor, context.now);
    let asked = context
        .store
        .create_request(actor, now, new, AutoApproval::Allowed, &limits)
        .await?;
    let request = &asked.request;
    let made = match (asked.existing, request.state) {
        (true, _) => format!("request #{} is the same, and waits already", request.id),
        (false, RequestState::Approved) => format!("request #{} was approved by a rule", request.id),
        (false, _) => format!("made request #{}", request.id),
    };
    let remarks: String = asked.remarks.iter().map(|remark| format!("; {remark}")).collect();
    context.done_with(
        &asked,
        &format!("{made}: {}{remarks}", request_shown::in_words(request)),
    )
}

async fn approve(arguments: Approve, context: &Context) -> Result<Answer, Failure> {
    let approval = Approval {
        length: arguments.length,
        logins: (!arguments.login.is_empty()).then_some(arguments.login),
        schedules: arguments.schedule,
        note: arguments.note,
        inside: if arguments.inside {
            Inside::Allow
        } else {
            Inside::Refuse
        },
    };
    let decider = arguments.decider.decider(context);
    let (id, limits) = (arguments.one.id, context.config.request_limits());
    let (actor, now) = (&context.actor, context.now);
    let request = context
        .store
        .approve_request(actor, now, id, &decider, approval, &limits)
        .await?;
    let words = request_shown::in_words(&request);
    let sentence = match request.policy_id {
        Some(policy) => format!("approved request #{id} (policy {policy}): {words}"),
        None => format!("approved request #{id}: {words}"),
    };
    context.done_with(&request, &sentence)
}
