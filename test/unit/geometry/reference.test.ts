import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  dot,
  fitPlane,
  organisedCloud,
  organisedNormals,
  seededRandom,
  type Vec3,
} from "../../../src/geometry/index.js";
import { repository, runPython } from "../../support/python.js";
import { scatter } from "../../support/scatter.js";

const camera = { width: 64, height: 48, fx: 60, fy: 62, cx: 31.2, cy: 24.9 };

describe("planes", () => {
  it("agree with SciPy's least squares", () => {
    const n: Vec3 = [0.36, -0.48, 0.8];
    const clean = scatter(3, n, -0.1, 600, 0, 0.002);
    const answer = JSON.parse(
      runPython("test/reference/plane_normals.py", ["plane"], JSON.stringify([...clean])),
    );
    const fit = fitPlane(clean)!;
    const sign = Math.sign(dot(fit.normal, answer.normal));
    expect(sign * dot(fit.normal, answer.normal)).toBeGreaterThan(1 - 1e-9);
    expect(Math.abs(fit.offset - sign * answer.offset)).toBeLessThan(1e-6);
    expect(Math.abs(fit.rms - answer.rms)).toBeLessThan(1e-6);
  });
});

describe("organisedNormals", () => {
  it("agree with the smallest singular vector of SciPy's neighbours and face the camera", () => {
    const data = new Float32Array(64 * 48);
    const random = seededRandom(5);
    for (let v = 0; v < 48; v++)
      for (let u = 0; u < 64; u++)
        data[v * 64 + u] = 0.6 + 0.001 * u + 0.05 * Math.sin(v / 9) + 0.0002 * random();
    const cloud = organisedCloud({ width: 64, height: 48, data }, camera, { x1: 0, y1: 0, x2: 64, y2: 48 });
    const indices = [10 * 64 + 12, 24 * 64 + 32, 40 * 64 + 50, 30 * 64 + 20];
    const radius = 0.035;
    const normals = organisedNormals(cloud, indices, radius, 60);
    const input = JSON.stringify({ points: [...cloud.points], indices, radius });
    const expected: number[][] = JSON.parse(runPython("test/reference/plane_normals.py", ["normals"], input));
    for (const [k, e] of expected.entries()) {
      const n: Vec3 = [normals[k * 3]!, normals[k * 3 + 1]!, normals[k * 3 + 2]!];
      expect(Math.abs(dot(n, e as unknown as Vec3))).toBeGreaterThan(Math.cos((1 * Math.PI) / 180));
      expect(n[2]).toBeLessThan(0);
    }
  });
});

it("the fixture of geometry is what OpenCV, SciPy and NumPy say", () => {
  const numbers = (value: unknown): number[] =>
    typeof value === "object" && value !== null
      ? Object.values(value).flatMap(numbers)
      : [typeof value === "number" ? value : 0];
  const fixture = readFileSync(join(repository, "test", "fixtures", "geometry", "oracle.json"), "utf8");
  const [wanted, found] = [runPython("test/reference/geometry_oracle.py"), fixture].map((text) =>
    numbers(JSON.parse(text)),
  ) as [number[], number[]];
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(1e-9);
});
