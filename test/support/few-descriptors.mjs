// Makes connections to a worker with 0, 1, 2, … descriptors left, then says what is open: run under `ulimit -n`.
import { closeSync, openSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [, , endpoint] = process.argv;
const { WorkerConnection } = await import("../../dist/src/inference/zmq/worker-connection.js");
const hash = "0".repeat(64);
const model = { name: "none", hashes: { encoder: hash, text: hash, decoder: hash } };
const events = { onAnswer() {}, onLost() {}, onState() {}, onDropped() {} };
const make = () => new WorkerConnection(endpoint, model, 1000, {}, events);
const open = () => readdirSync("/proc/self/fd").length;

// What is made once for all stays open.
make().close();
await sleep(200);
const before = open();
const made = [];
for (let left = 0; left < 24; left++) {
  const held = [];
  try {
    for (;;) held.push(openSync("/dev/null", "r"));
  } catch {}
  for (let i = 0; i < left; i++) closeSync(held.pop());
  try {
    make().close();
    made.push(true);
  } catch (error) {
    if (error.code !== "EMFILE") throw error;
    made.push(false);
  } finally {
    for (const descriptor of held) closeSync(descriptor);
  }
  await sleep(20);
}
// And with enough of them as often as one likes.
for (let i = 0; i < 10; i++) make().close();
await sleep(300);
process.stdout.write(JSON.stringify({ made, before, after: open() }));
