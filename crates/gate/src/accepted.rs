//! The first two stages: a connection that has come, and one that may go on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gatehouse_audit::{Action, Actor, Draft, Outcome};
use gatehouse_model::{LegacyAlgorithms, Login, Name, Protocol, ProxyAddr, ServerId, SourceAddr, Target};
use gatehouse_policy::{
    Decision, Denial, Destination, Grant, Reason, Request, ServerRow, decide, decide_again,
};
use gatehouse_store::{Denied, StoreError, StoredCredential};
use gatehouse_telemetry::{CONNECTIONS_ACCEPTED, DECISIONS, LOGIN_FAILURES, words};
use tracing::{Instrument, Span};

use crate::Gate;
use crate::guard::FailedLogin;
use crate::limits::Place;
use crate::meters::timed;
use crate::outage::in_time;
use crate::session::{OpenError, Proof, Recording};

/// A connection that has come: who by its source, what by its destination. Nothing is decided yet.
#[derive(Clone)]
pub struct Accepted(Arc<Connection>);

struct Connection {
    gate: Gate,
    protocol: Protocol,
    source: SourceAddr,
    source_port: u16,
    local: ProxyAddr,
    local_port: u16,
    place: Place,
    came: Instant,
    /// What each line of the log about this connection carries.
    span: Span,
}

/// What can be said before the login is known.
#[derive(Clone, Debug)]
pub enum FirstLook {
    /// The person may go on to name a login.
    Open,
    /// The destination is the gate's own address: the login has to name the server.
    ServerInLogin,
    /// Refused, whatever the login.
    Denied(Box<Denial>),
}

impl Accepted {
    pub(crate) fn new(
        gate: Gate,
        protocol: Protocol,
        peer: SocketAddr,
        local: SocketAddr,
        place: Place,
    ) -> Self {
        let source = SourceAddr::new(peer.ip());
        CONNECTIONS_ACCEPTED.count(&[protocol.as_str()]);
        // An error by its level, so that it is there whatever is logged.
        let span = tracing::error_span!("connection", %source, session = tracing::field::Empty);
        Self(Arc::new(Connection {
            gate,
            protocol,
            source,
            source_port: peer.port(),
            local: ProxyAddr::new(local.ip()),
            local_port: local.port(),
            place,
            came: Instant::now(),
            span,
        }))
    }

    /// The span in which everything about this connection is to run: lines of the log then name its source, and its
    /// session as soon as there is one.
    pub fn span(&self) -> &Span {
        &self.0.span
    }

    /// How long ago it came.
    pub(crate) fn age(&self) -> Duration {
        self.0.came.elapsed()
    }

    /// Where it comes from.
    pub fn source(&self) -> SourceAddr {
        self.0.source
    }

    /// The port there.
    pub fn source_port(&self) -> u16 {
        self.0.source_port
    }

    /// The address it came to, of the pool or the gate's own.
    pub fn local(&self) -> ProxyAddr {
        self.0.local
    }

    /// How this connection's destination is written on a command line, `LOGIN@ADDRESS`, with the server's name in
    /// the login where the address is the gate's own.
    pub fn destination_of(&self, login: &str, server: &str) -> String {
        match self.proxy() {
            Some(proxy) => format!("{login}@{proxy}"),
            None => format!("{login}@{server}@{}", self.0.local),
        }
    }

    /// The port it came to.
    pub fn port(&self) -> u16 {
        self.0.local_port
    }

