//! `gatehouse server`.

use std::str::FromStr;

use clap::{Args, Subcommand};
use gatehouse_model::{AddressError, LegacyAlgorithms, Name, Protocol, ProxyAddr, ServerOs, TargetHost};
use gatehouse_store::{
    Activity, Edit, NewServer, PageRequest, ProxyChoice, Server, ServerEdit, ServerFilter,
};

use super::arguments::{port, word};
use super::gate_key::{self, GateKeyVerb};
use super::server_access::{self, CredentialVerb, HostKeyVerb};
use super::user::edited;
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Fields, Screen, Table, Tone, age, end};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Enter a server
    Add(Add),
    /// List servers
    List(List),
    /// Show a server with its protocols, proxy addresses and groups
    #[command(after_long_help = examples!("gatehouse server show web01"))]
    Show(One),
    /// Change a server's entry
    Edit(Change),
    /// Switch a server on
    #[command(after_long_help = examples!("gatehouse server enable web01"))]
    Enable(One),
    /// Switch a server off: running sessions end, the entry stays
    #[command(after_long_help = examples!("gatehouse server disable web01"))]
    Disable(One),
    /// Delete a server with its grants and keys; its proxy address is kept back, the history stays readable
    #[command(after_long_help = examples!("gatehouse server remove web01", "gatehouse server remove web01 --yes"))]
    Remove(One),
    /// The server's own host keys, pinned at first use
    #[command(subcommand, name = "hostkey")]
    HostKey(HostKeyVerb),
    /// Host keys that the gate shows at a server's proxy addresses
    #[command(subcommand, name = "gate-key")]
    GateKey(GateKeyVerb),
    /// Credentials that the gate logs in with
    #[command(subcommand)]
    Credential(CredentialVerb),
}

/// One server.
#[derive(Args)]
pub(crate) struct One {
    /// Name or id of the server
    pub(super) name: String,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse server add web01 10.1.0.5                         SSH at port 22",
    "gatehouse server add db01 db01.example.com --ssh=2222 --proxy 10.9.0.12",
    "gatehouse server add desk 10.1.0.9 --rdp --os windows",
))]
pub(crate) struct Add {
    /// Name: letters, digits, '.', '_' and '-'
    name: Name,
    /// Where it is: an IP address or a host name
    address: TargetHost,
    /// It offers SSH, at this port [default without --ssh and --rdp: SSH at port 22]
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "22", value_parser = port)]
    ssh: Option<u16>,
    /// It offers RDP, at this port
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "3389", value_parser = port)]
    rdp: Option<u16>,
    /// What runs on it; a note for people
    #[arg(long, value_parser = word::<ServerOs>(), value_name = "OS")]
    os: Option<ServerOs>,
    /// Its proxy address: auto (the first free one), none, or an address [default: a free one if there is one]
    #[arg(long, value_name = "auto|none|IP")]
    proxy: Option<ProxyWord>,
    /// A note
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Whether the gate may use outdated algorithms towards it (SHA-1, CBC), for machines that know no other
    #[arg(long, value_parser = word::<LegacyAlgorithms>(), value_name = "on|off")]
    legacy_algorithms: Option<LegacyAlgorithms>,
}

/// `auto`, `none` or an address.
#[derive(Clone, Copy, Debug)]
struct ProxyWord(ProxyChoice);

/// The text is none of them.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a proxy address; write auto, none, or an address of the pool")]
struct ProxyWordError(String);

