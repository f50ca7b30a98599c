import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type CameraModel,
  clusterPoints,
  type Distortion,
  deproject,
  distort,
  distortionProblem,
  dot,
  fitPlane,
  flipPlane,
  isDistorted,
  type OrganisedCloud,
  organisedCloud,
  organisedNormals,
  type Plane,
  type PlaneFit,
  pixelRay,
  project,
  type Quaternion,
  quaternionFromRotationVector,
  ransacPlane,
  rotationAngle,
  rotationVectorFromQuaternion,
  secondsBetween,
  seededRandom,
  selectPoints,
  stampFromParts,
  transformPoints,
  undistort,
  type Vec3,
  voxelRepresentatives,
} from "../../../src/geometry/index.js";
import { instancesFromHeatmap } from "../../../src/grounding/index.js";
import { repository } from "../../support/python.js";

interface Oracle {
  readonly lenses: readonly {
    readonly model: string;
    readonly coefficients: readonly number[];
    readonly rays: readonly [number, number][];
    readonly plane: readonly [number, number][];
    readonly pixels: readonly [number, number][];
  }[];
  readonly rotations: {
    readonly vectors: readonly Vec3[];
    readonly quaternions: readonly Quaternion[];
    readonly angles: readonly number[];
    readonly from: readonly Quaternion[];
    readonly to: readonly Quaternion[];
  };
  readonly patches: readonly {
    readonly points: readonly (number | null)[];
    readonly radius: number;
    readonly indices: readonly number[];
    readonly normals: readonly Vec3[];
    readonly shares: readonly number[];
  }[];
  readonly planes: readonly {
    readonly points: readonly number[];
    readonly guess: Plane;
    readonly all: PlaneFit;
    readonly near: PlaneFit;
  }[];
  readonly moved: {
    readonly position: Vec3;
    readonly orientation: Quaternion;
    readonly points: readonly number[];
    readonly moved: readonly number[];
  };
  readonly groups: readonly {
    readonly points: readonly number[];
    readonly size: number;
    readonly first: readonly number[];
    readonly labels: readonly number[];
  }[];
  readonly instances: readonly {
    readonly width: number;
    readonly height: number;
    readonly heat: readonly number[];
    readonly image: { readonly width: number; readonly height: number };
    readonly threshold: number;
    readonly options: { readonly minArea?: number; readonly relativeScore?: number; readonly limit?: number };
    readonly found: readonly {
      readonly score: number;
      readonly box: readonly number[];
      readonly mask: string;
    }[];
  }[];
  readonly mulberry32: Readonly<Record<string, readonly number[]>>;
}

/** What OpenCV, SciPy and NumPy say: test/reference/geometry_oracle.py. */
const oracle = JSON.parse(
  readFileSync(join(repository, "test", "fixtures", "geometry", "oracle.json"), "utf8"),
) as Oracle;

const far = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)), a.length === b.length ? 0 : Infinity);

const lens: CameraModel = { width: 640, height: 480, fx: 610.5, fy: 602.25, cx: 317.2, cy: 243.8 };

