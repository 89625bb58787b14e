"""Every channel type and request through the gate, by hand: told by one JSON object, runs a server (address, port, key) and a
client of it through the gate (gate, gate_port, source, login), sends each of probes ([kind, from, name]) and prints what came of
it: the answer (success, failure or null where none is asked for) and whether the other side got it. With refusing, the server refuses
what is probed. A second answer to anything ends the run. Only transport and login are the library's; the connection protocol (RFC 4254) is spoken here."""

import asyncio
import json
import sys
from collections import defaultdict

import asyncssh
from asyncssh.packet import Boolean, Byte, String, UInt32

setup = json.loads(sys.argv[1])
PATIENCE = 60
PASSWORD = "the password"

OPEN, CONFIRMATION, FAILURE = 90, 91, 92
CLOSE, CHANNEL_REQUEST, CHANNEL_SUCCESS, CHANNEL_FAILURE = 97, 98, 99, 100
GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 80, 81, 82
CHANNEL, REQUEST, GLOBAL = "channel", "channel request", "global request"

FORWARD = String("localhost") + UInt32(setup["forward_port"])
SOCKET = String("/run/probe.sock")
ORIGIN = String("127.0.0.1") + UInt32(4000)

# What follows each name, as RFC 4254, RFC 4335 and OpenSSH's PROTOCOL say.
BODIES = {
    (CHANNEL, "session"): b"",
    (CHANNEL, "direct-tcpip"): String("10.20.30.40") + UInt32(80) + ORIGIN,
    (CHANNEL, "direct-streamlocal@openssh.com"): SOCKET + String("") + UInt32(0),
    (CHANNEL, "forwarded-tcpip"): FORWARD + ORIGIN,
    (CHANNEL, "forwarded-streamlocal@openssh.com"): SOCKET + String(""),
    (CHANNEL, "x11"): ORIGIN,
    (CHANNEL, "auth-agent@openssh.com"): b"",
    (CHANNEL, "tun@openssh.com"): UInt32(1) + UInt32(0),
    (REQUEST, "pty-req"): String("xterm") + UInt32(80) + UInt32(24) + UInt32(0) * 2 + String(b"\0"),
    (REQUEST, "x11-req"): Boolean(False) + String("MIT-MAGIC-COOKIE-1") + String("00" * 16) + UInt32(0),
    (REQUEST, "env"): String("LANG") + String("C"),
    (REQUEST, "shell"): b"",
    (REQUEST, "exec"): String("true"),
    (REQUEST, "subsystem"): String("probe"),
    (REQUEST, "window-change"): UInt32(100) + UInt32(30) + UInt32(0) * 2,
    (REQUEST, "signal"): String("USR1"),
    (REQUEST, "break"): UInt32(500),
    (REQUEST, "auth-agent-req@openssh.com"): b"",
    (REQUEST, "eow@openssh.com"): b"",
    (REQUEST, "xon-xoff"): Boolean(True),
    (REQUEST, "exit-status"): UInt32(3),
    (REQUEST, "exit-signal"): String("TERM") + Boolean(False) + String("") * 2,
    (REQUEST, "keepalive@openssh.com"): b"",
    (GLOBAL, "tcpip-forward"): FORWARD,
    (GLOBAL, "cancel-tcpip-forward"): FORWARD,
    (GLOBAL, "streamlocal-forward@openssh.com"): SOCKET,
    (GLOBAL, "cancel-streamlocal-forward@openssh.com"): SOCKET,
    (GLOBAL, "no-more-sessions@openssh.com"): b"",
    (GLOBAL, "hostkeys-prove-00@openssh.com"): String("no key"),
    (GLOBAL, "hostkeys-00@openssh.com"): String("no key"),
    (GLOBAL, "keepalive@openssh.com"): b"",
    # In no table.
    (CHANNEL, "unheard-of@example.com"): b"",
    (REQUEST, "unheard-of@example.com"): b"",
    (GLOBAL, "unheard-of@example.com"): b"",
}

# Those that are never answered: sections 6.7 to 6.10 and OpenSSH's announcement of keys.
UNANSWERED = {"window-change", "signal", "xon-xoff", "exit-status", "exit-signal", "hostkeys-00@openssh.com"}
# What must have been asked for before, and, for requests that only count with something started, after.
BEFORE = {
    "window-change": ["pty-req", "shell"],
    "signal": ["shell"],
    "break": ["shell"],
    "x11": ["x11-req", "shell"],
    "auth-agent@openssh.com": ["auth-agent-req@openssh.com", "shell"],
    "forwarded-tcpip": ["tcpip-forward"],
    "cancel-tcpip-forward": ["tcpip-forward"],
    "forwarded-streamlocal@openssh.com": ["streamlocal-forward@openssh.com"],
    "cancel-streamlocal-forward@openssh.com": ["streamlocal-forward@openssh.com"],
}
THEN_STARTED = {"pty-req", "x11-req", "env", "auth-agent-req@openssh.com"}
UNDONE_BY = {
    "tcpip-forward": "cancel-tcpip-forward",
    "streamlocal-forward@openssh.com": "cancel-streamlocal-forward@openssh.com",
}