impl FromStr for ProxyWord {
    type Err = ProxyWordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self(ProxyChoice::Auto)),
            "none" => Ok(Self(ProxyChoice::None)),
            address => address
                .parse::<ProxyAddr>()
                .map(|address| Self(ProxyChoice::Address(address)))
                .map_err(|_: AddressError| ProxyWordError(text.to_owned())),
        }
    }
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse server list",
    "gatehouse server list web --protocol ssh",
    "gatehouse server list --group web --json",
))]
pub(crate) struct List {
    /// Only servers whose name, address or note contains this
    text: Option<String>,
    /// Only servers directly in this group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Only servers that offer this protocol
    #[arg(long, value_parser = word::<Protocol>(), value_name = "PROTOCOL")]
    protocol: Option<Protocol>,
    /// Only servers that are switched off
    #[arg(long)]
    inactive: bool,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse server edit web01 --address 10.1.0.6",
    "gatehouse server edit web01 --name web-old --ssh=2222 --no-rdp",
    "gatehouse server edit switch7 --legacy-algorithms on",
))]
pub(crate) struct Change {
    /// Name or id of the server
    server: String,
    /// A new name
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<Name>,
    /// Where it is now
    #[arg(long, value_name = "HOST")]
    address: Option<TargetHost>,
    /// It offers SSH, at this port
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "22", value_parser = port)]
    ssh: Option<u16>,
    /// It offers SSH no more
    #[arg(long, conflicts_with = "ssh")]
    no_ssh: bool,
    /// It offers RDP, at this port
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "3389", value_parser = port)]
    rdp: Option<u16>,
    /// It offers RDP no more
    #[arg(long, conflicts_with = "rdp")]
    no_rdp: bool,
    /// What runs on it
    #[arg(long, value_parser = word::<ServerOs>(), value_name = "OS")]
    os: Option<ServerOs>,
    /// A note; empty: none
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Whether the gate may use outdated algorithms towards it (SHA-1, CBC), for machines that know no other
    #[arg(long, value_parser = word::<LegacyAlgorithms>(), value_name = "on|off")]
    legacy_algorithms: Option<LegacyAlgorithms>,
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        Verb::Add(arguments) => add(arguments, context).await,
        Verb::List(arguments) => list(arguments, context).await,
        Verb::Show(one) => {
            let server = context.store.server(context.now, &one.name).await?;
            context.answer(&server, |screen| shown(&server, context, screen))
        }
        Verb::Edit(arguments) => edit(arguments, context).await,
        Verb::Enable(one) => switch(&one.name, Activity::Enabled, context).await,
        Verb::Disable(one) => switch(&one.name, Activity::Disabled, context).await,
        Verb::Remove(one) => {
            let server = context.store.server(context.now, &one.name).await?;
            let name = server.name.as_str();
            context.confirm(&format!(
                "Remove {name} with its grants, host keys and credentials?"
            ))?;
            context
                .store
                .remove_server(&context.actor, context.now, &one.name)
                .await?;
            context.done(&format!("removed {name}; the history stays"))
        }
        Verb::HostKey(verb) => server_access::host_key(verb, context).await,
        Verb::GateKey(verb) => gate_key::run(verb, context).await,
        Verb::Credential(verb) => server_access::credential(verb, context).await,
    }
}

async fn add(arguments: Add, context: &Context) -> Result<Answer, Failure> {
    let mut services = offered(arguments.ssh, arguments.rdp);
    if services.is_empty() {
        services.push((Protocol::Ssh, Protocol::Ssh.default_port()));
    }
    let new = NewServer {
        name: arguments.name,
        address: arguments.address,
        services,
        os: arguments.os,
        description: arguments.description.filter(|text| !text.is_empty()),
        legacy_algorithms: arguments.legacy_algorithms.unwrap_or_default(),
        proxy: arguments.proxy.map_or(ProxyChoice::IfAvailable, |word| word.0),
    };
    let server = context.store.add_server(&context.actor, context.now, new).await?;
    let proxies = proxies(&server);
    let reached = if proxies.is_empty() {
        format!("no proxy address, so it is reached as LOGIN@{}@GATE", server.name)
    } else {
        format!("proxy address {proxies}")
    };
    context.done_with(
        &server,
        &format!("added {} (id {}), {reached}", server.name, server.id),
    )
}

fn offered(ssh: Option<u16>, rdp: Option<u16>) -> Vec<(Protocol, u16)> {
    [(Protocol::Ssh, ssh), (Protocol::Rdp, rdp)]
        .into_iter()
        .filter_map(|(p, port)| Some((p, port?)))
        .collect()
}

