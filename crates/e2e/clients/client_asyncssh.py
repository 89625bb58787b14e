"""What a program with AsyncSSH does: HOST PORT SOURCE LOGIN FOLDER, the agent in SSH_AUTH_SOCK. Prints one JSON object
of what it saw. FOLDER is one on the server."""

import asyncio
import hashlib
import json
import os
import sys

import asyncssh

host, port, source, login, folder = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]


def digest(data):
    return hashlib.sha256(data).hexdigest()


async def load(sftp, number):
    """Some of what sshfs does all the time: write, look, read in pieces, rename, remove."""
    path = f"{folder}/load{number}"
    data = bytes([number]) * 70_000
    async with sftp.open(path, "wb") as file:
        await asyncio.gather(*[file.write(data[at : at + 7_000], at) for at in range(0, len(data), 7_000)])
    attributes = await sftp.stat(path)
    async with sftp.open(path, "rb") as file:
        pieces = await asyncio.gather(*[file.read(7_000, at) for at in range(0, len(data), 7_000)])
    await sftp.rename(path, f"{path}.done")
    await sftp.remove(f"{path}.done")
    return attributes.size == len(data) and b"".join(pieces) == data


async def main():
    async with asyncssh.connect(
        host,
        port,
        local_addr=(source, 0),
        username=login,
        known_hosts=None,
        config=None,
        agent_path=os.environ["SSH_AUTH_SOCK"],
        agent_forwarding=True,
    ) as client:
        seen = {}

        async def run(command, **options):
            done = await client.run(command, encoding=None, **options)
            return [done.exit_status, (done.stdout or b"").decode("latin-1"), (done.stderr or b"").decode("latin-1")]

        seen["exec"] = await run("echo out; echo err >&2; exit 7")
        block = bytes(range(256)) * 8000
        code, back, _ = await run("cat", input=block)
        seen["cat"] = [code, digest(back.encode("latin-1"))]
        seen["pty"] = await run("stty size; exit 3", term_type="xterm", term_size=(200, 50))
        seen["many"] = await asyncio.gather(*[run(f"echo {n}; exit {n}") for n in range(12)])
        killed = await client.run("kill -TERM $$")
        seen["signal"] = killed.exit_signal[0] if killed.exit_signal else killed.exit_status
        async with client.start_sftp_client() as sftp:
            seen["load"] = await asyncio.gather(*[load(sftp, number) for number in range(40)])
            local = os.path.join(os.environ["HOME"], "tree")
            os.makedirs(os.path.join(local, "a/b"), exist_ok=True)
            for name in ("one", "a/two", "a/b/three"):
                with open(os.path.join(local, name), "wb") as file:
                    file.write(name.encode() * 1000)
            await sftp.put(local, f"{folder}/asyncssh", recurse=True)
            await sftp.get(f"{folder}/asyncssh", f"{local}.back", recurse=True)
            with open(f"{local}.back/a/b/three", "rb") as file:
                seen["tree"] = digest(file.read())
        print(json.dumps(seen))


asyncio.run(main())
