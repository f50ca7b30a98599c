import { describe, expect, it } from "vitest";
import {
  type AttemptOptions,
  attemptGrasps,
  bothScenes,
  type GraspView,
  isUnsure,
  type SecondViewOptions,
  safetyText,
  toolPoses,
} from "../../../src/arm/index.js";
import {
  compose,
  invert,
  type Pose,
  rotate,
  subtract,
  transformPoint,
  transformPoints,
  type Vec3,
} from "../../../src/geometry/index.js";
import { createGraspPlanner, viewsAround } from "../../../src/grasping/index.js";
import { sameObject, scenePoints } from "../../../src/pipeline/index.js";
import { box, look as render, type View } from "../../support/raycast.js";
import { boxCloud, fromAbove, makeArm, scene, start } from "./rig.js";

/** A camera on the hand: 7 cm from the tool's axis, above the palm; it looks where the fingers point. */
const camera: Pose = { position: [0, -0.07, -0.072], orientation: [0, 0, 0, 1] };
const middle: Vec3 = [0.5, 0, 0.03];
const block = box(middle, [0.05, 0.09, 0.06], 0.3);
const planner = createGraspPlanner();
const far: Pose = { ...fromAbove(3, 0, 0.4) };

const image = (pose: Pose): View => render([block], { pose, width: 320, height: 240 });

interface Image {
  readonly seen: View;
  readonly view: GraspView;
}

/** What one image shows, planned on it and, where there is one, on an image before it. */
async function planned(pose: Pose, frameAt: number, before?: View): Promise<Image> {
  const seen = image(pose);
  const { frame, cameraToWorld } = seen;
  const between = before && compose(invert(before.cameraToWorld), cameraToWorld);
  const same = between && sameObject(before.frame, before.masks[0]!, frame, seen.masks, between);
  const mask = same?.mask ?? seen.masks[0]!;
  const plan = await planner.plan(frame, {
    mask,
    ...(between && { views: [{ frame: before.frame, mask: before.masks[0]!, pose: invert(between) }] }),
  });
  const inBase = (each: Pose): Pose => compose(cameraToWorld, each);
  const view: GraspView = {
    grasps: plan.grasps.map((grasp) => ({ ...grasp, pose: inBase(grasp.pose) })),
    scene: scene({ target: transformPoints(cameraToWorld, scenePoints(frame, mask)!.target) }),
    frameAt,
    ...(plan.unseen !== undefined && { unseen: plan.unseen }),
    nextViews: (plan.nextViews ?? []).map(inBase),
  };
  return { seen, view };
}

/** An arm at a block that its camera sees from above; the fingers find it. */
async function given(more: Partial<SecondViewOptions> = {}) {
  const rig = makeArm({}, { frameAge: 30 });
  rig.arm.update();
  const stages: string[] = [];
  const cameraNow = (): Pose => compose(rig.kinematics.forward(rig.controller.reading()!.positions), camera);
  const first = await planned(cameraNow(), rig.now());
  const looks: { readonly from: Pose; readonly speed: number }[] = [];
  let taken = false;
  const second: SecondViewOptions = {
    when: "always",
    camera,
    opening: 0.08,
    look: async () => {
      const speed = Math.max(...rig.controller.reading()!.velocities.map(Math.abs));
      looks.push({ from: cameraNow(), speed });
      return (await planned(cameraNow(), rig.now(), first.seen)).view;
    },
    ...more,
  };
  const run = (options: Partial<AttemptOptions> = {}, view: GraspView = first.view) =>
    attemptGrasps(rig.arm, view, {
      operator: "ada",
      lease: "goal",
      maxAttempts: 2,
      secondView: second,
      look: async () =>
        taken
          ? { grasps: [], reason: "it is gone", scene: scene(), frameAt: rig.now() }
          : (await planned(cameraNow(), rig.now())).view,
      opening: () => rig.gripper.width,
      ...options,
      onStage: (stage, progress, attempt) => {
        if (stages.at(-1) !== `${attempt} ${stage}`) stages.push(`${attempt} ${stage}`);
        if (stage === "close") rig.gripper.object = 0.045;
        if (stage === "lift") taken = true;
        options.onStage?.(stage, progress, attempt);
      },
    });
  return { ...rig, run, stages, looks, first };
}

type Rig = Awaited<ReturnType<typeof given>>;
const positions = (rig: Rig) => rig.controller.reading()!.positions;
const isHome = (rig: Rig) => {
  for (const [i, q] of positions(rig).entries()) expect(q).toBeCloseTo(start[i]!, 2);
};