async fn list(arguments: List, context: &Context) -> Result<Answer, Failure> {
    let filter = ServerFilter {
        text: arguments.text,
        group: arguments.group,
        active: arguments.inactive.then_some(false),
        protocol: arguments.protocol,
        ..ServerFilter::default()
    };
    let servers = context
        .store
        .servers(context.now, &filter, &PageRequest::all())
        .await?
        .items;
    context.answer(&servers, |screen| {
        let mut table = Table::new(&["NAME", "ADDRESS", "OFFERS", "PROXY", "STATE", "GROUPS"]);
        for server in &servers {
            let (state, tone) = state(server);
            table.row([
                server.name.as_str().into(),
                server.address.to_string().into(),
                services(server).into(),
                proxies(server).into(),
                Cell::toned(state, tone),
                server.groups.join(", ").into(),
            ]);
        }
        table.render(screen, "no servers")
    })
}

async fn edit(arguments: Change, context: &Context) -> Result<Answer, Failure> {
    let withdrawn = [
        (Protocol::Ssh, arguments.no_ssh),
        (Protocol::Rdp, arguments.no_rdp),
    ];
    let edit = ServerEdit {
        name: arguments.new_name,
        address: arguments.address,
        offer: offered(arguments.ssh, arguments.rdp),
        withdraw: withdrawn
            .into_iter()
            .filter(|(_, withdraw)| *withdraw)
            .map(|(protocol, _)| protocol)
            .collect(),
        os: arguments.os.map_or(Edit::Keep, Edit::Set),
        description: edited(arguments.description),
        legacy_algorithms: arguments.legacy_algorithms,
        ..ServerEdit::default()
    };
    let server = context
        .store
        .edit_server(&context.actor, context.now, &arguments.server, edit)
        .await?;
    context.done_with(&server, &format!("changed {}", server.name))
}

async fn switch(name: &str, activity: Activity, context: &Context) -> Result<Answer, Failure> {
    let server = context
        .store
        .set_server_activity(&context.actor, context.now, name, activity)
        .await?;
    let word = if server.active { "enabled" } else { "disabled" };
    context.done_with(&server, &format!("{word} {}", server.name))
}

fn services(server: &Server) -> String {
    server
        .services
        .iter()
        .map(|s| format!("{}:{}", s.protocol, s.port))
        .collect::<Vec<_>>()
        .join(" ")
}

fn proxies(server: &Server) -> String {
    server
        .proxies
        .iter()
        .map(|proxy| proxy.address.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn state(server: &Server) -> (&'static str, Tone) {
    match (server.active, &server.lock) {
        (false, _) => ("inactive", Tone::Dim),
        (true, Some(_)) => ("locked", Tone::Bad),
        (true, None) => ("active", Tone::Good),
    }
}

fn shown(server: &Server, context: &Context, screen: &Screen) -> String {
    let (state, tone) = state(server);
    let lock = server.lock.as_ref().map(|lock| {
        let reason = lock
            .reason
            .as_deref()
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        format!("ends {}{reason}", end(context.now, lock.until))
    });
    let proxies = server.proxies.iter().map(|proxy| match proxy.until {
        None => proxy.address.to_string(),
        until => format!("{} (given back {})", proxy.address, end(context.now, until)),
    });
    Fields::new()
        .with("Name", server.name.as_str())
        .with("Id", server.id.to_string())
        .with("Address", server.address.to_string())
        .with("Offers", services(server))
        .maybe(
            "Proxy address",
            Some(proxies.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty()),
        )
        .maybe("System", server.os.map(ServerOs::as_str))
        .maybe("Note", server.description.as_deref())
        .maybe(
            "Legacy algorithms",
            Some("on").filter(|_| server.legacy_algorithms == LegacyAlgorithms::On),
        )
        .with("State", Cell::toned(state, tone))
        .maybe("Lock", lock)
        .maybe(
            "Groups",
            Some(server.groups.join(", ")).filter(|groups| !groups.is_empty()),
        )
        .with("Added", age(context.now, server.created_at))
        .render(screen)
}
