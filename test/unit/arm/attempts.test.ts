import { describe, expect, it } from "vitest";
import {
  type AttemptOptions,
  attemptGrasps,
  centreOf,
  type GraspView,
  type RankedGrasp,
  rankGrasps,
  safetyText,
  stillInPlace,
} from "../../../src/arm/index.js";
import {
  compose,
  multiplyQuaternions,
  rotationAngle,
  transformPoints,
  type Vec3,
} from "../../../src/geometry/index.js";
import { createGraspPlanner } from "../../../src/grasping/index.js";
import { scenePoints } from "../../../src/pipeline/index.js";
import { box, look as render, type Solid } from "../../support/raycast.js";
import { boxCloud, fromAbove, makeArm, scene, start } from "./rig.js";

const planner = createGraspPlanner();
const block = (x: number, y: number): Solid => box([x, y, 0.03], [0.05, 0.09, 0.06], 0.3);

type Seen = Omit<GraspView, "frameAt">;
const views = new Map<string, Seen>();

/** What a camera opposite the arm sees of a block, planned by the real planner. Nothing is on the table without one. */
async function seen(at: readonly [number, number] | undefined, frameAt: number): Promise<GraspView> {
  if (at === undefined) return { grasps: [], reason: "it is not in the image", scene: scene(), frameAt };
  const view = views.get(String(at)) ?? (await rendered(at));
  views.set(String(at), view);
  return { ...view, frameAt };
}

async function rendered(at: readonly [number, number]): Promise<Seen> {
  const { frame, masks, cameraToWorld } = render([block(...at)], {
    eye: [1.05, 0.1, 0.5],
    at: [0.5, 0, 0.03],
    width: 320,
    height: 240,
  });
  const plan = await planner.plan(frame, { mask: masks[0]! });
  expect(plan.grasps.length).toBeGreaterThan(2);
  const { target } = scenePoints(frame, masks[0])!;
  return {
    grasps: plan.grasps.map((grasp) => ({ ...grasp, pose: compose(cameraToWorld, grasp.pose) })),
    scene: scene({ target: transformPoints(cameraToWorld, target) }),
  };
}

/** An arm at a block; `holds` decides whether the fingers find it, by the number of the try. */
async function given(holds: (attempt: number) => boolean, more: Partial<AttemptOptions> = {}) {
  // Planning and rendering share a machine that may be busy.
  const rig = makeArm({}, { frameAge: 30 });
  rig.arm.update();
  const world: { at: readonly [number, number] | undefined; looks: number } = { at: [0.5, 0], looks: 0 };
  const stages: string[] = [];
  const closedAt: RankedGrasp["pose"][] = [];
  const first = await seen(world.at, rig.now());
  const run = (options: Partial<AttemptOptions> = {}) =>
    attemptGrasps(rig.arm, first, {
      operator: "ada",
      lease: "goal",
      scene: scene(),
      maxAttempts: 3,
      look: async () => {
        world.looks++;
        return seen(world.at, rig.now());
      },
      opening: () => rig.gripper.width,
      ...more,
      ...options,
      onStage: (stage, progress, attempt) => {
        if (stages.at(-1) !== `${attempt} ${stage}`) stages.push(`${attempt} ${stage}`);
        if (stage === "close") {
          closedAt.push(rig.kinematics.forward(rig.controller.reading()!.positions));
          rig.gripper.object = holds(attempt) ? 0.045 : 0;
        }
        // The held object leaves its place.
        if (stage === "lift" && rig.gripper.object > 0) world.at = undefined;
        options.onStage?.(stage, progress, attempt);
      },
    } as AttemptOptions);
  return { ...rig, run, world, stages, closedAt, first };
}

const isHome = (rig: Awaited<ReturnType<typeof given>>) => {
  for (const [i, q] of rig.controller.reading()!.positions.entries()) expect(q).toBeCloseTo(start[i]!, 3);
};

