// A server bounded as every server of the program is: run under `ulimit -n`. Says its port and its bound; then, for each
// line on stdin, how many connections it refused and whether a file can be opened.
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { boundConnections } from "../../dist/src/system/index.js";

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
let refused = 0;
const server = createServer((socket) => socket.on("error", () => {}).write("here\n"));
server.listen(0, "127.0.0.1");
await once(server, "listening");
boundConnections(server, { most: 1000, onRefused: () => refused++ });
say({ port: server.address().port, most: server.maxConnections });
createInterface({ input: process.stdin }).on("line", () => {
  closeSync(openSync("/dev/null", "r"));
  say({ refused });
});