    /// The gate.
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.0.protocol
    }

    /// The connection has logged in and no longer counts against the bounds of those that have not.
    pub fn authenticated(&self) {
        self.0.place.authenticated();
    }

    /// The proxy address, if the destination is one of the pool.
    pub fn proxy(&self) -> Option<ProxyAddr> {
        let local = self.0.local;
        self.0
            .gate
            .directory()
            .is_pool_address(local.ip())
            .then_some(local)
    }

    /// The server to which the destination belongs now, whoever asks.
    pub fn server_there(&self) -> Option<ServerId> {
        let directory = self.0.gate.directory();
        directory
            .server_at_proxy(self.0.local, self.0.gate.clock().now())
            .map(|server| server.id)
    }

    /// Decides as far as that is possible without the login.
    pub fn first_look(&self) -> FirstLook {
        match self.ask(Destination::Proxy(self.0.local), None) {
            Decision::Allow(_) => FirstLook::Open,
            Decision::Deny(denial)
                if denial.reason == Reason::UnknownDestination && self.proxy().is_none() =>
            {
                FirstLook::ServerInLogin
            }
            Decision::Deny(denial) => FirstLook::Denied(Box::new(denial)),
        }
    }

    /// Decides. `server` counts only where the destination is the gate's own address.
    ///
    /// # Errors
    /// The denial, with its sentence for the person.
    pub fn decide(&self, login: Login, server: Option<&str>) -> Result<Decided, Box<Denial>> {
        let proxy = self.proxy();
        let destination = match (proxy, server) {
            (None, Some(name)) => Destination::Named(name.to_owned()),
            _ => Destination::Proxy(self.0.local),
        };
        let request = self.request(destination, Some(login.clone()));
        let directory = self.0.gate.directory();
        let decision = timed(self.0.protocol, || decide(&directory, &request));
        let grant = match decision {
            Decision::Allow(grant) => grant,
            Decision::Deny(denial) => return Err(Box::new(denial)),
        };
        let user = directory.user(grant.user);
        let server = directory.server(grant.server);
        let (Some(user), Some(server)) = (user, server) else {
            // A grant names rows of the directory it was taken from; without them there is nothing to open.
            return Err(Box::new(missing(&grant)));
        };
        DECISIONS.count(&[self.0.protocol.as_str(), "allow", words::NO_REASON]);
        Ok(Decided {
            user: user.name.clone(),
            server: server.name.clone(),
            target: target_of(server, self.0.protocol),
            legacy_algorithms: server.legacy_algorithms,
            keys: directory.user_keys(grant.user).to_vec(),
            accepted: self.clone(),
            proxy,
            request,
            login,
            grant,
        })
    }

    /// A password, or the like, was wrong: counts it against the source, which is blocked when there are too many.
    pub fn login_failed(&self) -> FailedLogin {
        LOGIN_FAILURES.count(&[self.0.protocol.as_str(), "refused"]);
        let gate = &self.0.gate;
        let now = gate.clock().now();
        gate.guard().login_failed(&gate.directory(), self.0.source, now)
    }

    /// Whether no further login is to be tried: the source was blocked since the connection came.
    pub fn is_barred(&self) -> bool {
        let gate = &self.0.gate;
        let now = gate.clock().now();
        gate.guard().is_barred(&gate.directory(), self.0.source, now)
    }

    /// Writes a denial into the book (equal ones within a minute are counted) and the log, and counts it against the
    /// source. Does not wait.
    pub fn report(&self, denial: &Denial, login: Option<&str>, server: Option<&str>) {
        let gate = self.0.gate.clone();
        let directory = gate.directory();
        let now = gate.clock().now();
        gate.guard().denied(&directory, self.0.source, denial.reason, now);
        DECISIONS.count(&[self.0.protocol.as_str(), "deny", denial.reason.as_str()]);
        let named = |id| directory.server(id).map(|row| row.name.to_string());
        let denied = Denied {
            at: now,
            source: self.0.source,
            destination: server.map_or_else(|| self.0.local.to_string(), str::to_owned),
            protocol: self.0.protocol,
            reason: denial.reason.as_str().to_owned(),
            user: denial
                .user
                .and_then(|id| directory.user(id))
                .map(|row| row.name.to_string()),
            server: denial.server.and_then(named),
            login: login.map(str::to_owned),
            sentence: denial.sentence.clone(),
        };
        tracing::info!(
            gate = self.0.protocol.as_str(),
            source = %denied.source,
            destination = %denied.destination,
            reason = %denied.reason,
            user = denied.user.as_deref().unwrap_or("-"),
            "denied"
        );
        let tasks = gate.tasks().clone();
        let written = async move {
            if let Err(error) = gate.store().deny(denied).await {
                tracing::error!(%error, "a denial could not be written down");
            }
        };
        tasks.spawn(written.instrument(self.0.span.clone()));
    }

    fn ask(&self, destination: Destination, login: Option<Login>) -> Decision {
        let request = self.request(destination, login);
        timed(self.0.protocol, || decide(&self.0.gate.directory(), &request))
    }

    fn request(&self, destination: Destination, login: Option<Login>) -> Request {
        Request {
            source: self.0.source,
            destination,
            protocol: self.0.protocol,
            login,
            at: self.0.gate.clock().now(),
        }
    }
}

/// Where a server offers a protocol.
fn target_of(server: &ServerRow, protocol: Protocol) -> Target {
    let offered = server.services.iter().find(|(offered, _)| *offered == protocol);
    Target {
        host: server.address.clone(),
        port: offered.map_or_else(|| protocol.default_port(), |(_, port)| *port),
    }
}

