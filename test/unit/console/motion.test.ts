import { afterEach, expect, it } from "vitest";
import type { ConsoleArm } from "../../../src/console/index.js";
import { Motion } from "../../../src/console/motion/motion.js";
import type { Proposal } from "../../../src/console/motion/proposal.js";
import { identityPose } from "../../../src/geometry/index.js";
import type { PipelineResult } from "../../../src/pipeline/index.js";
import { box, look } from "../../support/raycast.js";
import { fromAbove, makeArm, start, table, workspace } from "../arm/rig.js";

/** The console's motions on the real arm code and a simulated controller, released at every stage. */
const ada = { id: "ada", name: "Ada", role: "operator", address: "" } as const;
let motion: Motion | undefined;
let beating: NodeJS.Timeout | undefined;
const log: string[] = [];

afterEach(() => {
  clearInterval(beating);
  motion?.close();
  log.length = 0;
});

/** A box on the table, seen over the arm's far side. */
const view = look([box([0.45, -0.3, 0.05], [0.1, 0.1, 0.1])], {
  eye: [1.1, -0.1, 0.7],
  at: [0.45, -0.15, 0],
});

function open(object = 0.02, maxAttempts = 1) {
  const rig = makeArm();
  rig.gripper.object = object;
  rig.arm.update();
  const console: ConsoleArm = {
    name: "simulated Panda",
    arm: rig.arm,
    cameraInBase: ({ depth }) => (depth === undefined ? identityPose : view.cameraToWorld),
    takenAt: () => rig.now(),
    scene: { table, workspace },
    reading: () => ({ positions: rig.controller.reading()!.positions, opening: rig.gripper.width }),
    named: { home: start, ready: start.map((q, i) => (i === 0 ? q + 0.3 : q)) },
    maxOpening: 0.08,
    maxAttempts,
  };
  motion = new Motion(console, { changed: () => undefined, log: (_, text) => log.push(text) });
  return { ...rig, motion };
}

