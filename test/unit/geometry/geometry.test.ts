import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Box,
  boxArea,
  boxCentre,
  boxContains,
  boxHeight,
  boxIou,
  boxWidth,
  cameraProblem,
  clipBox,
  compose,
  conjugate,
  cross,
  deproject,
  depthAt,
  identityPose,
  intersectBoxes,
  invert,
  type Mask,
  maskArea,
  maskBox,
  maskFromBox,
  maskFromRle,
  maskIou,
  maskToRle,
  maskUnion,
  matrixFromQuaternion,
  multiplyQuaternions,
  norm,
  normalize,
  normalizeQuaternion,
  project,
  type Quaternion,
  quaternionFromAxes,
  quaternionFromMatrix,
  rotate,
  scaleCamera,
  subtract,
  transformPoint,
  uniteBoxes,
  type Vec3,
} from "../../../src/geometry/index.js";

const half = Math.SQRT1_2;
/** 90 degrees about x, y, z. */
const aboutX: Quaternion = [half, 0, 0, half];
const aboutY: Quaternion = [0, half, 0, half];
const aboutZ: Quaternion = [0, 0, half, half];

const near = (found: readonly number[], wanted: readonly number[], digits = 9) => {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(found[i]).toBeCloseTo(value, digits);
};
const rotation = fc
  .tuple(...Array.from({ length: 4 }, () => fc.double({ min: -1, max: 1, noNaN: true })))
  .filter((q) => Math.hypot(...q) > 0.1)
  .map((q) => normalizeQuaternion(q as unknown as Quaternion));
const vector = fc
  .tuple(...Array.from({ length: 3 }, () => fc.double({ min: -5, max: 5, noNaN: true })))
  .map((v) => v as unknown as Vec3);

describe("boxes", () => {
  const a: Box = [10, 20, 40, 30];
  const b: Box = [30, 25, 50, 45];

  it("measure", () => {
    expect([boxWidth(a), boxHeight(a), boxArea(a)]).toEqual([30, 10, 300]);
    expect([boxWidth([5, 5, 3, 3]), boxHeight([5, 5, 3, 3]), boxArea([5, 5, 3, 3])]).toEqual([0, 0, 0]);
    expect(boxCentre(a)).toEqual([25, 25]);
  });

  it("intersect, unite, overlap", () => {
    expect(intersectBoxes(a, b)).toEqual([30, 25, 40, 30]);
    expect(intersectBoxes(b, a)).toEqual([30, 25, 40, 30]);
    expect(uniteBoxes(a, b)).toEqual([10, 20, 50, 45]);
    expect(uniteBoxes(b, a)).toEqual([10, 20, 50, 45]);
    expect(boxIou(a, b)).toBeCloseTo(50 / 650, 12);
    expect(boxIou(a, a)).toBe(1);
    expect(boxIou(a, [100, 100, 110, 110])).toBe(0);
    expect(boxIou([1, 1, 1, 1], [1, 1, 1, 1])).toBe(0);
  });

  it("are clipped to the image on every side", () => {
    expect(clipBox([-5, -6, 700, 500], 640, 480)).toEqual([0, 0, 640, 480]);
    expect(clipBox([650, 490, 660, 495], 640, 480)).toEqual([640, 480, 640, 480]);
    expect(clipBox([-9, -9, -3, -2], 640, 480)).toEqual([0, 0, 0, 0]);
    expect(clipBox(a, 640, 480)).toEqual(a);
  });

  it("hold their left and upper edge and not the others", () => {
    expect(boxContains(a, 10, 20)).toBe(true);
    expect(boxContains(a, 39.9, 29.9)).toBe(true);
    for (const [x, y] of [
      [9.9, 25],
      [40, 25],
      [25, 19.9],
      [25, 30],
    ] as const)
      expect(boxContains(a, x, y)).toBe(false);
  });
});

