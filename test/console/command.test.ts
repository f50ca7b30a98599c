import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { boxIou } from "../../src/geometry/index.js";
import { repository } from "../support/python.js";
import { command, demoBag, signIn, trueBox } from "./support/console.js";

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill("SIGKILL");
});

/** Runs the program as a user does. */
function run(...args: string[]) {
  const started = spawn(
    process.execPath,
    [join(repository, "bin", "grasp-grounding.mjs"), "console", ...args, "--no-audit"],
    {
      env: { ...process.env, GRASP_GROUNDING_SETUP: "skip" },
    },
  );
  child = started;
  let output = "";
  const exited = new Promise<number | null>((resolve) => started.once("exit", (code) => resolve(code)));
  started.stdout.on("data", (chunk) => {
    output += chunk;
  });
  started.stderr.on("data", (chunk) => {
    output += chunk;
  });
  return { exited, output: () => output, stop: () => started.kill("SIGINT") };
}

it("serves the bundled demo with the bundled model, and ends cleanly at Ctrl-C", async () => {
  const program = run("--port", "0", "--paused", "--metrics", "0");
  await expect
    .poll(program.output, { timeout: 60_000 })
    .toMatch(/console: http:\/\/127\.0\.0\.1:\d+\/ \(Ctrl-C/);
  const url = /http:\S+\//.exec(program.output())?.[0] ?? "";
  const { cookie } = await signIn(url);
  // The address is printed before the first image is read.
  await expect
    .poll(async () => (await fetch(`${url}api/frame.jpg`, { headers: { cookie } })).status)
    .toBe(200);
  const asked = await command(url, cookie, { name: "ask", query: "the banana" });
  expect(asked.status).toBe(200);
  const answer = asked.body.result as {
    text: string;
    stamp: string;
    result: { model: string; found: boolean; detections: { box: [number, number, number, number] }[] };
  };
  expect(answer.result.model).toBe("lite");
  expect(answer.text).toMatch(/^found/);
  const [best] = answer.result.detections;
  expect(boxIou(best?.box ?? [0, 0, 0, 0], trueBox(answer.stamp, "banana"))).toBeGreaterThan(0.5);
  const served = /metrics: (\S+)/.exec(program.output())?.[1] ?? "";
  const metrics = await (await fetch(served)).text();
  expect(metrics).toContain('grasp_grounding_answers_total{outcome="found"} 1');
  expect(metrics).not.toContain("banana");
  program.stop();
  expect(await program.exited).toBe(0);
});

it("says in one line when the port is taken, the address needs a token or the bag is not there", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as { port: number };
  const busy = run(demoBag, "--port", String(port));
  expect(await busy.exited).toBe(1);
  expect(busy.output()).toMatch(
    /^grasp-grounding: the console cannot listen on 127\.0\.0\.1:\d+ .*--port\n$/,
  );
  taken.close();
  const open = run("--host", "0.0.0.0");
  expect(await open.exited).toBe(2);
  expect(open.output()).toContain("GRASP_GROUNDING_OPERATOR_TOKEN");
  const missing = run("nowhere.mcap");
  expect(await missing.exited).toBe(1);
  expect(missing.output().trim().split("\n")).toHaveLength(1);
});
