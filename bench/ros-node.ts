import { type NodeObserver, runNode } from "../src/ros/index.js";

/** The node of `bench ros` in its own process: receives for some seconds and prints its measurements as JSON. */
const [seconds = "8", kind = "depth"] = process.argv.slice(2);
const warmUp = 15;
const depth = kind === "depth";
const capacity = 1 << 16;
const latencies = new SharedArrayBuffer(8 * capacity);
const values = new Float64Array(latencies);
const stop = new AbortController();

let began: { readonly at: number; readonly cpu: NodeJS.CpuUsage; readonly frames: number } | undefined;
const memory: number[] = [];
let own: Readonly<Record<string, unknown>> = {};

/** Reads the node's own figures on /diagnostics. */
const observer: NodeObserver = {
  wantsFrame: () => false,
  wantsAnswers: () => false,
  frame: () => {},
  answered: () => {},
  log: () => {},
  parametersChanged: () => {},
  diagnostics: (statuses) => {
    own = statuses.find(({ name }) => name === "pipeline")?.values ?? own;
  },
};

const timer = setInterval(() => {
  const frames = values[0] ?? 0;
  if (began === undefined) {
    if (frames >= warmUp) began = { at: performance.now(), cpu: process.cpuUsage(), frames };
    return;
  }
  memory.push(process.memoryUsage.rss() / 2 ** 20);
  const elapsed = (performance.now() - began.at) / 1e3;
  if (elapsed < Number(seconds)) return;
  clearInterval(timer);
  const { user, system } = process.cpuUsage(began.cpu);
  const quarter = memory.slice(0, Math.ceil(memory.length / 4));
  process.stdout.write(
    `${JSON.stringify({
      seconds: elapsed,
      cpu: (user + system) / 1e6,
      latencies: [...values.subarray(began.frames + 1, Math.min(capacity, frames + 1))],
      handOver: { p50: Number(own.hand_over_ms_p50), p99: Number(own.hand_over_ms_p99) },
      dropped: Number(own.dropped),
      memoryGrowth: Math.max(...memory.slice(-quarter.length)) - Math.max(...quarter),
    })}\n`,
  );
  stop.abort();
}, 100);
setTimeout(() => stop.abort(), (Number(seconds) + 60) * 1e3).unref();

process.exitCode = await runNode({
  signal: stop.signal,
  observer,
  rosArgs: ["--ros-args", "-p", "query:=anything", "-p", `use_depth:=${depth}`, "--log-level", "warn"],
  pipeline: () => ({
    module: new URL("./ros-pipeline.js", import.meta.url).href,
    options: { latencies, depth },
  }),
});
clearInterval(timer);
