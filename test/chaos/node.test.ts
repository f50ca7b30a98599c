import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { seededRandom } from "../../src/geometry/index.js";
import { ArmCell, armParameters, configuration } from "../ros/support/arm-cell.js";
import { type Message, NodeProcess, Peer } from "../ros/support/peer.js";
import { recordResults } from "../support/results.js";

const minutes = Number(process.env.GRASP_GROUNDING_CHAOS_MINUTES ?? 2);
const seed = Number(process.env.GRASP_GROUNDING_CHAOS_SEED ?? 1);
const random = seededRandom(seed);
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1e3));

/** The arm rests this soon after each stop, in milliseconds, beyond what the machine holds processes up. */
const restWithin = 150;
/** Megabytes that one life of the node may grow by after its first actions. */
const memorySlack = 60;
const warmUp = 15;

const cell = new ArmCell();
const { driver, grasp } = cell.doors();
const folder = mkdtempSync(join(tmpdir(), "grasp-grounding-chaos-"));
/** A lifecycle manager: the cell's own peer waits for its goal meanwhile. */
let manager: Peer | undefined;
const log: string[] = [];
const rests: number[] = [];
let slowest = { rest: 0, waited: 0 };

/** How long this process was held up since `begin`: what a busy machine does to the others too. */
class HeldUp {
  #longest = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last - 5);
    this.#last = now;
  }, 5);

  begin(): void {
    this.#longest = 0;
  }

  get ms(): number {
    return this.#longest;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
const heldUp = new HeldUp();

beforeAll(async () => {
  // Half an hour on a busy machine meets the longest time for which it holds a process up; such stops are not looked for.
  await cell.start(armParameters({ joint_state_timeout: 2, heartbeat_timeout: 2, execute_frame_age: 20 }));
  manager = new Peer();
  await manager.do("state");
  await recover();
});
afterAll(async () => {
  heldUp.end();
  await manager?.close();
  await cell.stop();
  rmSync(folder, { recursive: true });
});

/** Stops a motion under way, and holds the time to rest against the limit. */
async function stopped(what: string): Promise<void> {
  heldUp.begin();
  const provoked = driver("provoke", { what, timeout: 30, pids: [cell.node.child.pid] });
  const [{ result }, stop] = await Promise.all([grasp(), provoked]);
  expect(result.success).toBe(false);
  rests.push(stop.rest_ms);
  if (stop.rest_ms > slowest.rest) slowest = { rest: stop.rest_ms, waited: Math.round(stop.waited_ms) };
  const busy = 2 * heldUp.ms + stop.waited_ms;
  expect(stop.rest_ms, `${what}, told after ${stop.ordered_ms} ms, busy ${busy} ms`).toBeLessThan(
    restWithin + busy,
  );
}

const stateIds: Readonly<Record<string, readonly number[]>> = {
  unconfigured: [1, 5],
  inactive: [2, 3, 6],
  active: [4, 7],
};

const actions: Readonly<Record<string, () => Promise<void>>> = {
  "an invalid transition": async () => {
    const state: string = await cell.peer.do("state");
    const number = Math.floor(random() * 256);
    if (stateIds[state]!.includes(number)) return;
    expect(await cell.peer.do("change_to", { number })).toBe(false);
    expect(await cell.peer.do("change_to", { label: pick(["bogus", "configure", "cleanup"]) })).toBe(false);
    expect(await cell.peer.do("state")).toBe(state);
  },
  "cleanup and configure": async () => {
    for (const transition of [4, 2, 1, 3]) expect(await cell.peer.do("change", { transition })).toBe(true);
    await cell.armSays("idle");
  },
  "deactivation in a motion": async () => {
    const goal = grasp();
    await driver("wait_moving", { timeout: 30 });
    heldUp.begin();
    expect(await manager!.do("change", { transition: 4 })).toBe(true);
    const { result } = await goal;
    expect(result.message).toMatch(/^the node was deactivated; /);
    await atRest();
    expect(await manager!.do("change", { transition: 3 })).toBe(true);
  },
  "parameters that are refused": async () => {
    const parameters = pick([
      [["sync_tolerance", "double", -5]],
      [["workspace_min_x", "double", 1]],
      [["nonsense", "string", "x"]],
      [["mode", "integer", 7]],
    ]);
    const kind = random() < 0.3 ? Math.floor(random() * 256) : undefined;
    const results: Message = await cell.peer.do("set_parameters", {
      parameters,
      kind,
      atomically: random() < 0.5,
    });
    for (const each of results) expect(each.successful).toBe(false);
  },
  "a parameter file that is refused": async () => {
    const path = join(folder, "bad.yaml");
    writeFileSync(
      path,
      pick([
        "/other:\n  ros__parameters: {mode: on_demand}\n",
        "/**: [",
        "/**:\n  ros__parameters: {no: 1}\n",
      ]),
    );
    const node = await NodeProcess.start(["--params-file", path], {}, { ready: false });
    expect((await node.exited()).code).toBe(1);
  },
  "a camera with other QoS": () =>
    cell.peer.do("camera", { reliability: pick(["reliable", "best_effort"]), rate: 5 + random() * 25 }),
  "requests that make no sense": async () => {
    const query = pick(["the blue box", "", " ", "x".repeat(5_000), "\u0001"]);
    const answer = await cell.peer.do("ground", { query, timeout: pick(["nan", -1, 0.2]), wait: 30 });
    expect(typeof answer.success).toBe("boolean");
  },
  "messages that are none": async () => {
    const fields = pick<Message>([
      { bytes_: 7 },
      { width: 0, height: 0 },
      { encoding: "x" },
      { step: 1 },
      { sec: 2_000_000_000 },
    ]);
    await cell.peer.do("send_image", { topic: "colour", ...fields });
    await cell.peer.do("query_bytes", { data: Buffer.from([0xff, 0xfe, 0xc0]).toString("base64") });
    await cell.peer.do("tf", { parent: "x", child: "y", xyz: [0, 0, 0], xyzw: [0, 0, 0, 0] });
  },
  "a goal cancelled before it moves": async () => {
    const { accepted } = await cell.peer.do("grasp", {
      query: "the blue box",
      execute: random() < 0.5,
      cancel_after: random() * 0.1,
      wait: 60,
    });
    expect(accepted).toBe(true);
    await atRest();
  },
  "a goal cancelled in a motion": () => stopped("cancel"),
  "an emergency stop": () => stopped(pick(["estop", "estop_topic"])),
  "a stop": () => stopped("stop"),
  "execution switched off in a motion": () => stopped("disallow"),
  "a stop in words": () => stopped(pick(["said", "query"])),
  "a client that vanishes in a motion": async () => {
    await cell.leaveInMotion();
    await atRest();
  },
  "a grasp": async () => {
    const { result } = await grasp();
    expect(result.message).toBe("the object was taken");
  },
};

const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** A signal in a motion ends the node with 0, the goal with a reason and the arm at rest. */
async function signalled(): Promise<void> {
  const goal = grasp();
  await driver("wait_moving", { timeout: 30 });
  await pause(random() * 0.5);
  expect(await cell.signal(pick(signals)), cell.output).toMatchObject({ code: 0, signal: null });
  expect((await driver("state")).moving).toBe(false);
  expect((await goal).result.message).toMatch(/^the node is shutting down|was taken/);
  await cell.restart();
}

async function atRest(): Promise<void> {
  const end = performance.now() + 3_000;
  while ((await driver("state")).moving) {
    if (performance.now() > end) throw new Error("the arm goes on");
    await pause(0.02);
  }
}

/** What an action leaves behind is put right, so that the next one starts from an arm that may move. */
async function recover(): Promise<void> {
  await atRest();
  await driver("estop", { down: false });
  await driver("estop_topic", { down: false });
  await cell.set("allow_execute", true);
  await pause(0.1);
  await driver("trigger", { name: "reset" });
  await driver("gripper", { position: 0.04, object: 0.02 });
  await driver("posture", { configuration });
  await driver("clear");
}

it(`lives through ${minutes} minutes of random peers (seed ${seed})`, async () => {
  const end = performance.now() + minutes * 60_000;
  const counts = new Map<string, number>();
  const memory: number[] = [];
  let life = 0;
  try {
    while (performance.now() < end) {
      const isSignal = life > 0 && life % 40 === 0;
      const name = isSignal ? "a signal in a motion" : pick(Object.keys(actions));
      log.push(name);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (isSignal) {
        await signalled();
        memory.length = 0;
        life = 0;
      } else await actions[name]!();
      life++;
      await recover();
      expect(cell.node.running, cell.output.slice(-2_000)).toBe(true);
      memory.push(cell.node.memory());
      if (memory.length > warmUp) expect(memory.at(-1)! - memory[warmUp]!).toBeLessThan(memorySlack);
    }
    // Short runs meet a signal too.
    await signalled();
  } catch (error) {
    throw new Error(`seed ${seed}, action ${log.length}, after ${log.slice(-5).join(", ")}`, {
      cause: error,
    });
  } finally {
    const sorted = [...rests].sort((a, b) => a - b);
    recordResults(
      "ros-chaos",
      `GRASP_GROUNDING_RESULTS=1 npm run test:chaos -- --minutes ${minutes} --seed ${seed}`,
      "random peers against the node with a simulated arm: how often each act came, milliseconds from each stop to rest, and the node's memory in its last life",
      {
        minutes,
        seed,
        actions: log.length,
        counts: Object.fromEntries(counts),
        stops: sorted.length,
        rest_ms: { median: sorted[sorted.length >> 1], max: sorted.at(-1) },
        waited_at_slowest_ms: slowest.waited,
        memory_mb: { first: memory[0], last: memory.at(-1) },
      },
    );
  }
  expect(cell.output).not.toMatch(/terminate|Unhandled/);
});