describe("masks", () => {
  const mask = (width: number, rows: readonly string[]): Mask => ({
    width,
    height: rows.length,
    data: Uint8Array.from(rows.join(""), (c) => (c === "#" ? 1 : 0)),
  });
  const shape = mask(4, ["....", ".##.", "..#."]);
  const any = fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
    .chain(([width, height]) =>
      fc
        .array(fc.integer({ min: 0, max: 1 }), { minLength: width * height, maxLength: width * height })
        .map((values) => ({ width, height, data: Uint8Array.from(values) })),
    );

  it("have an area and a tight box", () => {
    expect(maskArea(shape)).toBe(3);
    expect(maskBox(shape)).toEqual([1, 1, 3, 3]);
    expect(maskBox(mask(3, ["...", "..."]))).toBeUndefined();
    expect(maskBox(mask(2, ["#.", ".."]))).toEqual([0, 0, 1, 1]);
    expect(maskBox(mask(2, ["..", ".#"]))).toEqual([1, 1, 2, 2]);
    expect(maskBox(mask(3, ["..#", "#..", "..."]))).toEqual([0, 0, 3, 2]);
  });

  it("overlap by pixels", () => {
    expect(maskIou(shape, mask(4, ["....", "..##", "..#."]))).toBeCloseTo(2 / 4, 12);
    expect(maskIou(shape, shape)).toBe(1);
    expect(maskIou(mask(2, [".."]), mask(2, [".."]))).toBe(0);
    expect(() => maskIou(mask(2, [".."]), mask(1, [".", "."]))).toThrow("differ in size");
    expect(() => maskIou(mask(2, [".."]), mask(2, ["..", ".."]))).toThrow("differ in size");
  });

  it("unite pixel by pixel", () => {
    const other = mask(4, ["....", "..##", "...."]);
    expect(maskUnion(4, 3, [mask(4, ["#...", ".#..", "...."]), other])).toEqual(
      mask(4, ["#...", ".###", "...."]),
    );
    expect(maskUnion(4, 3, [])).toEqual(mask(4, ["....", "....", "...."]));
    expect(() => maskUnion(4, 2, [other])).toThrow("differ in size");
  });

  it("come from boxes, clipped and rounded", () => {
    expect(maskFromBox(4, 3, [1, 1, 3, 2])).toEqual(mask(4, ["....", ".##.", "...."]));
    expect(maskFromBox(4, 3, [-2, -2, 9, 9])).toEqual(mask(4, ["####", "####", "####"]));
    expect(maskFromBox(4, 3, [1.4, 0.6, 2.6, 2.4])).toEqual(mask(4, ["....", ".##.", "...."]));
    expect(maskArea(maskFromBox(4, 3, [3, 1, 1, 3]))).toBe(0);
    expect(maskArea(maskFromBox(4, 3, [5, 0, 9, 3]))).toBe(0);
  });

  it("become run lengths down the columns, zeros first", () => {
    expect(maskToRle(shape)).toEqual({ size: [3, 4], counts: [4, 1, 2, 2, 3] });
    expect(maskToRle(mask(2, ["#.", "#."]))).toEqual({ size: [2, 2], counts: [0, 2, 2] });
  });

  it("and back, whatever they are", () => {
    fc.assert(
      fc.property(any, (m) => {
        expect(maskFromRle(maskToRle(m))).toEqual(m);
      }),
      { numRuns: 60 },
    );
  });

  it("also from COCO's text, as pycocotools writes it", () => {
    // pycocotools.mask.encode of a 5 × 7 mask (height × width) with rows 1..3, columns 2..4 set.
    expect(maskFromRle({ size: [5, 7], counts: ";320009" }).data.join("")).toBe(
      maskFromBox(7, 5, [2, 1, 5, 4]).data.join(""),
    );
  });

  it.each([
    [[3], "does not fill"],
    [[2, 3], "overruns"],
    [[-1, 5], "overruns"],
    ["", "does not fill"],
    ["P", "cut off"],
    ["PPPPPPPPPPPP0", "cut off"],
  ] as const)("refuse the run lengths %j", (counts, why) => {
    expect(() => maskFromRle({ size: [2, 2], counts })).toThrow(why);
  });
});

