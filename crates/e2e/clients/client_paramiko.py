"""What a program with Paramiko does: HOST PORT SOURCE LOGIN FOLDER, the agent in SSH_AUTH_SOCK. Prints one JSON object
of what it saw. FOLDER is one on the server."""

import hashlib
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import paramiko
from paramiko.agent import AgentRequestHandler

host, port, source, login, folder = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
sock = socket.create_connection((host, port), timeout=20, source_address=(source, 0))
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect(host, port, login, sock=sock, look_for_keys=False, timeout=20)
transport = client.get_transport()
# Paramiko closes the agent's connections when the handler of a channel is collected, even under a login in which they
# are in use: handlers are kept to the end.
handlers = []


def channel():
    opened = transport.open_session()
    handlers.append(AgentRequestHandler(opened))
    return opened


def run(command, data=b"", size=None):
    session = channel()
    if size:
        session.get_pty("xterm", *size)
    session.exec_command(command)
    session.sendall(data)
    session.shutdown_write()
    out = session.makefile("rb").read()
    err = session.makefile_stderr("rb").read()
    return [session.recv_exit_status(), out.decode("latin-1"), err.decode("latin-1")]


def hasty(name):
    """What a program sends before it closes at once still arrives."""
    session = channel()
    session.exec_command(f"cat >'{folder}/{name}'")
    session.sendall(b"sent, then closed")
    session.close()


hasty("first")
seen = {"exec": run("echo out; echo err >&2; exit 7")}
block = bytes(range(256)) * 8000
code, back, _ = run("cat", block)
seen["cat"] = [code, hashlib.sha256(back.encode("latin-1")).hexdigest()]
seen["pty"] = run("stty size; exit 3", size=(200, 50))
with ThreadPoolExecutor(12) as pool:
    seen["many"] = list(pool.map(lambda n: run(f"echo {n}; exit {n}"), range(12)))

hasty("later")
for name in ("first", "later"):
    path = f"'{folder}/{name}'"
    seen[name] = run(f"n=0; until [ -s {path} ] || [ $n = 600 ]; do n=$((n+1)); sleep 0.05; done; cat {path}")

session = channel()
session.invoke_subsystem("sftp")
sftp = paramiko.SFTPClient(session)
with sftp.open(f"{folder}/paramiko.bin", "wb") as file:
    file.set_pipelined(True)
    file.write(block)
with sftp.open(f"{folder}/paramiko.bin", "rb") as file:
    file.prefetch()
    seen["sftp"] = hashlib.sha256(file.read()).hexdigest()
with sftp.open(f"{folder}/paramiko.bin", "rb") as file:
    pieces = file.readv([(offset, 100) for offset in range(0, 1_000_000, 5_000)])
    seen["pieces"] = hashlib.sha256(b"".join(pieces)).hexdigest()
names = [f"n{number}" for number in range(60)]
for name in names:
    with sftp.open(f"{folder}/{name}", "w") as file:
        file.write(name)
seen["listed"] = sorted(name for name in sftp.listdir(folder) if name in names)
sftp.rename(f"{folder}/n0", f"{folder}/renamed")
seen["size"] = sftp.stat(f"{folder}/renamed").st_size
sftp.close()
print(json.dumps(seen))
client.close()
