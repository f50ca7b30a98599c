import { describe, expect, it } from "vitest";
import { calibrateIntrinsics, type DistortionModel, type Sighting } from "../../../src/calibration/index.js";
import {
  type CameraModel,
  deproject,
  distortionProblem,
  type Pose,
  project,
  quaternionFromRotationVector,
  type Random,
  seededRandom,
  type Vec3,
} from "../../../src/geometry/index.js";
import { board, look, vector } from "../../support/calibration.js";
import { runOpencv } from "../../support/opencv4.js";

const size = { width: 640, height: 480, fx: 610, fy: 612, cx: 322.5, cy: 236.2 };
const cameras: Record<DistortionModel, CameraModel> = {
  plumb_bob: {
    ...size,
    distortion: { model: "plumb_bob", coefficients: [-0.28, 0.09, 0.0008, -0.0006, -0.012] },
  },
  rational_polynomial: {
    ...size,
    distortion: {
      model: "rational_polynomial",
      coefficients: [0.42, -0.31, 0.0007, -0.0004, 0.05, 0.71, -0.28, -0.02],
    },
  },
  equidistant: {
    ...size,
    fx: 285,
    fy: 286,
    distortion: { model: "equidistant", coefficients: [-0.011, 0.042, -0.038, 0.007] },
  },
};

describe("projection against OpenCV's projectPoints and fisheye.projectPoints", () => {
  for (const [model, camera] of Object.entries(cameras)) {
    it(`${model}: to 1e-6 px, and back to the same ray`, () => {
      const random = seededRandom(5);
      const points: Vec3[] = Array.from({ length: 400 }, () => {
        const z = 0.3 + random();
        return [(random() - 0.5) * 1.1 * z, (random() - 0.5) * 0.8 * z, z];
      });
      const { fx, fy, cx, cy, distortion } = camera;
      const theirs = runOpencv<[number, number][]>("opencv_calibration.py", ["project"], {
        model,
        k: [fx, 0, cx, 0, fy, cy, 0, 0, 1],
        d: distortion!.coefficients,
        points,
      });
      for (const [i, point] of points.entries()) {
        const pixel = project(camera, point)!;
        expect(Math.abs(pixel[0] - theirs[i]![0])).toBeLessThan(1e-6);
        expect(Math.abs(pixel[1] - theirs[i]![1])).toBeLessThan(1e-6);
        const back = deproject(camera, pixel[0], pixel[1], point[2]);
        for (let k = 0; k < 3; k++) expect(Math.abs(back[k]! - point[k]!)).toBeLessThan(1e-8);
      }
    });
  }

  it("names what it does not know", () => {
    expect(distortionProblem({ model: "thin_prism", coefficients: [1] })).toMatch(/not known/);
    expect(distortionProblem({ model: "plumb_bob", coefficients: [1, 2, 3, 4, 5, 6] })).toMatch(/has 5/);
    expect(distortionProblem({ model: "equidistant", coefficients: [0, Number.NaN] })).toMatch(/finite/);
  });
});

function takeImages(camera: CameraModel, random: Random, count: number, pixelNoise: number): Sighting[] {
  const object = board(9, 6, 0.025);
  const taken: Sighting[] = [];
  while (taken.length < count) {
    const pose: Pose = {
      position: [(random() - 0.6) * 0.35, (random() - 0.6) * 0.3, 0.25 + 0.35 * random()],
      orientation: quaternionFromRotationVector(vector(random, 0.6)),
    };
    const seen = look(`${taken.length}`, camera, pose, object, random, pixelNoise);
    if (seen !== undefined) taken.push(seen);
  }
  return taken;
}

describe("intrinsics against OpenCV's calibrateCamera and fisheye.calibrate", () => {
  for (const [model, camera] of Object.entries(cameras) as [DistortionModel, CameraModel][]) {
    it(`${model}: the truth from clean corners; OpenCV's answer from noisy ones`, () => {
      const random = seededRandom(11);
      const clean = calibrateIntrinsics(takeImages(camera, random, 12, 0), { model });
      expect(clean.rms).toBeLessThan(1e-4);
      expect(clean.camera.fx).toBeCloseTo(camera.fx, 1);
      expect(clean.camera.cy).toBeCloseTo(camera.cy, 1);

      const noisy = takeImages(camera, random, 20, 0.2);
      const ours = calibrateIntrinsics(noisy, { model });
      const theirs = runOpencv<{ rms: number; k: number[]; d: number[] }>(
        "opencv_calibration.py",
        ["intrinsics"],
        {
          model,
          ...size,
          objects: noisy.map((s) => Array.from(s.object)),
          pixels: noisy.map((s) => Array.from(s.pixels)),
        },
      );
      expect(ours.rms).toBeLessThan(theirs.rms * 1.01);
      const [fx, , cx, , fy, cy] = theirs.k;
      for (const [mine, other, k] of [
        [ours.camera.fx, fx, 0],
        [ours.camera.fy, fy, 1],
        [ours.camera.cx, cx, 2],
        [ours.camera.cy, cy, 3],
      ] as const)
        expect(Math.abs(mine - other!)).toBeLessThan(Math.max(0.2, 2 * ours.deviations[k]));
      expect(Math.abs(ours.camera.fx - camera.fx)).toBeLessThan(5 * ours.deviations[0]);
    });
  }

  it("leaves out an image whose corners are wrong, and says so", () => {
    const random = seededRandom(3);
    const images = takeImages(cameras.plumb_bob, random, 15, 0.1);
    images[4] = { ...images[4]!, pixels: images[4]!.pixels.map((v, i) => (i % 7 === 0 ? v + 25 : v)) };
    const result = calibrateIntrinsics(images);
    expect(result.views[4]!.rejected).toBeDefined();
    expect(result.views.filter((v) => v.rejected !== undefined)).toHaveLength(1);
    expect(result.rms).toBeLessThan(0.2);
    expect(result.camera.fx).toBeCloseTo(cameras.plumb_bob.fx, -1);
  });
});

describe("sets that determine no camera", () => {
  const object = board(9, 6, 0.025);
  it("too few images", () => {
    const few = takeImages(cameras.plumb_bob, seededRandom(1), 3, 0.1);
    expect(() => calibrateIntrinsics(few)).toThrow(/found in 3 images/);
    expect(() => calibrateIntrinsics([])).toThrow(/found in 0 images/);
  });
  it("a target that was never tilted", () => {
    const random = seededRandom(1);
    const flat: Sighting[] = [];
    while (flat.length < 10) {
      const position: Vec3 = [(random() - 0.6) * 0.3, (random() - 0.6) * 0.2, 0.4 + 0.3 * random()];
      const seen = look(
        `${flat.length}`,
        cameras.plumb_bob,
        { position, orientation: [0, 0, 0, 1] },
        object,
        random,
        0.1,
      );
      if (seen !== undefined) flat.push(seen);
    }
    expect(() => calibrateIntrinsics(flat)).toThrow(/one tilt|focal length open/);
  });
  it("images of two sizes", () => {
    const mixed = takeImages(cameras.plumb_bob, seededRandom(1), 6, 0.1);
    mixed[3] = { ...mixed[3]!, width: 320, height: 240 };
    expect(() => calibrateIntrinsics(mixed)).toThrow(/320×240/);
  });
});