class Channels:
    """Stands where the library looks for the handler of a channel's packet."""

    def __init__(self, peer):
        self.peer = peer

    def __getitem__(self, number):
        return Handler(self.peer, number)

    def values(self):
        return []


class Handler:
    def __init__(self, peer, number):
        self.peer, self.number = peer, number

    def log_received_packet(self, *_):
        pass

    def process_packet(self, kind, _, packet):
        self.peer.on_channel(kind, self.number, packet)
        return True


class Peer:
    """One side of a connection."""

    def __init__(self, connection):
        self.connection = connection
        self.theirs = {}  # the other side's number of each channel of ours
        self.opened = {}  # channels the other side has yet to answer
        self.answers = defaultdict(list)  # requests it has yet to answer, by channel
        self.got = asyncio.Queue()
        self.refused = set()
        self.closed = set()
        self.next = 0
        own = {
            OPEN: self.on_open,
            GLOBAL_REQUEST: self.on_global,
            **{kind: self.on_global_answer for kind in (REQUEST_SUCCESS, REQUEST_FAILURE)},
            **{kind: self.on_opened for kind in (CONFIRMATION, FAILURE)},
        }
        wrapped = {kind: (lambda _, t, __, packet, own=own: own[t](t, packet)) for kind in own}
        connection._packet_handlers = {**connection._packet_handlers, **wrapped}
        connection._channels = Channels(self)

    def send(self, kind, *parts):
        self.connection.send_packet(kind, *parts)

    def number(self):
        self.next += 1
        return self.next - 1

    async def open(self, name, body):
        """Opens a channel; its number, or None if that is refused."""
        number, answer = self.number(), asyncio.get_running_loop().create_future()
        self.opened[number] = answer
        self.send(OPEN, String(name), UInt32(number), UInt32(1 << 21), UInt32(1 << 15), body)
        return number if await asyncio.wait_for(answer, PATIENCE) else None

    async def ask(self, channel, name, body, answered=True):
        """Sends a request, on a channel or a global one; the answer."""
        kind = [GLOBAL_REQUEST] if channel is None else [CHANNEL_REQUEST, UInt32(self.theirs[channel])]
        answer = asyncio.get_running_loop().create_future()
        if answered:
            self.answers[channel].append(answer)
        self.send(*kind, String(name), Boolean(answered), body)
        return await asyncio.wait_for(answer, PATIENCE) if answered else None

    def close(self, channel):
        if channel is not None and channel not in self.closed:
            self.closed.add(channel)
            self.send(CLOSE, UInt32(self.theirs[channel]))

    def on_open(self, _, packet):
        name = packet.get_string().decode()
        theirs = packet.get_uint32()
        self.got.put_nowait((CHANNEL, name, None))
        if (CHANNEL, name) in self.refused:
            self.send(FAILURE, UInt32(theirs), UInt32(2), String("not wanted"), String(""))
            return
        number = self.number()
        self.theirs[number] = theirs
        self.send(CONFIRMATION, UInt32(theirs), UInt32(number), UInt32(1 << 21), UInt32(1 << 15))

    def on_opened(self, kind, packet):
        number = packet.get_uint32()
        if kind == CONFIRMATION:
            self.theirs[number] = packet.get_uint32()
        self.opened.pop(number).set_result(kind == CONFIRMATION)

    def on_global(self, _, packet):
        name, answered = packet.get_string().decode(), packet.get_boolean()
        self.got.put_nowait((GLOBAL, name, None))
        if answered:
            self.send(REQUEST_FAILURE if (GLOBAL, name) in self.refused else REQUEST_SUCCESS)

    def on_global_answer(self, kind, _):
        self.answers[None].pop(0).set_result(kind == REQUEST_SUCCESS)

    def on_channel(self, kind, number, packet):
        if kind == CHANNEL_REQUEST:
            name, answered = packet.get_string().decode(), packet.get_boolean()
            self.got.put_nowait((REQUEST, name, number))
            if answered:
                refused = (REQUEST, name) in self.refused
                self.send(CHANNEL_FAILURE if refused else CHANNEL_SUCCESS, UInt32(self.theirs[number]))
        elif kind in (CHANNEL_SUCCESS, CHANNEL_FAILURE):
            self.answers[number].pop(0).set_result(kind == CHANNEL_SUCCESS)
        elif kind == CLOSE:
            self.close(number)

    async def arrives(self, kind, name):
        """Waits until the other side's packet is here; the number of its channel."""
        while True:
            got = await asyncio.wait_for(self.got.get(), PATIENCE)
            if got[:2] == (kind, name):
                return got[2]

    def arrived(self, kind, name):
        """Whether it is here; all that is here is forgotten."""
        found = False
        while not self.got.empty():
            found |= self.got.get_nowait()[:2] == (kind, name)
        return found


