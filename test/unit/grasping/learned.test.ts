import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dump } from "npyjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  compose,
  invert,
  type Mask,
  maskFromBox,
  matrixFromQuaternion,
  project,
  type RgbdFrame,
  seededRandom,
  transformPoint,
  type Vec3,
} from "../../../src/geometry/index.js";
import { frankaHand } from "../../../src/grasping/index.js";
import { type Crop, cropAbout } from "../../../src/grasping/learned/crop.js";
import {
  GraspNetwork,
  LearnedGraspPlanner,
  type LearnedPlannerOptions,
} from "../../../src/grasping/learned/index.js";
import { temporaryFolder } from "../../support/bags.js";
import { runExport } from "../../support/models.js";
import { repository, runPython } from "../../support/python.js";
import { box, look } from "../../support/raycast.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const peer = "test/reference/grasp_network.py";
const module = (kind: string) => `${join(repository, peer)}:${kind}`;

describe("a randomly initialised network against PyTorch", () => {
  let network: GraspNetwork;
  beforeAll(async () => {
    runPython(peer, ["weights", folder.path]);
    const out = join(folder.path, "random");
    const said = runExport("export.grasp", [
      ...["--module", module("Net"), "--weights", join(folder.path, "weights.pt"), "--out", out],
      ...["--licence", "Apache-2.0"],
    ]);
    expect(said).toMatch(/differs from PyTorch by \d/);
    network = await GraspNetwork.open(out);
  });
  afterAll(() => network?.close());

  it("is fed as its authors feed it, and gives PyTorch's maps", async () => {
    const random = seededRandom(4);
    const [width, height] = [640, 480];
    const colour = { width, height, data: new Uint8Array(width * height * 3).map(() => 256 * random()) };
    const depth = { width, height, data: new Float32Array(width * height).map(() => 0.4 + 0.5 * random()) };
    const camera = { width, height, fx: 600, fy: 600, cx: 320, cy: 240 };
    const frame: RgbdFrame = { stamp: 0n, frameId: "camera", colour, depth, camera };
    const crop = cropAbout(maskFromBox(width, height, [300, 200, 360, 240]), network.size)!;
    expect(crop).toEqual({ x: 330 - 112, y: 220 - 112, scale: 1, size: 224 });
    const rows = Array.from({ length: 224 }, (_, j) => (crop.y + j) * width + crop.x);
    const cut = <T extends Uint8Array | Float32Array>(data: T, n: number) =>
      rows.flatMap((at) => Array.from(data.subarray(at * n, (at + 224) * n)));
    const save = (name: string, content: ArrayBuffer) =>
      writeFileSync(join(folder.path, name), new Uint8Array(content));
    save("colour.npy", dump(Uint8Array.from(cut(colour.data, 3)), [224, 224, 3]));
    save("depth.npy", dump(Float32Array.from(cut(depth.data, 1)), [224, 224]));
    const theirs: Record<string, number[]> = JSON.parse(runPython(peer, ["run", folder.path]));

    const ours = network.feed(frame, crop).data as Float32Array;
    expect(
      theirs.input!.reduce((most, value, k) => Math.max(most, Math.abs(ours[k]! - value)), 0),
    ).toBeLessThan(1e-5);
    const maps = await network.maps(frame, crop);
    for (const [name, scale] of [
      ["quality", 1],
      ["cos", 1],
      ["sin", 1],
      ["width", 150],
    ] as const) {
      const wanted = theirs[name]!;
      let most = 0;
      for (const [k, value] of wanted.entries())
        most = Math.max(most, Math.abs(maps[name][k]! / scale - value));
      expect(most, name).toBeLessThan(1e-4);
    }
  });

  it("fills holes of the depth from around them, and answers a crop larger than the image", async () => {
    const [width, height] = [320, 240];
    const data = new Float32Array(width * height).fill(0.5);
    data.fill(Number.NaN, 100 * width, 110 * width);
    const camera = { width, height, fx: 300, fy: 300, cx: 160, cy: 120 };
    const colour = { width, height, data: new Uint8Array(width * height * 3).fill(90) };
    const frame: RgbdFrame = { stamp: 0n, frameId: "camera", colour, depth: { width, height, data }, camera };
    const crop = cropAbout(maskFromBox(width, height, [10, 10, 310, 230]), network.size)!;
    expect(crop.scale).toBeGreaterThan(1);
    expect((network.feed(frame, crop).data as Float32Array).every((value) => Math.abs(value) < 1e-5)).toBe(
      true,
    );
  });
});