describe("tries at an object", () => {
  it("end with the first that holds, when the next image shows its place empty", async () => {
    const rig = await given(() => true);
    expect(await rig.run()).toMatchObject({
      success: true,
      message: "the object was taken",
      attempts: ["1: the object was taken"],
    });
    expect(rig.stages.at(-1)).toBe("1 verify");
    expect(rig.world.looks).toBe(1);
  });

  it("go on after a miss: back, another look, and another grasp", async () => {
    const rig = await given((attempt) => attempt === 2);
    const result = await rig.run();
    expect(result).toMatchObject({ success: true, message: "the object was taken at attempt 2" });
    expect(result.attempts).toEqual(["1: the fingers closed on nothing", "2: the object was taken"]);
    expect(rig.stages.join(", ")).toContain("1 close, 1 back-off, 1 retreat, 2 look, 2 open, 2 pre-grasp");
    const [a, b] = rig.closedAt;
    const apart = Math.hypot(...a!.position.map((v, i) => v - b!.position[i]!));
    // Half a turn is the same grasp.
    const flipped = multiplyQuaternions(b!.orientation, [0, 0, 1, 0]);
    const turns = [b!.orientation, flipped].map((each) => rotationAngle(a!.orientation, each));
    expect(Math.hypot(apart / 0.035, Math.min(...turns) / 0.6)).toBeGreaterThan(1);
    isHome(rig);
  });

  it("end after the last, with the arm back where it began", async () => {
    const rig = await given(() => false);
    const result = await rig.run();
    expect(result).toMatchObject({ success: false, outcome: "nothing-held" });
    expect(result.message).toBe("the fingers closed on nothing (3 attempts)");
    expect(result.attempts).toHaveLength(3);
    isHome(rig);
    expect(rig.supervisor.state).toBe("idle");
  });

  it("follow an object that moved", async () => {
    const rig = await given((attempt) => attempt === 2);
    const result = await rig.run({
      onStage: (stage) => {
        if (stage === "back-off") rig.world.at = [0.45, 0.08];
      },
    });
    expect(result.success).toBe(true);
    expect(Math.hypot(rig.closedAt[1]!.position[0] - 0.45, rig.closedAt[1]!.position[1] - 0.08)).toBeLessThan(
      0.05,
    );
  });

  it("is one grasp without another look where one try is allowed", async () => {
    const rig = await given(() => false);
    expect(await rig.run({ maxAttempts: 1 })).toMatchObject({
      outcome: "nothing-held",
      message: "the fingers closed on nothing",
      stage: "close",
    });
    expect(rig.world.looks).toBe(0);
  });

  it("do not repeat what another image cannot change: no plan twice, a fault of the controller", async () => {
    const far = await given(() => true);
    const away = far.first.grasps.map((grasp) => ({ ...grasp, pose: fromAbove(1.5, 0, 0.05) }));
    const result = await attemptGrasps(
      far.arm,
      { ...far.first, grasps: away },
      {
        operator: "ada",
        lease: "goal",
        maxAttempts: 5,
        look: async () => ({ ...far.first, grasps: away, frameAt: far.now() }),
      },
    );
    expect(result).toMatchObject({ outcome: "no-plan", refusal: "unreachable" });
    expect(result.attempts).toHaveLength(2);
    const broken = await given(() => true);
    broken.controller.faults.reject = true;
    expect((await broken.run()).attempts).toHaveLength(1);
  });

  it("end with the reason when the object is gone after a miss", async () => {
    const rig = await given(() => false);
    const result = await rig.run({
      onStage: (stage) => {
        if (stage === "back-off") rig.world.at = undefined;
      },
    });
    expect(result).toMatchObject({ success: false, outcome: "no-plan" });
    expect(result.message).toContain("it is not in the image");
  });
});

describe("after the fingers came closer during the lift", () => {
  /** The object slides once while it is lifted: the fingers reach the width that was sent, on a part as wide as `left`. */
  const slides = async (left: number) => {
    const rig = await given(() => true);
    let slid = false;
    const result = await rig.run({
      onStage: (stage, _, attempt) => {
        if (slid && stage === "close" && attempt === 1) rig.gripper.object = left;
        if (stage !== "lift" || slid) return;
        slid = true;
        rig.gripper.drop();
        if (left === 0) rig.world.at = [0.5, 0];
      },
    });
    return { ...rig, result };
  };

  it("they close once more, and an object that they still hold was taken", async () => {
    const rig = await slides(0.012);
    expect(rig.result.attempts).toEqual(["1: the object was taken, and slid in the fingers"]);
    expect(rig.result).toMatchObject({ success: true, outcome: "done" });
    expect(rig.stages.slice(-5)).toEqual(["1 lift", "1 close", "1 lift", "1 retreat", "1 verify"]);
    expect(rig.gripper.width).toBeCloseTo(0.012, 4);
    isHome(rig);
  });

  it("empty ones lead to another try", async () => {
    const { result } = await slides(0);
    expect(result.attempts).toEqual([
      "1: the object slipped out of the fingers (lift)",
      "2: the object was taken",
    ]);
  });
});

