import { describe, expect, it } from "vitest";
import { project, registerDepth } from "../../../src/geometry/index.js";

describe("registerDepth", () => {
  const camera = { width: 40, height: 30, fx: 40, fy: 40, cx: 19.5, cy: 14.5 };
  const plane = (z: number) => ({ width: 40, height: 30, data: new Float32Array(1200).fill(z) });
  const still = { position: [0, 0, 0] as const, orientation: [0, 0, 0, 1] as const };

  it("leaves depth of the same camera as it is", () => {
    expect(registerDepth(plane(2), camera, still, camera).data).toEqual(plane(2).data);
  });

  it("moves by the baseline and adds the offset along the axis", () => {
    const depth = plane(2);
    depth.data[10 * 40 + 20] = 1;
    const out = registerDepth(depth, camera, { position: [0.05, 0, 0], orientation: [0, 0, 0, 1] }, camera);
    // 5 cm at 1 m are 2 pixels of this camera.
    expect(out.data[10 * 40 + 22]).toBeCloseTo(1, 6);
    const nearer = registerDepth(
      plane(2),
      camera,
      { position: [0, 0, -0.5], orientation: [0, 0, 0, 1] },
      camera,
    );
    expect(nearer.data[15 * 40 + 20]).toBeCloseTo(1.5, 6);
  });

  it("fills a finer colour image without holes", () => {
    const fine = { width: 80, height: 60, fx: 80, fy: 80, cx: 39.5, cy: 29.5 };
    const out = registerDepth(plane(1), camera, still, fine);
    expect(out.data.every((z) => Math.abs(z - 1) < 1e-6)).toBe(true);
  });

  it("counts the distortion of both lenses", () => {
    const bent = { model: "plumb_bob", coefficients: [-0.3, 0.1, 0.002, -0.001, 0] };
    const fine = { width: 120, height: 90, fx: 120, fy: 118, cx: 60.2, cy: 44.1 };
    const depth = { width: 120, height: 90, data: new Float32Array(120 * 90).fill(1) };
    const pose = { position: [0.02, 0, 0.01] as const, orientation: [0, 0, 0, 1] as const };
    const colour = { ...fine, distortion: bent };
    const out = registerDepth(depth, { ...fine, distortion: bent }, pose, colour);
    // Points of the plane at 1 m, as the colour camera sees them.
    for (const [x, y] of [
      [0.1, 0.05],
      [-0.3, 0.2],
      [0.35, -0.25],
    ] as const) {
      const [u, v] = project(colour, [x + 0.02, y, 1.01])!;
      expect(out.data[Math.round(v) * 120 + Math.round(u)]).toBeCloseTo(1.01, 6);
    }
    // The frames differ by the offset alone: without undoing the lens the rim would be covered too.
    const straight = registerDepth(depth, fine, pose, colour);
    expect(straight.data).not.toEqual(out.data);
  });
});
