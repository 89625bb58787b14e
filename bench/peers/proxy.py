"""An SSH proxy of Paramiko, to compare with: it lets any key in, logs in at one server with a key of its own, and
relays session channels. It records nothing and checks no host key.

proxy.py LISTEN-ADDRESS LISTEN-PORT SERVER-ADDRESS SERVER-PORT LOGIN KEYFILE; prints "ready" when it listens.
"""

import os
import socket
import sys
import threading

import paramiko

CHUNK = 32768


def background(work, *words):
    threading.Thread(target=work, args=words, daemon=True).start()


def pour(read, write, done):
    try:
        while data := read(CHUNK):
            write(data)
    except (OSError, EOFError):
        pass
    done()


class Session(paramiko.ServerInterface):
    """One client's connection; each of its channels has a channel at the server."""

    def __init__(self, server, login, key):
        self.backend = paramiko.Transport(socket.create_connection(server))
        self.backend.connect(username=login, pkey=key)
        self.there = {}

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        if kind != "session":
            return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        self.there[chanid] = self.backend.open_session()
        return paramiko.OPEN_SUCCEEDED

    def check_channel_pty_request(self, channel, term, width, height, pixel_width, pixel_height, modes):
        there = self.there[channel.get_id()]
        there.get_pty(term.decode() if isinstance(term, bytes) else term, width, height)
        return True

    def check_channel_window_change_request(self, channel, width, height, pixel_width, pixel_height):
        self.there[channel.get_id()].resize_pty(width, height)
        return True

    def check_channel_shell_request(self, channel):
        return self.begin(channel, lambda there: there.invoke_shell())

    def check_channel_exec_request(self, channel, command):
        return self.begin(channel, lambda there: there.exec_command(command))

    def check_channel_subsystem_request(self, channel, name):
        return self.begin(channel, lambda there: there.invoke_subsystem(name))

    def begin(self, here, start):
        there = self.there[here.get_id()]
        start(there)
        background(self.relay, here, there)
        return True

    def relay(self, here, there):
        background(pour, here.recv, there.sendall, there.shutdown_write)
        errors = threading.Thread(
            target=pour, args=(there.recv_stderr, here.sendall_stderr, lambda: None), daemon=True
        )
        errors.start()
        pour(there.recv, here.sendall, lambda: None)
        errors.join()
        here.send_exit_status(there.recv_exit_status())
        here.shutdown_write()
        here.close()
        there.close()


def serve(client, host_key, server, login, key):
    transport = paramiko.Transport(client)
    transport.add_server_key(host_key)
    session = Session(server, login, key)
    try:
        transport.start_server(server=session)
        transport.join()
    finally:
        session.backend.close()


def main():
    listen, listen_port, address, port, login, keyfile = sys.argv[1:]
    key = paramiko.Ed25519Key.from_private_key_file(keyfile)
    host_key = paramiko.ECDSAKey.generate()
    listener = socket.create_server((listen, int(listen_port)))
    print("ready", flush=True)
    background(until_left_alone)
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        background(serve, client, host_key, (address, int(port)), login, key)


def until_left_alone():
    """Ends with the one who started it."""
    sys.stdin.buffer.read()
    os._exit(0)


main()