describe("a look from a second place", () => {
  it("is taken at rest, from one of the poses that show more; the object is taken, and the arm comes home", async () => {
    const rig = await given();
    const result = await rig.run();
    expect(result.message).toMatch(
      /^the object was taken; seen from a second place, \d+ % of its sides unseen/,
    );
    expect(rig.stages.slice(0, 4)).toEqual(["1 view", "1 look", "1 open", "1 pre-grasp"]);
    expect(rig.looks).toHaveLength(1);
    const { from, speed } = rig.looks[0]!;
    expect(speed).toBeLessThan(0.01);
    const nearest = rig.first.view.nextViews!.map(({ position }) =>
      Math.hypot(...subtract(position, from.position)),
    );
    expect(Math.min(...nearest)).toBeLessThan(0.003);
    // The object is in the middle of what it looked at.
    const [x, y, z] = transformPoint(invert(from), middle);
    expect(Math.hypot(x, y) / z).toBeLessThan(0.1);
    // Where the fingers closed is where the object stands.
    expect(Math.hypot(result.pose!.position[0] - 0.5, result.pose!.position[1])).toBeLessThan(0.05);
    isHome(rig);
  });

  it("is left out where one image leaves nothing open", async () => {
    const rig = await given({ when: "when_unsure" });
    const sure = {
      ...rig.first.view,
      unseen: 0.1,
      grasps: rig.first.view.grasps.map((grasp) => ({ ...grasp, score: 0.9 })),
    };
    const result = await rig.run({}, sure);
    expect(result).toMatchObject({ success: true, message: "the object was taken" });
    expect(rig.stages[0]).toBe("1 open");
    expect(rig.looks).toHaveLength(0);
  });

  it("is said to be impossible where no place can be reached, and a fresh image from the start stands", async () => {
    const rig = await given();
    const result = await rig.run({}, { ...rig.first.view, nextViews: [far] });
    expect(result.success).toBe(true);
    expect(result.secondView).toMatch(/^no second view: /);
    expect(rig.stages.slice(0, 3)).toEqual(["1 view", "1 look", "1 open"]);
    expect(rig.looks).toHaveLength(0);
  });

  it("without a grasp is followed by the way home, and a try from one image", async () => {
    const nothing = async (): Promise<GraspView> => ({
      grasps: [],
      reason: "the second image does not show the object",
      scene: scene(),
      frameAt: rig.now(),
    });
    const rig = await given({ look: nothing });
    const result = await rig.run();
    expect(rig.stages.slice(0, 5)).toEqual(["1 view", "1 look", "1 retreat", "2 look", "2 open"]);
    expect(result).toMatchObject({ success: true });
    expect(result.attempts[0]).toBe("1: the second image does not show the object");
    isHome(rig);
  });

  it("without an image ends the goal, with the arm back home", async () => {
    const rig = await given({ look: () => Promise.reject(new Error("no image came")) });
    const result = await rig.run();
    expect(result).toMatchObject({ success: false, outcome: "refused", message: "no image came" });
    expect(rig.stages).toEqual(["1 view", "1 look", "1 retreat"]);
    isHome(rig);
  });

  it("in an image during which the arm was moved is not used", async () => {
    const rig: Rig = await given({
      look: async (first) => {
        const aside = start.map((q, i) => (i === 0 ? q + 0.2 : q));
        const moved = await rig.arm.moveTo(aside, {
          operator: "bob",
          lease: "goal",
          scene: scene(),
          opening: 0.08,
        });
        expect(moved.success).toBe(true);
        return first;
      },
    });
    const result = await rig.run();
    expect(result).toMatchObject({ success: false, outcome: "refused" });
    expect(result.message).toBe("the arm moved while the second image was taken");
    expect(rig.stages).toEqual(["1 view", "1 look"]);
  });

  it.each(["view", "look"] as const)(
    "ends during %s when it is cancelled, and nothing moves on",
    async (at) => {
      const abort = new AbortController();
      const rig = await given();
      const result = await rig.run({
        signal: abort.signal,
        onStage: (stage) => {
          if (stage === at) abort.abort();
        },
      });
      expect(result).toMatchObject({ success: false, outcome: "stopped" });
      expect(result.message).toContain(safetyText.cancelled);
      expect(rig.stages.every((stage) => stage === "1 view" || stage === "1 look")).toBe(true);
      const before = positions(rig);
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(positions(rig)).toEqual(before);
    },
  );

  it("is refused by a latched emergency stop, as every other motion", async () => {
    const rig = await given();
    rig.arm.handle({ type: "estop", source: "button", at: rig.now() });
    const result = await rig.run();
    expect(result).toMatchObject({ success: false, outcome: "refused" });
    expect(rig.looks).toHaveLength(0);
    isHome(rig);
  });

  it("keeps clear of what the first image shows where the arm would stand", async () => {
    const rig = await given();
    const { view } = rig.first;
    // Something stands at every place where the camera would be.
    const obstacles = Float32Array.from(
      view.nextViews!.flatMap(({ position }) =>
        Array.from({ length: 125 }, (_, i) => [
          position[0] + 0.015 * ((i % 5) - 2),
          position[1] + 0.015 * ((Math.trunc(i / 5) % 5) - 2),
          position[2] + 0.015 * (Math.trunc(i / 25) - 2),
        ]).flat(),
      ),
    );
    const result = await rig.run({}, { ...view, scene: { ...view.scene, obstacles } });
    expect(result.secondView).toMatch(/^no second view: /);
    expect(rig.looks).toHaveLength(0);
  });
});