describe("rotations", () => {
  it("turn axes the right-handed way", () => {
    near(rotate(aboutZ, [1, 0, 0]), [0, 1, 0]);
    near(rotate(aboutX, [0, 1, 0]), [0, 0, 1]);
    near(rotate(aboutY, [0, 0, 1]), [1, 0, 0]);
    near(cross([1, 0, 0], [0, 1, 0]), [0, 0, 1]);
    near(cross([1, 2, 3], [-4, 5, 6]), [-3, -18, 13]);
  });

  it("are multiplied as they are applied: first b, then a", () => {
    fc.assert(
      fc.property(rotation, rotation, vector, (a, b, v) => {
        near(rotate(multiplyQuaternions(a, b), v), rotate(a, rotate(b, v)), 9);
      }),
    );
    near(multiplyQuaternions([1, 2, 3, 4], [5, 6, 7, 8]), [24, 48, 48, -6]);
  });

  it("keep lengths, and their conjugate undoes them", () => {
    fc.assert(
      fc.property(rotation, vector, (q, v) => {
        expect(norm(rotate(q, v))).toBeCloseTo(norm(v), 9);
        near(rotate(conjugate(q), rotate(q, v)), v, 9);
      }),
    );
  });

  it("are the same as matrices, in all four of Shepperd's cases", () => {
    near(matrixFromQuaternion(aboutZ), [0, -1, 0, 1, 0, 0, 0, 0, 1]);
    const turns: readonly Quaternion[] = [
      [0.1, 0.2, 0.3, Math.sqrt(1 - 0.14)],
      [0.9, 0.1, -0.2, Math.sqrt(1 - 0.86)],
      [0.1, 0.9, -0.2, -Math.sqrt(1 - 0.86)],
      [-0.1, 0.2, 0.9, Math.sqrt(1 - 0.86)],
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ];
    for (const q of turns) {
      const back = quaternionFromMatrix(matrixFromQuaternion(q));
      const sign = Math.sign(back.reduce((sum, value, i) => sum + value * q[i]!, 0));
      near(
        back.map((value) => value * sign),
        q,
      );
    }
    fc.assert(
      fc.property(rotation, (q) =>
        near(matrixFromQuaternion(quaternionFromMatrix(matrixFromQuaternion(q))), matrixFromQuaternion(q), 7),
      ),
    );
    near(rotate(quaternionFromAxes([0, 1, 0], [-1, 0, 0], [0, 0, 1]), [1, 0, 0]), [0, 1, 0]);
  });

  it("refuse what has no direction", () => {
    for (const bad of [
      [0, 0, 0],
      [Number.NaN, 0, 1],
      [Number.POSITIVE_INFINITY, 0, 0],
    ] as const)
      expect(() => normalize(bad)).toThrow("no direction");
    for (const bad of [
      [0, 0, 0, 0],
      [Number.NaN, 0, 0, 1],
      [0, Number.POSITIVE_INFINITY, 0, 0],
    ] as const)
      expect(() => normalizeQuaternion(bad)).toThrow("no rotation");
    near(normalize([3, 0, 4]), [0.6, 0, 0.8]);
    near(normalizeQuaternion([0, 0, 3, 4]), [0, 0, 0.6, 0.8]);
  });
});

describe("poses", () => {
  const pose = fc.record({ position: vector, orientation: rotation });

  it("compose as transforms of points do, and invert", () => {
    fc.assert(
      fc.property(pose, pose, vector, (a, b, p) => {
        near(transformPoint(compose(a, b), p), transformPoint(a, transformPoint(b, p)), 8);
        near(transformPoint(invert(a), transformPoint(a, p)), p, 8);
      }),
    );
    near(transformPoint({ position: [1, 2, 3], orientation: aboutZ }, [1, 0, 0]), [1, 3, 3]);
    near(transformPoint(identityPose, [4, 5, 6]), [4, 5, 6]);
    near(subtract([5, 7, 9], [1, 2, 3]), [4, 5, 6]);
  });
});

describe("the camera", () => {
  const camera = { width: 640, height: 480, fx: 600, fy: 610, cx: 320, cy: 245 };

  it("projects what it deprojects, x to the right and y down", () => {
    near(deproject(camera, 920, 550, 2), [2, 1, 2]);
    near(project(camera, [2, 1, 2])!, [920, 550]);
    expect(project(camera, [0, 0, 0])).toBeUndefined();
    expect(project(camera, [0, 0, -1])).toBeUndefined();
  });

  it("scales with pixel centres at whole numbers", () => {
    const small = scaleCamera(camera, 320, 120);
    expect(small).toMatchObject({ width: 320, height: 120, fx: 300, fy: 152.5 });
    expect(small.cx).toBeCloseTo(320.5 * 0.5 - 0.5, 12);
    expect(small.cy).toBeCloseTo(245.5 * 0.25 - 0.5, 12);
  });

  it.each([
    [{}, undefined],
    [{ width: 0 }, "size"],
    [{ height: 0 }, "size"],
    [{ fx: 0 }, "focal"],
    [{ fy: -1 }, "focal"],
    [{ cx: Number.NaN }, "finite"],
    [{ fy: Number.POSITIVE_INFINITY }, "finite"],
  ])("with %j has the problem %s", (change, problem) => {
    const found = cameraProblem({ ...camera, ...change });
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(problem);
  });
});

describe("depth", () => {
  const image = { width: 3, height: 2, data: Float32Array.of(1, 2, 3, 4, 0, Number.NaN) };

  it.each([
    [0, 0, 1],
    [2, 0, 3],
    [2.9, 0.9, 3],
    [0, 1, 4],
    [1, 1, undefined],
    [2, 1, undefined],
    [-0.1, 0, undefined],
    [0, -0.1, undefined],
    [3, 0, undefined],
    [0, 2, undefined],
  ])("at %d, %d is %s", (u, v, wanted) => {
    expect(depthAt(image, u, v)).toBe(wanted);
  });

  it("is unknown where it is no finite positive number", () => {
    const data = Float32Array.of(-1, Number.POSITIVE_INFINITY);
    expect(depthAt({ width: 2, height: 1, data }, 0, 0)).toBeUndefined();
    expect(depthAt({ width: 2, height: 1, data }, 1, 0)).toBeUndefined();
  });
});