/** An object grasped from above: grasps are given in the base, where the camera is. */
function proposal(x = 0.45): Proposal {
  const size = { width: 4, height: 4 };
  const colour = { ...size, data: new Uint8Array(48) };
  const mask = { ...size, data: new Uint8Array(16) };
  const result: PipelineResult = {
    image: size,
    stamp: 0n,
    frameId: "camera",
    grounding: {
      query: "please give me the green apple",
      model: "",
      found: true,
      detections: [{ box: [0, 0, 4, 4], score: 0.9, mask }],
      presence: 0.9,
      heatmap: { ...size, data: new Float32Array(16) },
      timings: {},
    },
    grasps: [
      { frame: "camera", pose: fromAbove(x, 0.05, 0.02), width: 0.08, score: 1, objectWidth: 0.02 },
    ] as unknown as PipelineResult["grasps"],
    timings: {},
  };
  return { answer: 1, chosen: 0, frame: { stamp: 0n, frameId: "camera", colour }, result };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const beat = () => {
  clearInterval(beating);
  beating = setInterval(() => motion?.beat(ada), 25);
};

/** Holds a button until its motion is over. */
async function hold(act: () => Promise<string>): Promise<string> {
  beat();
  try {
    return await act();
  } finally {
    clearInterval(beating);
    await sleep(80);
  }
}

/** The same, as soon as the arm, which has just been stopped, has come to rest. */
async function holdAtRest(act: () => Promise<string>): Promise<string> {
  for (;;) {
    try {
      return await hold(act);
    } catch (error) {
      if (!String(error).includes("wait until it rests")) throw error;
    }
  }
}

it.each(["open", "pre-grasp", "approach", "close", "lift", "retreat"])(
  "names what may be held after a release in %s, and has acts that lead to empty and home",
  async (stage) => {
    const { motion, gripper } = open();
    beat();
    const picking = motion.pick(ada, proposal());
    while (motion.state.moving && motion.state.stage !== stage) await sleep(1);
    motion.release(ada.id);
    const message = await picking;
    clearInterval(beating);
    expect(message).toMatch(/^stopped: the button was released; the gripper /);
    const expected = { open: "empty", "pre-grasp": "empty", approach: "empty", close: "unsure" }[stage];
    await expect.poll(() => motion.state.gripper?.state).toBe(expected ?? "holding");
    const { state, object } = motion.state.gripper!;
    if (state !== "empty") {
      expect(object).toBe("the green apple");
      await expect(motion.pick(ada, proposal())).rejects.toThrow(/the green apple/);
      expect(motion.state.acts).toContain("open");
      expect(await holdAtRest(() => motion.moveGripper(ada, "open"))).toBe("the gripper is open");
    }
    expect(motion.state.gripper?.state).toBe("empty");
    if (motion.state.acts?.includes("home"))
      expect(await holdAtRest(() => motion.moveTo(ada, undefined))).toBe("the arm has arrived");
    expect(motion.state.acts).toEqual(["pick", "close"]);
    expect(gripper.width).toBeCloseTo(0.08, 3);
  },
  60_000,
);

it("puts an object back where the second try took it, after the first closed on nothing", async () => {
  const { motion, gripper, kinematics, controller } = open(0, 2);
  const look = async () => {
    gripper.object = 0.02;
    return proposal(0.5);
  };
  expect(await hold(() => motion.pick(ada, proposal(), look))).toBe("the object was taken at attempt 2");
  expect(motion.object?.taken?.goal.pose.position[0]).toBeCloseTo(0.5, 2);
  let opened: number | undefined;
  const watching = setInterval(() => {
    if (motion.state.stage === "release")
      opened ??= kinematics.forward(controller.reading()!.positions).position[0];
  }, 2);
  expect(await hold(() => motion.place(ada, undefined, "back"))).toBe("the object was put down");
  clearInterval(watching);
  expect(opened).toBeCloseTo(0.5, 2);
}, 60_000);

it("puts an object down where the arm was stopped with it", async () => {
  const { motion, kinematics, controller } = open();
  expect(await hold(() => motion.pick(ada, proposal()))).toBe("the object was taken");
  expect(await hold(() => motion.moveTo(ada, undefined, "ready"))).toBe("the arm has arrived");
  expect(motion.state.gripper).toMatchObject({ state: "holding", object: "the green apple" });
  const tool = kinematics.forward(controller.reading()!.positions).position;
  let lowest = Number.POSITIVE_INFINITY;
  const watching = setInterval(() => {
    lowest = Math.min(lowest, kinematics.forward(controller.reading()!.positions).position[2]);
  }, 5);
  expect(await hold(() => motion.place(ada, undefined, "here"))).toBe("the object was put down");
  clearInterval(watching);
  // As high above the table as it was taken, below where the arm was.
  expect(tool[2]).toBeGreaterThan(0.1);
  expect(lowest).toBeCloseTo(0.02, 2);
  expect(motion.state.gripper?.state).toBe("empty");
});

it("puts an object down at a point of the table, and not where something stands", async () => {
  const { motion, kinematics, controller } = open();
  expect(await hold(() => motion.pick(ada, proposal()))).toBe("the object was taken");
  await expect(motion.place(ada, view.frame, [0.45, -0.3, 0.1])).rejects.toThrow(
    "there is no free place for it",
  );
  await expect(motion.place(ada, undefined, [0.45, -0.1, 0])).rejects.toThrow(/camera's pose/);
  let released = [0, 0, 0];
  const watching = setInterval(() => {
    if (motion.state.stage === "release")
      released = Array.from(kinematics.forward(controller.reading()!.positions).position);
  }, 2);
  expect(await hold(() => motion.place(ada, view.frame, [0.45, -0.1, 0]))).toBe("the object was put down");
  clearInterval(watching);
  expect(Math.hypot(released[0]! - 0.45, released[1]! + 0.1)).toBeLessThan(0.015);
  // As high above the table as it was taken, and 6 mm for the fall.
  expect(released[2]).toBeCloseTo(0.026, 2);
  expect(motion.state.gripper?.state).toBe("empty");
}, 60_000);

it("says how late the page was when it stops for that", async () => {
  const { motion } = open();
  beat();
  const picking = motion.pick(ada, proposal());
  while (motion.state.stage !== "pre-grasp") await sleep(2);
  clearInterval(beating);
  const message = await picking;
  expect(Number(/^the page was late by (\d+) ms: stopped for safety/.exec(message)?.[1])).toBeGreaterThan(
    119,
  );
  await sleep(300);
  motion.beat(ada);
  const late = Number(
    /by (\d+) ms/.exec(log.find((line) => line.startsWith("the page was late")) ?? "")?.[1],
  );
  expect(late).toBeGreaterThan(350);
});

it("knows when an object was lost, and when others opened the fingers", async () => {
  const { motion, gripper } = open();
  await hold(() => motion.pick(ada, proposal()));
  await expect.poll(() => motion.state.gripper?.state).toBe("holding");
  gripper.drop();
  await expect.poll(() => motion.state.gripper?.state).toBe("empty");
  gripper.object = 0.02;
  await hold(() => motion.moveGripper(ada, "open"));
  expect(await hold(() => motion.moveGripper(ada, "close"))).toBe("the gripper holds something");
  await expect.poll(() => motion.state.gripper?.state).toBe("holding");
  await gripper.move(0.05);
  await expect.poll(() => motion.state.gripper?.state).toBe("unsure");
});

it("finds out by closing whether something is between the fingers", async () => {
  const { motion, gripper } = open(0);
  expect(await hold(() => motion.moveGripper(ada, "close"))).toMatch(/^the fingers closed on nothing/);
  expect(motion.state.gripper?.state).toBe("empty");
  await gripper.move(0.04);
  await motion.close();
});