describe("lenses, as OpenCV has them", () => {
  it.each(oracle.lenses)("$model $coefficients", ({ model, coefficients, rays, plane, pixels }) => {
    // `fisheye` is another name of the same model.
    for (const name of model === "equidistant" ? [model, "fisheye"] : [model]) {
      const distortion = { model: name, coefficients };
      const camera = { ...lens, distortion };
      expect(isDistorted(distortion)).toBe(true);
      expect(distortionProblem(distortion)).toBeUndefined();
      for (const [k, [x, y]] of rays.entries()) {
        expect(far(distort(distortion, x, y), plane[k]!)).toBeLessThan(1e-12);
        expect(far(undistort(distortion, ...plane[k]!)!, [x, y])).toBeLessThan(1e-9);
        expect(far(project(camera, [2 * x, 2 * y, 2])!, pixels[k]!)).toBeLessThan(1e-8);
        expect(far(pixelRay(camera, ...pixels[k]!)!, [x, y])).toBeLessThan(1e-9);
        expect(far(deproject(camera, ...pixels[k]!, 2), [2 * x, 2 * y, 2])).toBeLessThan(1e-9);
      }
      const cloud = organisedCloud(
        { width: 640, height: 480, data: new Float32Array(640 * 480).fill(2) },
        camera,
        { x1: 300, y1: 200, x2: 304, y2: 204 },
      );
      for (const [k, [u, v]] of [
        [300, 200],
        [303, 203],
      ].entries())
        expect(
          far(cloud.points.slice(k * 45, k * 45 + 3), deproject(camera, u!, v!, 2)),
          `point ${k}`,
        ).toBeLessThan(1e-6);
    }
  });

  it("the axis stays where it is, and so does a fisheye's surrounding", () => {
    for (const { model, coefficients } of oracle.lenses) {
      expect(distort({ model, coefficients }, 0, 0)).toEqual([0, 0]);
      expect(far(undistort({ model, coefficients }, 0, 0)!, [0, 0])).toBeLessThan(1e-12);
    }
  });

  it("wide rays of a strong barrel are found as well", () => {
    // x (1 - 0.3 x²) has its top at x = 1 / sqrt(0.9), where it is two thirds of that: no ray is seen further out.
    const barrel: Distortion = { model: "plumb_bob", coefficients: [-0.3, 0, 0, 0, 0] };
    const top = 1 / Math.sqrt(0.9);
    for (const share of [0.5, 0.8, 0.95, 0.99]) {
      const x = share * top;
      const seen = x * (1 - 0.3 * x * x);
      expect(far(undistort(barrel, seen, 0)!, [x, 0])).toBeLessThan(1e-8);
      expect(far(undistort(barrel, 0, -seen)!, [0, -x])).toBeLessThan(1e-8);
    }
    expect(undistort(barrel, (2 / 3) * top + 0.01, 0)).toBeUndefined();
    expect(undistort(barrel, 0, 3)).toBeUndefined();
    expect(pixelRay({ ...lens, distortion: barrel }, 317.2 + 610.5, 243.8)).toBeUndefined();
    // Where no ray falls, the pixel is taken as a straight lens's.
    expect(deproject({ ...lens, distortion: barrel }, 317.2 + 610.5, 243.8, 2)).toEqual([2, 0, 2]);
  });

  it("an ideal fisheye maps angles: the arc tangent, up to a right angle", () => {
    const ideal: Distortion = { model: "equidistant", coefficients: [] };
    expect(isDistorted(ideal)).toBe(true);
    for (const angle of [1e-11, 1e-6, 0.1, 1, 1.4, 1.55]) {
      const [x, y] = undistort(ideal, angle * 0.6, -angle * 0.8)!;
      expect(Math.abs(x / (0.6 * Math.tan(angle)) - 1)).toBeLessThan(1e-9);
      expect(Math.abs(y / (-0.8 * Math.tan(angle)) - 1)).toBeLessThan(1e-9);
      expect(far(distort(ideal, x, y), [angle * 0.6, -angle * 0.8])).toBeLessThan(1e-9);
    }
    expect(undistort(ideal, Math.PI / 2 + 1e-3, 0)).toBeUndefined();
    expect(undistort(ideal, 0, 4)).toBeUndefined();
    // Angles that would go back towards the middle end the field.
    const folded: Distortion = { model: "equidistant", coefficients: [-0.5] };
    const edge = Math.sqrt(1 / 1.5);
    expect(undistort(folded, (2 / 3) * edge + 0.01, 0)).toBeUndefined();
    const seen = 0.9 * edge * (1 - 0.5 * (0.9 * edge) ** 2);
    expect(Math.abs(undistort(folded, seen, 0)![0] - Math.tan(0.9 * edge))).toBeLessThan(1e-8);
  });

  it("tells what it cannot compute with", () => {
    const problem = (model: string, ...coefficients: number[]) => distortionProblem({ model, coefficients });
    expect(problem("thin_prism", 1)).toMatch(/thin_prism.*not known/);
    expect(problem("plumb_bob", 0.1, Number.NaN)).toMatch(/not finite/);
    expect(problem("plumb_bob", Number.POSITIVE_INFINITY)).toMatch(/not finite/);
    expect(problem("plumb_bob", 1, 0, 0, 0, 0, 0.1)).toMatch(/has 5 coefficients, not 6/);
    expect(problem("rational_polynomial", ...Array(8).fill(0), 0.1)).toMatch(/has 8 coefficients, not 9/);
    expect(problem("equidistant", 0, 0, 0, 0, 0.1)).toMatch(/has 4 coefficients, not 5/);
    expect(problem("fisheye", 0, 0, 0, 0, 0.1)).toMatch(/has 4 coefficients/);
    // Zeros behind the last coefficient are how some drivers fill up.
    expect(problem("plumb_bob", 0.1, 0, 0, 0, 0, 0, 0, 0)).toBeUndefined();
    expect(problem("plumb_bob")).toBeUndefined();
  });

  it("what bends nothing is left alone", () => {
    expect(isDistorted(undefined)).toBe(false);
    expect(isDistorted({ model: "plumb_bob", coefficients: [] })).toBe(false);
    expect(isDistorted({ model: "plumb_bob", coefficients: [0, 0, 0, 0, 0] })).toBe(false);
    expect(isDistorted({ model: "unheard_of", coefficients: [1] })).toBe(false);
    expect(distort({ model: "unheard_of", coefficients: [1] }, 0.3, 0.2)).toEqual([0.3, 0.2]);
    expect(undistort({ model: "unheard_of", coefficients: [1] }, 0.3, 0.2)).toEqual([0.3, 0.2]);
  });
});