fn missing(grant: &Grant) -> Denial {
    Denial {
        reason: Reason::UnknownDestination,
        user: Some(grant.user),
        server: None,
        policies: Vec::new(),
        since: None,
        next: gatehouse_policy::Waiting::Never,
        sentence: "This address belongs to no server any more; connect again.".to_owned(),
        revision: grant.revision,
    }
}

/// A connection that the policy allows. Holds no target's secret and reaches no target.
#[derive(Clone)]
pub struct Decided {
    pub(crate) accepted: Accepted,
    /// The proxy address it came to, if it was one of the pool then.
    pub(crate) proxy: Option<ProxyAddr>,
    pub(crate) request: Request,
    pub(crate) login: Login,
    pub(crate) grant: Grant,
    pub(crate) user: Name,
    pub(crate) server: Name,
    pub(crate) target: Target,
    pub(crate) legacy_algorithms: LegacyAlgorithms,
    pub(crate) keys: Vec<String>,
}

impl Decided {
    /// The connection.
    pub fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// The account at the server.
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// The person's name.
    pub fn user_name(&self) -> &Name {
        &self.user
    }

    /// The server's name.
    pub fn server_name(&self) -> &Name {
        &self.server
    }

    /// Where the server is.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether the server may be spoken to with outdated algorithms.
    pub fn legacy_algorithms(&self) -> LegacyAlgorithms {
        self.legacy_algorithms
    }

    /// What is granted.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The public keys registered for the person, in OpenSSH's one-line form. If there are any, one must be proved.
    pub fn registered_keys(&self) -> &[String] {
        &self.keys
    }

    /// Decides on the same way to the same server again, now.
    pub(crate) fn decide_now(&self) -> Decision {
        let gate = self.accepted.gate();
        let destination = match self.proxy {
            Some(proxy) => Destination::ServerAt(self.grant.server, proxy),
            None => Destination::Server(self.grant.server),
        };
        let request = Request {
            destination,
            at: gate.clock().now(),
            ..self.request.clone()
        };
        timed(request.protocol, || {
            decide_again(&gate.directory(), self.grant.user, &request)
        })
    }

    /// The same, decided again now: the grant, the server's address and the person's keys as they are at this moment.
    ///
    /// # Errors
    /// The access has ended since.
    pub fn again(&self) -> Result<Self, Box<Denial>> {
        let grant = match self.decide_now() {
            Decision::Allow(grant) => grant,
            Decision::Deny(denial) => return Err(Box::new(denial)),
        };
        let directory = self.accepted.gate().directory();
        let Some(server) = directory.server(grant.server) else {
            return Err(Box::new(missing(&grant)));
        };
        Ok(Self {
            target: target_of(server, self.accepted.protocol()),
            legacy_algorithms: server.legacy_algorithms,
            keys: directory.user_keys(grant.user).to_vec(),
            grant,
            ..self.clone()
        })
    }

    /// Whether a stored credential may be used by a person who gave this proof.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub async fn has_credential(&self, proof: Proof) -> Result<bool, StoreError> {
        Ok(self.credential(proof).await?.is_some())
    }

    pub(crate) async fn credential(&self, proof: Proof) -> Result<Option<StoredCredential>, StoreError> {
        let store = self.accepted.gate().store();
        let stored = in_time(store.credential_for(self.grant.server, &self.login)).await?;
        Ok(stored.filter(|found| proof.satisfies(found.trust)))
    }

    /// Writes into the book that an allowed person could not log in, where not even a recording was begun.
    pub async fn report_failure(&self, reason: &str, sentence: &str) {
        let gate = self.accepted.gate();
        let actor = Actor::user(&self.user, Some(self.accepted.source()));
        let draft = Draft::new(Action::SessionFailed, &actor, gate.clock().now())
            .user(&self.user)
            .server(&self.server)
            .outcome(Outcome::Failed)
            .reason(reason)
            .detail("sentence", sentence);
        if let Err(error) = in_time(gate.store().record(draft)).await {
            tracing::error!(%error, "a failed login could not be written down");
        }
    }

    /// Makes the recording and the row `opening`: the only way towards the target.
    ///
    /// # Errors
    /// No recording, no session: the disk or the database cannot take it.
    pub async fn record(self) -> Result<Recording, OpenError> {
        Recording::open(self).await
    }
}
