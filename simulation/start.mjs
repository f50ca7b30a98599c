// `npm run sim`: the simulated cell, the node with its arm allowed to move, and a prompt (and the console, where the node has
// one). `npm run sim -- "pick up the yellow mug"` runs that query alone and ends. Ctrl-C ends all.
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { root } from "../scripts/lib/setup.mjs";
import { inRos, rosEnvironment, setUpSimulation } from "./environment.mjs";

const usage = `npm run sim [-- options] [-- "a query"]
  --scene N     objects on the table: 0 the demo's, other numbers drawn at random (default 0)
  --seed N      seed of the random scenes (default 1)
  --camera W    where the camera is: opposite (the arm) or hand (default opposite)
  --model NAME  grounding model (default: the bundled one)
  --speed X     simulated seconds in a second (default 1)`;

const options = { scene: "0", seed: "1", speed: "1.0", camera: "opposite", model: "lite" };
const queries = [];
for (let args = process.argv.slice(2), arg = args.shift(); arg !== undefined; arg = args.shift()) {
  const name = arg.replace(/^--/, "");
  if (arg === "--help" || (arg.startsWith("--") && !(name in options && args.length > 0))) {
    process.stderr.write(`${usage}\n`);
    process.exit(arg === "--help" ? 0 : 2);
  }
  if (arg.startsWith("--")) options[name] = args.shift();
  else queries.push(arg);
}
if (!["opposite", "hand"].includes(options.camera)) {
  process.stderr.write(`--camera is opposite or hand, not ${options.camera}\n`);
  process.exit(2);
}
if (!/^\d+(\.\d*)?$/.test(options.speed)) options.speed = "1.0";
if (!options.speed.includes(".")) options.speed += ".0";

const say = (text) => process.stderr.write(`sim: ${text}\n`);
const python = await setUpSimulation();
const env = rosEnvironment();
const children = [];
let leaving = false;

/** Starts a program of the simulation; `name` goes before its lines. */
function start(name, args, { input = "ignore", echo = true } = {}) {
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: [input, "pipe", "pipe"] });
  children.push(child);
  const heard = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => {
      heard.push(line);
      if (echo && !leaving) process.stdout.write(name === "" ? `${line}\n` : `${name}: ${line}\n`);
    });
  child.ended = new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
  void child.ended.then((code) => {
    if (leaving) return;
    if (name !== "") say(`${name} ended with code ${code}`);
    void leave(name === "" ? code : 1);
  });
  /** Waits for a line. */
  child.says = async (pattern, seconds) => {
    const until = performance.now() + seconds * 1e3;
    while (!heard.some((line) => pattern.test(line))) {
      if (leaving) await new Promise(() => {});
      if (performance.now() > until) {
        say(`${name} did not get ready in ${seconds} s`);
        await leave(1);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return child;
}

async function leave(code) {
  if (leaving) return;
  leaving = true;
  for (const child of children) if (child.exitCode === null) child.kill("SIGINT");
  const late = setTimeout(() => {
    for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
  }, 8_000);
  await Promise.all(children.map((child) => child.ended));
  clearTimeout(late);
  process.exit(code);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => void leave(0));

say("starting the cell …");
const { scene, seed, speed, camera } = options;
const parameters = { scene, seed, speed, camera };
const rosArgs = Object.entries(parameters).flatMap(([name, value]) => ["-p", `${name}:=${value}`]);
const cell = start("cell", inRos(python, "simulation/cell", "--ros-args", ...rosArgs));
await cell.says(/^ready$/, 60);

const program = "bin/grasp-grounding.mjs";
const help = spawnSync(process.execPath, [program, "node", "--help"], { cwd: root, encoding: "utf8" });
const console_ = help.stdout.includes("--console") ? ["--console"] : [];
say("starting the node …");
const node = start("node", [
  program,
  "node",
  ...console_,
  "--ros-args",
  "--params-file",
  "simulation/node.yaml",
  "-p",
  `model:=${options.model}`,
  // As on a robot: where the camera is on the hand is known from a calibration.
  ...(camera === "hand" ? ["-p", "hand_eye_file:=simulation/hand_eye.yaml"] : []),
]);
await node.says(/arm panda/, 90);

const ask = start("", inRos(python, "simulation/ask.py", ...queries), {
  input: queries.length > 0 ? "ignore" : "pipe",
});
if (queries.length === 0) {
  process.stdin.on("data", (chunk) => ask.stdin.write(chunk));
  process.stdin.on("end", () => ask.stdin.end());
}