describe("rotations, as SciPy has them", () => {
  const { vectors, quaternions, angles, from, to } = oracle.rotations;

  it("of rotation vectors, and back", () => {
    for (const [k, vector] of vectors.entries()) {
      const q = quaternions[k]!;
      const found = quaternionFromRotationVector(vector);
      const sign = dot4(found, q) < 0 ? -1 : 1;
      for (let i = 0; i < 4; i++)
        expect(Math.abs(found[i]! - sign * q[i]!)).toBeLessThan(
          i < 3 ? 1e-14 + 1e-9 * Math.abs(q[i]!) : 1e-14,
        );
      const back = rotationVectorFromQuaternion(q);
      expect(far(back, vector)).toBeLessThan(1e-15 + 1e-9 * Math.abs(angles[k]!));
      // The opposite quaternion is the same orientation.
      const opposite = q.map((x) => -x) as unknown as Quaternion;
      expect(far(rotationVectorFromQuaternion(opposite), vector)).toBeLessThan(
        1e-15 + 1e-9 * Math.abs(angles[k]!),
      );
    }
  });

  it("the angle between two orientations, small ones too", () => {
    for (const [k, angle] of angles.entries()) {
      // Quaternions of numbers of 16 digits hold angles to 1e-15.
      expect(Math.abs(rotationAngle(from[k]!, to[k]!) - angle)).toBeLessThan(1e-14 + 1e-11 * angle);
      const opposite = to[k]!.map((x) => -x) as unknown as Quaternion;
      expect(Math.abs(rotationAngle(from[k]!, opposite) - angle)).toBeLessThan(1e-14 + 1e-11 * angle);
    }
    // Rounding may make the product of a unit quaternion with itself more than 1: no NaN comes of it.
    expect(rotationAngle([0, 0, 0, 1 + 1e-15], [0, 0, 0, 1 + 1e-15])).toBeLessThan(1e-12);
    expect(rotationAngle([1, 0, 0, 0], [0, 1, 0, 0])).toBeCloseTo(Math.PI, 12);
  });

  it("points move as SciPy moves them, and NaN stays", () => {
    const { position, orientation, points, moved } = oracle.moved;
    const cloud = Float32Array.from([...points, Number.NaN, 0, 0, 1]);
    const found = transformPoints({ position, orientation }, cloud);
    expect(found).toHaveLength(cloud.length);
    expect(far(found.subarray(0, moved.length), moved)).toBeLessThan(1e-6);
    expect([...found.subarray(moved.length, moved.length + 3)].every(Number.isNaN)).toBe(true);
  });
});

const dot4 = (a: Quaternion, b: Quaternion) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

