"""An SSH server by AsyncSSH, told by one JSON object how it is to be: address, port, key (its host key's file), and
optionally authorized (public keys), password, rounds (of keyboard-interactive: lists of [prompt, shown, answer]), banner
(a text before the login), signature_algs (what users' RSA keys may sign with), delay (seconds before each answer of the login and each channel)."""

import asyncio
import json
import sys

import asyncssh
from asyncssh.rsa import RSAKey

setup = json.loads(sys.argv[1])


async def dawdle():
    await asyncio.sleep(setup.get("delay", 0))


class Server(asyncssh.SSHServer):
    def connection_made(self, connection):
        self.connection = connection
        self.round = 0

    async def begin_auth(self, username):
        if "banner" in setup:
            self.connection.send_auth_banner(setup["banner"])
        await dawdle()
        return True

    def public_key_auth_supported(self):
        return "authorized" in setup

    def password_auth_supported(self):
        return "password" in setup

    async def validate_password(self, username, password):
        await dawdle()
        return password == setup["password"]

    def kbdint_auth_supported(self):
        return "rounds" in setup

    async def get_kbdint_challenge(self, username, lang, submethods):
        await dawdle()
        self.round = 0
        return self.challenge()

    def challenge(self):
        prompts = [(prompt, shown) for prompt, shown, _ in setup["rounds"][self.round]]
        return f"Round {self.round + 1}", "Answer\x1b[2J truly.", "", prompts

    async def validate_kbdint_response(self, username, responses):
        await dawdle()
        if list(responses) != [answer for _, _, answer in setup["rounds"][self.round]]:
            return False
        self.round += 1
        return self.round == len(setup["rounds"]) or self.challenge()

    async def session_requested(self):
        await dawdle()
        return asyncssh.SSHServerProcess(serve, asyncssh.SFTPServer, 3, True)


async def serve(process):
    if process.command == "wait for a signal":
        process.stdout.write(b"waiting\n")
        try:
            await process.stdin.read()
        except asyncssh.SignalReceived as received:
            process.stdout.write(f"got {received.signal}\n".encode())
        except asyncssh.BreakReceived:
            process.stdout.write(b"got a break\n")
        process.exit(0)
        return
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_shell(process.command or "sh", stdin=pipe, stdout=pipe, stderr=pipe)
    await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr, send_eof=False)
    await process.stdout.drain()
    await process.stderr.drain()
    code = await child.wait()
    if code < 0:
        process.exit_with_signal({15: "TERM", 9: "KILL"}.get(-code, "HUP"))
    else:
        process.exit(code)


async def main():
    if "signature_algs" in setup:
        # By itself the library only says what it would like.
        RSAKey.all_sig_algorithms = {name.encode() for name in setup["signature_algs"]}
    listener = await asyncssh.create_server(
        Server,
        setup["address"],
        setup["port"],
        server_host_keys=[setup["key"]],
        authorized_client_keys=setup.get("authorized"),
        encoding=None,
        config=None,
        **{name: setup[name] for name in ("signature_algs",) if name in setup},
    )
    await listener.wait_closed()


asyncio.run(main())
