import { describe, expect, it } from "vitest";
import {
  type CameraModel,
  compose,
  type Mask,
  pixelRay,
  type RgbdFrame,
} from "../../../src/geometry/index.js";
import { createGraspPlanner } from "../../../src/grasping/index.js";
import { box, look } from "../../support/raycast.js";

/** What a lens that bends rays makes of the image: each of its pixels looks where the straight lens saw that ray. */
function through(lens: CameraModel, frame: RgbdFrame, mask: Mask): { frame: RgbdFrame; mask: Mask } {
  const straight = frame.camera!;
  const { width, height } = lens;
  const depth = new Float32Array(width * height).fill(Number.NaN);
  const bent = new Uint8Array(width * height);
  for (let v = 0; v < height; v++)
    for (let u = 0; u < width; u++) {
      const ray = pixelRay(lens, u, v);
      if (ray === undefined) continue;
      const x = Math.round(straight.fx * ray[0] + straight.cx);
      const y = Math.round(straight.fy * ray[1] + straight.cy);
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      depth[v * width + u] = frame.depth!.data[y * width + x]!;
      bent[v * width + u] = mask.data[y * width + x]!;
    }
  return {
    frame: { ...frame, camera: lens, depth: { width, height, data: depth } },
    mask: { width, height, data: bent },
  };
}

describe("a raw image of a lens that distorts", () => {
  const planner = createGraspPlanner();
  const view = look([box([0.02, 0.16, 0.03], [0.04, 0.09, 0.06], 0.4)], { at: [0, -0.06, 0.03] });
  const distance = (camera: CameraModel | undefined, lens: CameraModel) => {
    const bent = through(lens, view.frame, view.masks[0]!);
    const plan = planner.plan({ ...bent.frame, camera: camera ?? lens }, { mask: bent.mask });
    const { grasps } = plan as Exclude<typeof plan, Promise<unknown>>;
    const { position } = compose(view.cameraToWorld, grasps[0]!.pose);
    return Math.hypot(position[0] - 0.02, position[1] - 0.16);
  };

  it.each([
    ["plumb_bob", [-0.3, 0.1, 0, 0, 0]],
    ["rational_polynomial", [0.2, -0.3, 0, 0, 0.05, 0.7, -0.25, 0]],
    ["equidistant", [-0.01, 0.04, -0.03, 0.007]],
  ])("is grasped where the object is: %s", (model, coefficients) => {
    const lens = { ...view.frame.camera, distortion: { model, coefficients } };
    expect(distance(undefined, lens)).toBeLessThan(0.005);
    // Taken for a straight lens the same image leads beside it.
    expect(distance(view.frame.camera, lens)).toBeGreaterThan(0.008);
  });
});