describe("normals, as NumPy has them", () => {
  const cloudOf = (points: readonly (number | null)[]): OrganisedCloud => ({
    width: 11,
    height: 9,
    points: Float32Array.from(points, (x) => x ?? Number.NaN),
    x1: 0,
    y1: 0,
    step: 1,
  });

  it.each(oracle.patches)("of patch $#", ({ points, radius, indices, normals, shares }) => {
    const cloud = cloudOf(points);
    // So near that every neighbour is looked at.
    const focal = 4.5 * (0.8 / radius);
    const found = organisedNormals(cloud, indices, radius, focal);
    for (const [k, wanted] of normals.entries())
      expect(far(found.subarray(k * 3, k * 3 + 3), wanted), `normal ${k}`).toBeLessThan(2e-4);
    // What spreads in all directions is no surface.
    const limit = [...shares].sort((a, b) => a - b)[Math.trunc(shares.length / 2)]!;
    for (const [k, share] of shares.entries()) {
      if (Math.abs(share - limit) < 1e-5) continue;
      const normal = organisedNormals(cloud, [indices[k]!], radius, focal, limit);
      expect(Number.isNaN(normal[0]!), `share ${share} of ${limit}`).toBe(share > limit);
      expect(normal.every(Number.isNaN)).toBe(share > limit);
    }
  });
});

/** An image in which depth is what `depth` says, seen without distortion. */
function seen(width: number, height: number, depth: (u: number, v: number) => number, step = 1) {
  const camera = { width, height, fx: 60, fy: 60, cx: (width - 1) / 2, cy: (height - 1) / 2 };
  const data = Float32Array.from({ length: width * height }, (_, i) =>
    depth(i % width, Math.trunc(i / width)),
  );
  return organisedCloud({ width, height, data }, camera, { x1: 0, y1: 0, x2: width, y2: height }, step);
}

describe("normals of surfaces that are known", () => {
  const nan = [Number.NaN, Number.NaN, Number.NaN];
  /** Depth of the plane n · p = d at a pixel of an image of 31 × 21. */
  const plane = (n: Vec3, d: number) => (u: number, v: number) =>
    d / ((n[0] * (u - 15)) / 60 + (n[1] * (v - 10)) / 60 + n[2]);

  it.each<[Vec3, number]>([
    [[0, 0, 1], 0.8],
    [[0.6, 0, 0.8], 0.7],
    [[-0.6, 0, 0.8], 0.7],
    [[0, 0.6, 0.8], 0.7],
    [[0, -0.6, 0.8], 0.7],
    [[0.48, 0.6, 0.64], 0.6],
  ])("plane %j is met everywhere, up to the image's edge", (n, d) => {
    const cloud = seen(31, 21, plane(n, d));
    const indices = [
      0,
      15,
      30,
      31 * 10,
      31 * 10 + 15,
      31 * 11 - 1,
      31 * 20,
      31 * 20 + 15,
      31 * 21 - 1,
    ].filter((i) => cloud.points[i * 3 + 2]! > 0);
    expect(indices.length).toBeGreaterThan(4);
    const found = organisedNormals(cloud, indices, 0.2, 60);
    for (let k = 0; k < indices.length; k++)
      expect(far(found.subarray(k * 3, k * 3 + 3), [-n[0], -n[1], -n[2]])).toBeLessThan(1e-4);
  });

  it("what lies further than the radius does not count, beside it or behind it", () => {
    // A table's edge: the floor half a metre behind is in the image's neighbourhood.
    const edge = seen(31, 21, (u, v) => (u < 15 ? plane([0.28, 0, 0.96], 0.5)(u, v) : 1.1));
    const normal = organisedNormals(edge, [31 * 10 + 13], 0.05, 60);
    expect(far(normal, [-0.28, 0, -0.96])).toBeLessThan(1e-4);
    // The last column and the first of the next row are no neighbours.
    const sides = seen(31, 21, (u, v) =>
      u < 15 ? plane([0.6, 0, 0.8], 0.5)(u, v) : plane([-0.6, 0, 0.8], 0.5)(u, v),
    );
    const [left, right] = [
      organisedNormals(sides, [31 * 10], 0.15, 60),
      organisedNormals(sides, [31 * 10 + 30], 0.15, 60),
    ];
    expect(far(left, [-0.6, 0, -0.8])).toBeLessThan(1e-4);
    expect(far(right, [0.6, 0, -0.8])).toBeLessThan(1e-4);
  });

  it("six points are enough, five are not", () => {
    const few = (count: number) =>
      seen(31, 21, (u, v) => {
        const k = (v - 10) * 3 + (u - 15);
        return u >= 15 && u < 18 && v >= 10 && k < count ? 0.8 : Number.NaN;
      });
    expect([...organisedNormals(few(5), [31 * 10 + 15], 0.05, 60)]).toEqual(nan);
    expect(far(organisedNormals(few(6), [31 * 10 + 15], 0.05, 60), [0, 0, -1])).toBeLessThan(1e-4);
  });

  it("of a sphere they point away from its centre, at any step", () => {
    const r = 0.3;
    const centre: Vec3 = [0.02, -0.01, 1];
    const sphere = (u: number, v: number): number => {
      const ray: Vec3 = [(u - 60) / 60, (v - 45) / 60, 1];
      const along = dot(ray, centre) / dot(ray, ray);
      const half2 = along * along - (dot(centre, centre) - r * r) / dot(ray, ray);
      return half2 < 0 ? Number.NaN : along - Math.sqrt(half2);
    };
    for (const step of [1, 2]) {
      const cloud = seen(121, 91, sphere, step);
      const indices = Array.from({ length: cloud.width * cloud.height }, (_, i) => i).filter(
        (i) => Math.hypot(cloud.points[i * 3]! - centre[0], cloud.points[i * 3 + 1]! - centre[1]) < 0.15,
      );
      expect(indices.length).toBeGreaterThan(40);
      const found = organisedNormals(cloud, indices, 0.06, 60);
      for (const [k, i] of indices.entries()) {
        const away = [0, 1, 2].map((a) => (cloud.points[i * 3 + a]! - centre[a]!) / r) as unknown as Vec3;
        const normal = [...found.subarray(k * 3, k * 3 + 3)] as unknown as Vec3;
        expect(dot(away, normal)).toBeGreaterThan(Math.cos(0.09));
      }
    }
  });
});

