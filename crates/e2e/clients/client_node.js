// What a program with Node's ssh2 does: HOST PORT SOURCE LOGIN FOLDER, the agent in SSH_AUTH_SOCK. Prints one JSON object
// of what it saw. FOLDER is one on the server.
"use strict";

const crypto = require("crypto");
const { promisify } = require("util");
const { Client } = require("ssh2");

const [host, port, localAddress, username, folder] = process.argv.slice(2);
const digest = (data) => crypto.createHash("sha256").update(data).digest("hex");
const block = Buffer.from(Array.from({ length: 2000000 }, (_, at) => (at * 31) & 255));

function run(client, command, options = {}, input = "") {
  return new Promise((resolve, reject) => {
    client.exec(command, options, (error, stream) => {
      if (error) return reject(error);
      const out = [];
      const err = [];
      stream.on("data", (data) => out.push(data));
      stream.stderr.on("data", (data) => err.push(data));
      stream.on("close", (code) =>
        resolve([code, Buffer.concat(out).toString("latin1"), Buffer.concat(err).toString("latin1")])
      );
      stream.end(input);
    });
  });
}

async function all(client) {
  const seen = { exec: await run(client, "echo out; echo err >&2; exit 7") };
  const [code, back] = await run(client, "cat", {}, block);
  seen.cat = [code, digest(Buffer.from(back, "latin1"))];
  seen.pty = await run(client, "stty size; exit 3", { pty: { rows: 50, cols: 200, term: "xterm" } });
  seen.many = await Promise.all(Array.from({ length: 12 }, (_, n) => run(client, `echo ${n}; exit ${n}`)));
  const sftp = await promisify(client.sftp.bind(client))();
  await promisify(sftp.writeFile.bind(sftp))(`${folder}/node.bin`, block);
  seen.sftp = digest(await promisify(sftp.readFile.bind(sftp))(`${folder}/node.bin`));
  console.log(JSON.stringify(seen));
}

const client = new Client();
client.on("ready", () => {
  all(client).then(
    () => client.end(),
    (error) => {
      console.error(error);
      process.exit(1);
    }
  );
});
client.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
client.connect({ host, port, localAddress, username, agent: process.env.SSH_AUTH_SOCK, agentForward: true });
