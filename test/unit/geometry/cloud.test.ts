import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clusterPoints,
  deproject,
  dot,
  fitPlane,
  flipPlane,
  organisedCloud,
  organisedNormals,
  planeDistance,
  ransacPlane,
  seededRandom,
  symmetricEigen3,
  transformPoint,
  transformPoints,
  type Vec3,
  voxelRepresentatives,
} from "../../../src/geometry/index.js";
import { scatter } from "../../support/scatter.js";

const camera = { width: 64, height: 48, fx: 60, fy: 62, cx: 31.2, cy: 24.9 };

describe("organisedCloud", () => {
  it("back-projects as deproject does, and marks what is unknown with NaN", () => {
    const data = new Float32Array(64 * 48).fill(0.8);
    data[5 * 64 + 7] = 0;
    data[5 * 64 + 9] = Number.NaN;
    const cloud = organisedCloud(
      { width: 64, height: 48, data },
      camera,
      { x1: 1, y1: 1, x2: 64, y2: 48 },
      2,
    );
    expect([cloud.width, cloud.height]).toEqual([32, 24]);
    const at = (u: number, v: number): number[] => {
      const i = (((v - 1) / 2) * 32 + (u - 1) / 2) * 3;
      return [...cloud.points.slice(i, i + 3)];
    };
    const expected = deproject(camera, 21, 11, data[0]!);
    for (const [k, value] of at(21, 11).entries()) expect(value).toBeCloseTo(expected[k]!, 6);
    expect(at(7, 5)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(at(9, 5)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });
});

describe("planes", () => {
  it("RANSAC recovers a plane among 40 % outliers", () => {
    const n: Vec3 = [0.36, -0.48, 0.8];
    const mixed = scatter(4, n, -0.1, 600, 400, 0.002);
    const found = ransacPlane(mixed, { tolerance: 0.006, random: seededRandom(1) })!;
    expect(Math.abs(dot(found.normal, n))).toBeGreaterThan(Math.cos(0.006));
    expect(found.inliers).toBeGreaterThan(590);
  });

  it("know their sides, and there is none through a line or two points", () => {
    const plane = { normal: [0, 0, 1] as Vec3, offset: -0.5 };
    expect(planeDistance(plane, [3, 2, 0.7])).toBeCloseTo(0.2);
    expect(planeDistance(flipPlane(plane), [3, 2, 0.7])).toBeCloseTo(-0.2);
    expect(fitPlane(Float32Array.from([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]))).toBeUndefined();
    expect(fitPlane(Float32Array.from([0, 0, 0, 1, 1, 1]))).toBeUndefined();
    expect(ransacPlane(new Float32Array(30), { tolerance: 0.01, random: seededRandom(1) })).toBeUndefined();
  });

  it("takes the table rather than the larger face of a box standing on it", () => {
    // A face with 750 points, a table with 600: the table lies on both sides of the face's plane, nothing is under it.
    const random = seededRandom(9);
    const points: number[] = [];
    for (let i = 0; i < 750; i++) points.push(random() * 0.3 - 0.15, 0.3 - random() * 0.25, 1);
    for (let i = 0; i < 600; i++) points.push(random() * 0.4 - 0.2, 0.3, 0.9 + random() * 0.2);
    const cloud = Float32Array.from(points);
    const options = { tolerance: 0.005, iterations: 300 };
    const naive = ransacPlane(cloud, { ...options, random: seededRandom(1) })!;
    const table = ransacPlane(cloud, { ...options, random: seededRandom(1), behind: 0.2 })!;
    expect(Math.abs(naive.normal[2])).toBeGreaterThan(0.99);
    expect(Math.abs(table.normal[1])).toBeGreaterThan(0.99);
  });
});

describe("organisedNormals", () => {
  it("are NaN where too little is known", () => {
    const data = new Float32Array(64 * 48).fill(Number.NaN);
    data[24 * 64 + 32] = 0.7;
    const cloud = organisedCloud({ width: 64, height: 48, data }, camera, { x1: 0, y1: 0, x2: 64, y2: 48 });
    expect([...organisedNormals(cloud, [24 * 64 + 32], 0.03, 60)]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
  });
});

describe("symmetricEigen3", () => {
  it("solves A v = λ v with orthonormal v, ascending, for any symmetric matrix", () => {
    const number = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(number, number, number, number, number, number, (xx, xy, xz, yy, yz, zz) => {
        const { values, vectors } = symmetricEigen3(xx, xy, xz, yy, yz, zz);
        const rows: Vec3[] = [
          [xx, xy, xz],
          [xy, yy, yz],
          [xz, yz, zz],
        ];
        expect(values[0] <= values[1] && values[1] <= values[2]).toBe(true);
        for (let k = 0; k < 3; k++) {
          expect(dot(vectors[k]!, vectors[k]!)).toBeCloseTo(1, 9);
          for (let r = 0; r < 3; r++)
            expect(Math.abs(dot(rows[r]!, vectors[k]!) - values[k]! * vectors[k]![r]!)).toBeLessThan(1e-8);
        }
      }),
    );
  });
});

describe("points", () => {
  it("move as single points do", () => {
    const pose = { position: [0.1, -2, 3] as Vec3, orientation: [0.5, 0.5, -0.5, 0.5] as const };
    const moved = transformPoints(pose, Float32Array.from([1, 2, 3]));
    const expected = transformPoint(pose, [1, 2, 3]);
    for (let k = 0; k < 3; k++) expect(moved[k]).toBeCloseTo(expected[k]!, 5);
  });

  it("keeps the first point of each voxel and leaves NaN out", () => {
    const points = Float32Array.from([0.001, 0, 0, Number.NaN, 0, 0, 0.002, 0, 0, -0.001, 0, 0, 0.011, 0, 0]);
    expect([...voxelRepresentatives(points, 0.01)]).toEqual([0, 3, 4]);
  });

  it("groups what touches, the largest first", () => {
    const points: number[] = [];
    for (let i = 0; i < 5; i++) points.push(1 + i * 0.008, 0, 0);
    for (let i = 0; i < 9; i++) points.push(i * 0.008, 0, 0);
    points.push(Number.NaN, 0, 0);
    const labels = [...clusterPoints(Float32Array.from(points), 0.01)];
    expect(labels).toEqual([...Array(5).fill(1), ...Array(9).fill(0), -1]);
  });
});

describe("seededRandom", () => {
  it("repeats for a seed, differs between seeds and covers 0 to 1 evenly", () => {
    const draw = (seed: number): number[] => Array.from({ length: 4000 }, seededRandom(seed));
    const first = draw(1);
    expect(draw(1)).toEqual(first);
    expect(draw(2)).not.toEqual(first);
    expect(first.every((x) => x >= 0 && x < 1)).toBe(true);
    const mean = first.reduce((a, b) => a + b, 0) / first.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
  });
});
