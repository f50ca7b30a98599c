import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import {
  type Box,
  type CameraModel,
  dot,
  maskFromBox,
  matrixFromQuaternion,
  organisedCloud,
  planeDistance,
  project,
  type RgbdFrame,
  ransacPlane,
  seededRandom,
  transformPoint,
  type Vec3,
} from "../../../src/geometry/index.js";
import { createGraspPlanner, frankaHand, type GraspPlan } from "../../../src/grasping/index.js";
import { runPython } from "../../support/python.js";
import { haveShared, sharedFolder } from "../../support/shared.js";

interface Named {
  readonly name: string;
  readonly box: Box;
}

async function load(
  name: string,
): Promise<{ readonly frame: RgbdFrame; readonly objects: readonly Named[] }> {
  const folder = join(sharedFolder, "data", "rgbd", name);
  const raw = await sharp(join(folder, "depth.png"))
    .toColourspace("grey16")
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = raw.info;
  const millimetres = new Uint16Array(raw.data.buffer, raw.data.byteOffset, width * height);
  const camera: CameraModel = JSON.parse(readFileSync(join(folder, "intrinsics.json"), "utf8"));
  const { objects } = JSON.parse(readFileSync(join(folder, "objects_by_eye.json"), "utf8"));
  const frame = {
    stamp: 0n,
    frameId: "camera_color_optical_frame",
    colour: { width, height, data: new Uint8Array(width * height * 3) },
    depth: {
      width,
      height,
      data: Float32Array.from(millimetres, (mm) => (mm === 0 ? Number.NaN : mm / 1000)),
    },
    camera: { width, height, fx: camera.fx, fy: camera.fy, cx: camera.cx, cy: camera.cy },
  };
  return { frame, objects };
}

/** The plane most of the image lies on, found without the planner. */
function tableOf(frame: RgbdFrame) {
  const { depth, camera } = frame;
  const window = { x1: 0, y1: 150, x2: camera!.width, y2: camera!.height };
  const cloud = organisedCloud(depth!, camera!, window, 6);
  const known = cloud.points.filter((_, i) => !Number.isNaN(cloud.points[i - (i % 3)]!));
  const fit = ransacPlane(known, { tolerance: 0.008, random: seededRandom(2), iterations: 400 })!;
  const sign = fit.offset >= 0 ? 1 : -1;
  const [x, y, z] = fit.normal;
  return { ...fit, normal: [x * sign, y * sign, z * sign] as Vec3, offset: fit.offset * sign };
}

describe.skipIf(!haveShared())("real frames", () => {
  it("are decoded as NumPy and Pillow decode them", async () => {
    const name = "arc_tote";
    const { frame } = await load(name);
    const [sum, known, middle] = JSON.parse(
      runPython("test/reference/read_depth.py", [join(sharedFolder, "data", "rgbd", name, "depth.png")]),
    );
    const depth = frame.depth!.data;
    const millimetres = [...depth].map((z, i) =>
      Number.isNaN(z) ? 0 : Math.round(z * 1000) * ((i % 97) + 1),
    );
    expect(millimetres.reduce((a, b) => a + b, 0)).toBe(sum);
    expect(depth.filter((z) => z > 0).length).toBe(known);
    expect(Math.round(depth[240 * 640 + 320]! * 1000)).toBe(middle);
  });

  it("are decoded to metres: the table of each is a plane to some millimetres", async () => {
    for (const name of ["uoc_table_bottle", "uoc_table_mugs"]) {
      const { frame } = await load(name);
      const table = tableOf(frame);
      expect(table.rms).toBeLessThan(0.005);
      expect(table.inliers).toBeGreaterThan(1000);
      expect(table.offset).toBeGreaterThan(0.4);
      expect(table.offset).toBeLessThan(1);
    }
  });

  // Objects that stand alone in their box, in reach of an 80 mm gripper: each must be grasped.
  const wanted: Record<string, readonly string[]> = {
    uoc_table_mugs: ["mustard bottle", "small jar", "cracker box", "power drill", "mug"],
    uoc_table_bottle: ["mustard bottle", "mug"],
    uoc_table_toys: ["mug"],
    arc_tote: ["flashlight"],
  };

  for (const [name, must] of Object.entries(wanted))
    it(`${name}: grasps lie on their objects, above the table, reached from above`, async () => {
      const { frame, objects } = await load(name);
      const camera = frame.camera!;
      const planner = createGraspPlanner();
      const grasped = new Set<string>();
      for (const object of objects) {
        const mask = maskFromBox(camera.width, camera.height, object.box);
        const plan = planner.plan(frame, { mask }) as GraspPlan;
        expect(plan.grasps.length > 0 || (plan.reason ?? "").length > 10).toBe(true);
        if (plan.grasps.length > 0) grasped.add(object.name);
        for (const grasp of plan.grasps) {
          const [u, v] = project(camera, grasp.pose.position)!;
          const [x1, y1, x2, y2] = object.box;
          // Half a finger's length of slack: the tips may reach past the silhouette's edge.
          const slack = (0.027 * camera.fx) / grasp.pose.position[2];
          expect(u).toBeGreaterThan(x1 - slack);
          expect(u).toBeLessThan(x2 + slack);
          expect(v).toBeGreaterThan(y1 - slack);
          expect(v).toBeLessThan(y2 + slack);
          expect(grasp.width).toBeLessThanOrEqual(frankaHand.stroke);
          expect(grasp.objectWidth!).toBeLessThan(grasp.width);
        }
      }
      for (const object of must) expect([...grasped]).toContain(object);
    });

  it("keep fingertips above the table and never come from below it", async () => {
    const { frame, objects } = await load("uoc_table_mugs");
    const table = tableOf(frame);
    const planner = createGraspPlanner();
    let checked = 0;
    for (const { box } of objects) {
      const mask = maskFromBox(640, 480, box);
      const plan = planner.plan(frame, { mask, up: table.normal }) as GraspPlan;
      for (const grasp of plan.grasps) {
        const m = matrixFromQuaternion(grasp.pose.orientation);
        expect(dot([m[2], m[5], m[8]], table.normal)).toBeLessThan(0);
        for (const sx of [-1, 1])
          for (const sy of [-1, 1]) {
            const corner: Vec3 = [(sx * grasp.width) / 2, (sy * frankaHand.fingerWidth) / 2, 0];
            // The image's plane and the one around the object differ by the sensor's few millimetres.
            expect(planeDistance(table, transformPoint(grasp.pose, corner))).toBeGreaterThan(-0.008);
            checked++;
          }
      }
    }
    expect(checked).toBeGreaterThan(40);
  });
});