describe("planes, as NumPy has them", () => {
  it.each(oracle.planes)("of cloud $#", ({ points, guess, all, near }) => {
    const cloud = Float32Array.from(points);
    for (const [found, wanted] of [
      [fitPlane(cloud), all],
      [fitPlane(cloud, guess, 0.02), near],
    ] as const) {
      const sign = Math.sign(dot(found!.normal, wanted.normal));
      for (let i = 0; i < 3; i++)
        expect(Math.abs(found!.normal[i]! - sign * wanted.normal[i]!)).toBeLessThan(1e-9);
      expect(Math.abs(found!.offset - sign * wanted.offset)).toBeLessThan(1e-9);
      expect(Math.abs(found!.rms - wanted.rms)).toBeLessThan(1e-9);
      expect(found!.inliers).toBe(wanted.inliers);
    }
  });
});

describe("RANSAC", () => {
  it("of three points is the plane through them", () => {
    // 6x + 3y + 2z = 6
    const corners = Float32Array.from([1, 0, 0, 0, 2, 0, 0, 0, 3]);
    const found = ransacPlane(corners, { tolerance: 1e-4, random: seededRandom(4) })!;
    const sign = Math.sign(found.normal[0]);
    expect(far(found.normal, [(6 / 7) * sign, (3 / 7) * sign, (2 / 7) * sign])).toBeLessThan(1e-6);
    expect(found.offset).toBeCloseTo((-6 / 7) * sign, 6);
    expect(found.inliers).toBe(3);
    expect(fitPlane(corners)!.inliers).toBe(3);
    expect(ransacPlane(corners.subarray(0, 6), { tolerance: 1, random: seededRandom(4) })).toBeUndefined();
    const flipped = flipPlane(found);
    expect(
      far(
        flipped.normal,
        [...found.normal].map((x) => -x),
      ),
    ).toBe(0);
    expect(flipped.offset).toBe(-found.offset);
  });

  /** 100 points of a floor (z = 2) and 60 of a wall (x = 0.5), all a little off. */
  const room = (() => {
    const random = seededRandom(6);
    const off = () => 0.004 * (random() - 0.5);
    const points: number[] = [];
    for (let i = 0; i < 100; i++) points.push(random() - 0.5, random() - 0.5, 2 + off());
    for (let i = 0; i < 60; i++) points.push(0.5 + off(), random() - 0.5, 1 + random() * 0.9);
    return Float32Array.from(points);
  })();

  it("is the largest plane that may be taken, or none that holds too little", () => {
    const options = { tolerance: 0.004, iterations: 400 };
    const floor = ransacPlane(room, { ...options, random: seededRandom(1) })!;
    expect(Math.abs(floor.normal[2])).toBeGreaterThan(0.9999);
    const accept = ({ normal }: Plane) => Math.abs(normal[0]) > 0.9;
    const wall = ransacPlane(room, { ...options, accept, random: seededRandom(1) })!;
    expect(Math.abs(wall.normal[0])).toBeGreaterThan(0.9999);
    const share = (minShare: number) =>
      ransacPlane(room, { ...options, accept, minShare, random: seededRandom(1) });
    expect(share(0.35)).toBeDefined();
    expect(share(0.5)).toBeUndefined();
    expect(ransacPlane(room, { ...options, accept: () => false, random: seededRandom(1) })).toBeUndefined();
  });

  it("takes in what a fit of its first inliers brings within reach", () => {
    const floor = fitPlane(room.subarray(0, 300))!;
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const found = ransacPlane(room, { tolerance: 0.003, iterations: 25, random: seededRandom(seed) })!;
      expect(found.inliers).toBe(100);
      expect(
        far(
          found.normal,
          floor.normal.map((x) => x * Math.sign(dot(floor.normal, found.normal))),
        ),
      ).toBeLessThan(1e-6);
    }
  });

  it("points on one line have no plane", () => {
    const line = Float32Array.from({ length: 60 }, (_, i) => Math.trunc(i / 3) * [0.1, 0.2, -0.1][i % 3]!);
    expect(ransacPlane(line, { tolerance: 0.01, random: seededRandom(2) })).toBeUndefined();
  });
});