const size: Vec3 = [0.04, 0.1, 0.06];
const yaw = 0.5;
const eye: Vec3 = [-0.3, 0.1, 0.55];
const view = look([box([0, 0, 0.03], size, yaw)], { eye });
const mask: Mask = view.masks[0]!;
const crop: Crop = cropAbout(mask, 224)!;
const toCamera = invert(view.cameraToWorld);
const pixel = (p: Vec3) => project(view.frame.camera, transformPoint(toCamera, p))!;
const inCrop = (p: Vec3) => {
  const [u, v] = pixel(p);
  return [(u + 0.5 - crop.x) / crop.scale - 0.5, (v + 0.5 - crop.y) / crop.scale - 0.5] as const;
};
/** The box's narrow way, and its two ends on the top face. */
const narrow: Vec3 = [Math.cos(yaw), Math.sin(yaw), 0];
const along = (s: number): Vec3 => [narrow[0] * s, narrow[1] * s, 0.06];

/** A network that answers with one peak: in the middle of the box, to close over 60 mm of its narrow way. */
async function onePeak(): Promise<GraspNetwork> {
  const out = join(folder.path, "peak");
  mkdirSync(out, { recursive: true });
  const [i, j] = inCrop(along(0));
  const [a, b] = [inCrop(along(-0.03)), inCrop(along(0.03))];
  const angle = Math.atan2(-(b[1] - a[1]), b[0] - a[0]);
  const width = Math.hypot(b[0] - a[0], b[1] - a[1]);
  runPython(peer, ["fixed", out, ...[i, j, angle, width, 0.9].map(String)]);
  runExport("export.grasp", ["--module", module("Fixed"), "--weights", join(out, "fixed.pt"), "--out", out]);
  return await GraspNetwork.open(out);
}

describe("from maps to grasps, through the planner's port", () => {
  let network: GraspNetwork;
  beforeAll(async () => {
    network = await onePeak();
  });
  afterAll(() => network?.close());

  it("a peak on a box becomes a grasp straight down on that point, closing along the map's angle", async () => {
    const learned = new LearnedGraspPlanner(network);
    const plan = await learned.plan(view.frame, { mask });
    expect(plan.reason).toBeUndefined();
    const [grasp] = plan.grasps;
    const pose = compose(view.cameraToWorld, grasp!.pose);
    expect(Math.hypot(pose.position[0], pose.position[1])).toBeLessThan(0.004);
    expect(pose.position[2]).toBeCloseTo(0.03, 2);
    const m = matrixFromQuaternion(pose.orientation);
    expect(m[8]).toBeLessThan(-0.999);
    expect(Math.abs(m[0] * narrow[0] + m[3] * narrow[1])).toBeGreaterThan(Math.cos(0.04));
    expect(grasp!.width).toBeGreaterThan(0.055);
    expect(grasp!.width).toBeLessThanOrEqual(0.08);
    expect(Math.abs(grasp!.objectWidth! - 0.04)).toBeLessThan(0.008);
    expect(grasp!.score).toBeGreaterThan(0.6);
    expect(grasp!.frame).toBe(view.frame.frameId);
    expect(await learned.plan(view.frame, { mask })).toEqual(plan);
  });

  it("says why there is none", async () => {
    const plan = (options: LearnedPlannerOptions, frame: RgbdFrame = view.frame, of: Mask = mask) =>
      new LearnedGraspPlanner(network, options).plan(frame, { mask: of });
    expect((await plan({ minQuality: 0.95 })).reason).toMatch(/sees no grasp on the object/);
    const { depth: _, ...flat } = view.frame;
    expect((await plan({}, flat)).refusal).toBe("no-depth");
    expect((await plan({}, view.frame, { ...mask, data: new Uint8Array(mask.data.length) })).refusal).toBe(
      "mask-empty",
    );
    expect(await plan({ gripper: { ...frankaHand, stroke: 0.05 } })).toMatchObject({
      grasps: [],
      refusal: "too-wide",
    });
    expect((await plan({ reachability: () => 0 })).refusal).toBe("unreachable");
    expect(() => new LearnedGraspPlanner(network, { gripper: { ...frankaHand, stroke: -1 } })).toThrow(
      /stroke/,
    );
  });

  it("keeps the fingers out of what stands beside the object", async () => {
    const beside = look(
      [
        box([0, 0, 0.03], size, yaw),
        box([narrow[0] * 0.055, narrow[1] * 0.055, 0.05], [0.03, 0.1, 0.1], yaw),
      ],
      { eye },
    );
    const plan = await new LearnedGraspPlanner(network).plan(beside.frame, { mask: beside.masks[0]! });
    expect(plan).toMatchObject({ grasps: [], refusal: "no-free-grasp" });
    expect(plan.reason).toMatch(/would touch something/);
  });

  it("refuses a network whose file was changed", async () => {
    const out = join(folder.path, "peak");
    writeFileSync(join(out, "grasp.onnx"), "other");
    await expect(GraspNetwork.open(out)).rejects.toMatchObject({ code: "MODEL_CORRUPT" });
    await expect(GraspNetwork.open(folder.path)).rejects.toMatchObject({ code: "MODEL_MISSING" });
  });
});