describe("after the fingers report an object", () => {
  it("an image with the object still in its place says that they hold another", async () => {
    const rig = await given(() => true);
    const result = await rig.run({ look: async () => seen([0.5, 0], rig.now()) });
    expect(result).toMatchObject({ success: false, outcome: "other-held" });
    expect(result.attempts).toHaveLength(1);
  });

  it("and without a measured opening, that they are empty: it is tried again", async () => {
    const rig = await given(() => true);
    let looks = 0;
    const result = await rig.run({
      look: async () => seen(looks++ < 2 ? [0.5, 0] : undefined, rig.now()),
      opening: () => undefined,
    });
    expect(result).toMatchObject({ success: true, message: "the object was taken at attempt 2" });
  });

  it("no image is said, and the fingers decide", async () => {
    const rig = await given(() => true);
    const result = await rig.run({ look: () => Promise.reject(new Error("no image came")) });
    expect(result).toMatchObject({ success: true, message: "the object was taken; no image shows it" });
  });
});

describe("a cancelled goal", () => {
  it.each(["approach", "back-off", "look", "verify"] as const)(
    "ends during %s, and nothing moves on",
    async (at) => {
      const abort = new AbortController();
      const rig = await given(() => at === "verify");
      const result = await rig.run({
        signal: abort.signal,
        onStage: (stage) => {
          if (stage === at) abort.abort();
        },
      });
      // What was taken before it was cancelled is in the hand.
      expect(result.success).toBe(at === "verify");
      if (at !== "verify") expect(result.message).toContain(safetyText.cancelled);
      expect(rig.stages.filter((each) => each.endsWith("pre-grasp"))).toHaveLength(1);
      const { positions } = rig.controller.reading()!;
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(rig.controller.reading()!.positions).toEqual(positions);
    },
  );

  it("by an emergency stop between two tries: the next is refused", async () => {
    const rig = await given(() => false);
    const result = await rig.run({
      look: async () => {
        rig.arm.handle({ type: "estop", source: "button", at: rig.now() });
        return seen(rig.world.at, rig.now());
      },
    });
    expect(result).toMatchObject({ success: false, outcome: "refused", safety: "estop" });
    expect(result.attempts).toHaveLength(2);
  });
});

describe("the order of grasps", () => {
  const grasps: RankedGrasp[] = [
    { pose: fromAbove(0.5, 0, 0.05), width: 0.06, score: 0.9 },
    { pose: fromAbove(0.5, 0, 0.05, Math.PI / 2), width: 0.06, score: 0.5 },
    { pose: fromAbove(0.51, 0, 0.05), width: 0.06, score: 0.6 },
  ];
  const order = (failed: Parameters<typeof rankGrasps>[1], centre?: Vec3) =>
    rankGrasps(grasps, failed, centre).map(({ pose }) => grasps.findIndex((each) => each.pose === pose));

  it("is the planner's until one fails; those near it then come last, half a turn included", () => {
    expect(order([])).toEqual([0, 1, 2]);
    for (const yaw of [0, Math.PI])
      expect(
        order([{ grasp: { pose: fromAbove(0.5, 0, 0.05, yaw), width: 0.06 }, centre: undefined }])[0],
      ).toBe(1);
  });

  it("marks down where the object has moved to", () => {
    const failed = {
      grasp: { pose: fromAbove(0.3, 0.2, 0.05), width: 0.06 },
      centre: [0.3, 0.2, 0.03] as const,
    };
    expect(order([failed], [0.5, 0, 0.03])[0]).toBe(1);
    expect(order([failed], [0.3, 0.2, 0.03])[0]).toBe(0);
  });

  it("tells an object in its place from one that has gone or moved", () => {
    const here = boxCloud(0.5, 0, [0.06, 0.04, 0.08]);
    expect(stillInPlace(here, boxCloud(0.503, 0.002, [0.06, 0.04, 0.08]))).toBeGreaterThan(0.9);
    expect(stillInPlace(here, boxCloud(0.56, 0, [0.06, 0.04, 0.08]))).toBeLessThan(0.4);
    expect(stillInPlace(here, new Float32Array())).toBe(0);
    // The bare table where it stood.
    expect(stillInPlace(here, boxCloud(0.5, 0, [0.06, 0.04, 0.002]))).toBeLessThan(0.3);
    expect(centreOf(new Float32Array())).toBeUndefined();
  });
});