describe("places to look from", () => {
  it("put the camera there, looking the same way, upright first", () => {
    const views = viewsAround(middle, [0.2, 0, 0.5], 0.4);
    const groups = toolPoses(views, camera);
    expect(groups).toHaveLength(3 * views.length);
    for (const [i, group] of groups.entries())
      for (const tool of group) {
        const pose = compose(tool, camera);
        const wanted = views[i % views.length]!;
        expect(Math.hypot(...subtract(pose.position, wanted.position))).toBeLessThan(1e-9);
        const [a, b] = [pose, wanted].map(({ orientation }) => rotate(orientation, [0, 0, 1]));
        expect(Math.hypot(...subtract(a!, b!))).toBeLessThan(1e-9);
      }
    expect(groups[0]![0]!.orientation).toEqual(compose(views[0]!, invert(camera)).orientation);
  });

  it("look at the point from elsewhere, from above the table", () => {
    const from: Vec3 = [0.2, 0, 0.5];
    for (const { position, orientation } of viewsAround(middle, from, 0.4)) {
      expect(position[2]).toBeGreaterThan(0.25);
      const away = subtract(middle, position);
      expect(Math.hypot(...away)).toBeCloseTo(0.4, 6);
      const ahead = rotate(orientation, [0, 0, 1]);
      expect(Math.hypot(...subtract(ahead, away.map((v) => v / 0.4) as unknown as Vec3))).toBeLessThan(1e-6);
    }
    // The best one from the far side.
    expect(viewsAround(middle, from, 0.4)[0]!.position[0]).toBeGreaterThan(middle[0] + 0.2);
  });
});

describe("an image that leaves too much open", () => {
  const grasp = { pose: fromAbove(0.5, 0, 0.05), width: 0.06, score: 0.8 };
  const base = { scene: scene(), frameAt: 0 };
  it.each([
    ["no grasp", { ...base, grasps: [] }, true],
    ["a low score", { ...base, grasps: [{ ...grasp, score: 0.3 }], unseen: 0 }, true],
    ["a far side that is not seen", { ...base, grasps: [grasp], unseen: 0.5 }, true],
    ["nothing of these", { ...base, grasps: [{ ...grasp, score: 0.3 }, grasp], unseen: 0.2 }, false],
  ] as const)("has %s", (_, view, unsure) => expect(isUnsure(view)).toBe(unsure));
});

describe("what two images show", () => {
  it("has the object of both, and the obstacles of each that are not the object's", () => {
    const object = boxCloud(0.5, 0, [0.06, 0.06, 0.08]);
    const neighbour = boxCloud(0.62, 0, [0.05, 0.05, 0.08]);
    const all = new Float32Array([...object, ...neighbour]);
    const merged = bothScenes(
      scene({ obstacles: all }),
      scene({ target: object, obstacles: neighbour }),
      0.012,
    );
    expect(merged.target).toEqual(object);
    expect(merged.table).toEqual(scene().table);
    const near = (points: Float32Array, x: number) =>
      Array.from({ length: points.length / 3 }, (_, i) => points[i * 3]!).filter(
        (v) => Math.abs(v - x) < 0.045,
      ).length;
    expect(near(merged.obstacles!, 0.5)).toBe(0);
    expect(near(merged.obstacles!, 0.62)).toBe((2 * neighbour.length) / 3);
  });
});