describe("groups of points, as SciPy has them", () => {
  it.each(oracle.groups)("of cloud $#", ({ points, size, first, labels }) => {
    const cloud = Float32Array.from(points);
    expect([...voxelRepresentatives(cloud, size)]).toEqual(first);
    expect([...clusterPoints(cloud, size)]).toEqual(labels);
    expect([...selectPoints(cloud, first)]).toEqual(first.flatMap((i) => [...cloud.slice(i * 3, i * 3 + 3)]));
  });
});

describe("objects of heat maps, as SciPy has them", () => {
  it.each(oracle.instances)("of map $#", ({ width, height, heat, image, threshold, options, found }) => {
    const detections = instancesFromHeatmap({ width, height, data: Float32Array.from(heat) }, image, {
      threshold,
      ...options,
    });
    expect(detections).toHaveLength(found.length);
    for (const [k, { score, box, mask }] of found.entries()) {
      const detection = detections[k]!;
      expect(detection.score).toBeCloseTo(score, 6);
      expect(detection.box).toEqual(box);
      expect([detection.mask.width, detection.mask.height]).toEqual([image.width, image.height]);
      expect(detection.mask.data.join("")).toBe(mask);
    }
  });
});

it("depth of a hundred metres and more is none", () => {
  const camera = { width: 4, height: 1, fx: 2, fy: 2, cx: 0, cy: 0 };
  const data = Float32Array.from([99.5, 100, 101, -1]);
  const cloud = organisedCloud({ width: 4, height: 1, data }, camera, { x1: 0, y1: 0, x2: 4, y2: 1 });
  expect([...cloud.points].map(Number.isNaN)).toEqual([...Array(3).fill(false), ...Array(9).fill(true)]);
});

it("the generator is mulberry32", () => {
  for (const [seed, wanted] of Object.entries(oracle.mulberry32)) {
    const random = seededRandom(Number(seed));
    expect(wanted.map(() => random())).toEqual(wanted);
  }
});

it("stamps are nanoseconds", () => {
  expect(stampFromParts(1_700_000_000, 5)).toBe(1_700_000_000_000_000_005n);
  expect(secondsBetween(stampFromParts(12, 250_000_000), stampFromParts(10, 0))).toBe(2.25);
  expect(secondsBetween(stampFromParts(10, 0), stampFromParts(10, 1))).toBe(-1e-9);
});