class Client(asyncssh.SSHClient):
    def connection_lost(self, error):
        print(f"the client's connection has ended: {error!r}", file=sys.stderr)


class Server(asyncssh.SSHServer):
    peer = None

    def connection_made(self, connection):
        self.connection = connection

    def connection_lost(self, error):
        print(f"the server's connection has ended: {error!r}", file=sys.stderr)

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        if password == PASSWORD:
            Server.peer = Peer(self.connection)
            return True
        return False


class Probe:
    def __init__(self, client, server):
        self.client, self.server = client, server

    async def started(self, requests):
        """A session channel with these requests; its numbers at the client and at the server."""
        self.server.arrived(None, None)
        near = await self.client.open("session", b"")
        for name in requests:
            await self.client.ask(near, name, BODIES[REQUEST, name])
        far = await self.server.arrives(REQUEST, requests[-1]) if requests else None
        return near, far

    async def barrier(self):
        """Whatever was sent before has come to where it goes: both ways, a question and its answer."""
        near = await self.client.open("session", b"")
        await self.client.ask(near, "exec", String("true"))
        self.client.close(near)
        assert await self.server.open("session", b"") is None

    async def run(self, kind, side, name):
        own, other = (self.client, self.server) if side == "client" else (self.server, self.client)
        body = BODIES[kind, name]
        before = BEFORE.get(name, [])
        asked = [each for each in before if (REQUEST, each) in BODIES]
        session = None
        for each in before:
            if (GLOBAL, each) in BODIES:
                await self.client.ask(None, each, BODIES[GLOBAL, each])
        if kind == REQUEST:
            plain = side == "client" and name in THEN_STARTED | {"shell", "exec", "subsystem"}
            session = await self.started([] if plain else asked or ["shell"])
        elif asked:
            session = await self.started(asked)
        await self.barrier()
        other.arrived(None, None)
        if setup["refusing"]:
            other.refused.add((kind, name))
        answer = await self.probe(own, kind, name, body, session[own is self.server] if session else None)
        other_saw = await self.saw(other, kind, side, name, session)
        other.refused.clear()
        for undo in [each for each in [*before, name] if each in UNDONE_BY]:
            await self.client.ask(None, UNDONE_BY[undo], BODIES[GLOBAL, UNDONE_BY[undo]])
        if session:
            self.client.close(session[0])
        return {"answer": answer, "arrived": other_saw}

    async def probe(self, own, kind, name, body, channel):
        if kind == CHANNEL:
            opened = await own.open(name, body)
            own.close(opened)
            return word(opened is not None)
        on = None if kind == GLOBAL else channel
        return word(await own.ask(on, name, body, name not in UNANSWERED))

    async def saw(self, other, kind, side, name, session):
        if kind == REQUEST and name in THEN_STARTED and other is self.server:
            await self.client.ask(session[0], "shell", b"")
        if [kind, side, name] in setup["passed_unanswered"]:
            await other.arrives(kind, name)
            return True
        await self.barrier()
        return other.arrived(kind, name)


def word(answer):
    return {True: "success", False: "failure", None: None}[answer]


async def main():
    await asyncssh.create_server(
        Server, setup["address"], setup["port"], server_host_keys=[setup["key"]], encoding=None, config=None
    )
    async with asyncssh.connect(
        setup["gate"],
        setup["gate_port"],
        client_factory=Client,
        local_addr=(setup["source"], 0),
        username=setup["login"],
        password=PASSWORD,
        known_hosts=None,
        config=None,
        client_keys=None,
        agent_path=None,
    ) as connection:
        probe = Probe(Peer(connection), Server.peer)
        seen = []
        for kind, side, name in setup["probes"]:
            try:
                seen.append(await probe.run(kind, side, name))
            except Exception as error:
                raise RuntimeError(f"at the {kind} {name} from the {side}") from error
        print(json.dumps(seen))
        connection.abort()


asyncio.run(main())
