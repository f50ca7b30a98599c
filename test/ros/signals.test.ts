import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ArmCell, armParameters } from "./support/arm-cell.js";
import { domain, NodeProcess, Peer } from "./support/peer.js";

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1e3));
const root = fileURLToPath(new URL("../..", import.meta.url));
const aborted = 6;

/** Whether a process lives; a zombie does not. */
function lives(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat[stat.lastIndexOf(")") + 2] !== "Z";
  } catch {
    return false;
  }
}

async function ends(pid: number, seconds: number): Promise<boolean> {
  const end = performance.now() + seconds * 1e3;
  while (lives(pid) && performance.now() < end) await pause(0.05);
  return !lives(pid);
}

describe("a signal while the arm moves for a goal", () => {
  let cell: ArmCell;
  beforeEach(async () => {
    cell = new ArmCell();
    await cell.start(armParameters({ stop_timeout: 1 }));
  });
  afterEach(() => cell.stop());

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s stops the arm, aborts the goal with the reason and ends with 0",
    async (signal) => {
      const { driver, grasp } = cell.doors();
      const goal = grasp();
      await driver("wait_moving", { timeout: 60 });
      await pause(0.2);
      const exit = await cell.signal(signal);
      const { status, result } = await goal;
      expect(status).toBe(aborted);
      expect(result.message).toMatch(/^the node is shutting down; /);
      expect(exit, cell.output).toMatchObject({ code: 0, signal: null });
      expect((await driver("state")).moving).toBe(false);
      expect(cell.output).not.toMatch(/\n\s+at |terminate|Unhandled/);
    },
  );
});

describe("a signal while a goal waits for an image", () => {
  it("aborts it with the reason, and a request of the service too", async () => {
    const [peer, other] = [new Peer(), new Peer()];
    const node = await NodeProcess.start(["-p", "mode:=on_demand"]);
    try {
      await peer.do("wait_for_node");
      const goal = peer.do("grasp", { query: "the red box", timeout: 60, wait: 60 });
      const request = other.do("ground", { query: "the red box", timeout: 60, wait: 60 });
      await pause(3);
      const exit = await node.stop("SIGTERM");
      expect(exit, node.output).toMatchObject({ code: 0, signal: null });
      expect(await goal).toMatchObject({ status: aborted, result: { message: "the node is shutting down" } });
      expect((await request).message).toContain("the node is shutting down");
    } finally {
      await Promise.all([peer.close(), other.close()]);
    }
  });
});

describe("signals that come twice", () => {
  it.each([20, 100, 180])("ends with 0 when a second SIGINT comes after %i ms", async (ms) => {
    const node = await NodeProcess.start();
    node.child.kill("SIGINT");
    await pause(ms / 1e3);
    node.child.kill("SIGINT");
    expect(await node.exited(), node.output).toMatchObject({ code: 0, signal: null });
  });

  it("ends with 0 when SIGINT comes while it starts", async () => {
    for (const seconds of [0.6, 1.2]) {
      const node = await NodeProcess.start([], {}, { ready: false });
      await pause(seconds);
      node.child.kill("SIGINT");
      const { code, signal } = await node.exited();
      // Before the program itself runs, Node.js's own handling holds.
      if (node.output !== "") expect({ code, signal }).toEqual({ code: 0, signal: null });
    }
  });
});

/** Starts the program as a user does, in an environment that makes it start itself again with another one. */
function wrapped(command: readonly string[]) {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ROS_DOMAIN_ID: String(domain),
    GRASP_GROUNDING_SETUP: "skip",
  };
  for (const name of ["AMENT_PREFIX_PATH", "LD_LIBRARY_PATH", "PYTHONPATH"]) delete env[name];
  const child = spawn(command[0]!, [...command.slice(1), "--ros-args", "-p", "autostart:=false"], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (chunk) => {
      output += chunk;
    });
  return { child, output: () => output };
}

/** The process below `pid` that runs the node: the last of the chain. */
async function nodeBelow(pid: number): Promise<number> {
  const end = performance.now() + 60_000;
  while (performance.now() < end) {
    const chain = descendants(pid);
    const last = chain.at(-1);
    if (last !== undefined && /libr(cl|mw)/.test(maps(last))) return last;
    await pause(0.2);
  }
  throw new Error(`no node started below ${pid}: ${descendants(pid)}`);
}

const maps = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/maps`, "utf8");
  } catch {
    return "";
  }
};

function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    if (children === "") return [];
    return children.split(" ").flatMap((each) => [Number(each), ...descendants(Number(each))]);
  } catch {
    return [];
  }
}

describe("the program that starts the node again in its environment", () => {
  const program = ["node", "bin/grasp-grounding.mjs", "node"];

  it.each(["SIGHUP", "SIGKILL", "SIGTERM"] as const)(
    "does not leave the node behind on %s",
    async (signal) => {
      const { child } = wrapped(program);
      const node = await nodeBelow(child.pid!);
      await pause(1);
      const exit = once(child, "exit");
      child.kill(signal);
      expect(await ends(node, 10)).toBe(true);
      const [code] = await exit;
      if (signal !== "SIGKILL") expect(code).toBe(0);
    },
  );

  it("ends with the node on SIGTERM to npx", async () => {
    const { child } = wrapped(["npx", "grasp-grounding", "node"]);
    const node = await nodeBelow(child.pid!);
    await pause(1);
    child.kill("SIGTERM");
    expect(await ends(node, 10)).toBe(true);
  });

  it.each([
    ["SIGABRT", 134],
    ["SIGKILL", 137],
  ] as const)("ends with a failure code when the node ends by %s", async (signal, code) => {
    const { child } = wrapped(program);
    const node = await nodeBelow(child.pid!);
    await pause(1);
    const exit = once(child, "exit");
    process.kill(node, signal);
    expect((await exit)[0]).toBe(code);
  });

  it("refuses an option that it does not know", async () => {
    const { child, output } = wrapped([...program, "--bogus"]);
    expect((await once(child, "exit"))[0]).toBe(2);
    expect(output()).toContain("does not know --bogus");
  });
});
