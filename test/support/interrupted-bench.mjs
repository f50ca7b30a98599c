// A bench that is interrupted: starts a worker, a peer and the peer's own child, says which, and waits. Usage: interrupted-bench.mjs MODEL
import { once } from "node:events";
import { join } from "node:path";
import { scratchFolder, startChild } from "../../dist/bench/children.js";
import { WorkerProcess } from "../../dist/bench/worker-process.js";

const folder = await scratchFolder("interrupted");
const worker = await WorkerProcess.start(`ipc://${join(folder, "worker")}`, ["--model", process.argv[2]]);
const peer = startChild("sh", ["-c", "sleep 600 & echo $!; wait"], { stdio: ["ignore", "pipe", "inherit"] });
const [child] = await once(peer.stdout, "data");
process.stdout.write(`${JSON.stringify({ folder, pids: [worker.pid, peer.pid, Number(String(child))] })}\n`);
