import { describe, expect, it } from "vitest";
import { calibrateHandEye, type HandEyeView } from "../../../src/calibration/index.js";
import {
  compose,
  invert,
  type Mat3,
  matrixFromQuaternion,
  type Pose,
  quaternionFromMatrix,
  quaternionFromRotationVector,
  rotationAngle,
  seededRandom,
} from "../../../src/geometry/index.js";
import { degree, handEyeSet, vector } from "../../support/calibration.js";
import { runOpencv } from "../../support/opencv4.js";

const truth: Pose = {
  position: [0.05, -0.03, 0.06],
  orientation: quaternionFromRotationVector([0.1, -0.2, 1.5]),
};

type Methods = Record<string, { r: number[]; t: number[] }>;

function opencv(views: readonly HandEyeView[]): Record<string, Pose> {
  const methods = runOpencv<Methods>("opencv_calibration.py", ["hand_eye"], {
    robot_r: views.map((v) => matrixFromQuaternion(v.robot.orientation)),
    robot_t: views.map((v) => v.robot.position),
    target_r: views.map((v) => matrixFromQuaternion(v.target.orientation)),
    target_t: views.map((v) => v.target.position),
  });
  return Object.fromEntries(
    Object.entries(methods).map(([name, { r, t }]) => [
      name,
      {
        orientation: quaternionFromMatrix(r as unknown as Mat3),
        position: t as unknown as Pose["position"],
      },
    ]),
  );
}

const apart = (a: Pose, b: Pose) => ({
  mm: 1000 * Math.hypot(...a.position.map((value, k) => value - b.position[k]!)),
  deg: rotationAngle(a.orientation, b.orientation) / degree,
});

describe("hand-eye against OpenCV's calibrateHandEye on the same data", () => {
  it("agrees with all of its methods within 0.05 degrees and 0.2 mm on clean data", () => {
    for (const seed of [1, 2, 3]) {
      const views = handEyeSet(15, seededRandom(seed), truth, 2e-5, 1e-4 * degree);
      const ours = calibrateHandEye(views, { type: "eye_in_hand" });
      expect(ours.warnings).toEqual([]);
      for (const [name, theirs] of Object.entries(opencv(views))) {
        const { mm, deg } = apart(ours.transform, theirs);
        expect(mm, `${name}, seed ${seed}`).toBeLessThan(0.2);
        expect(deg, `${name}, seed ${seed}`).toBeLessThan(0.05);
      }
      const { mm, deg } = apart(ours.transform, truth);
      expect(mm).toBeLessThan(0.05);
      expect(deg).toBeLessThan(0.005);
    }
  });

  it("is nearer to the truth than each of its methods with one pose in five wrong, and names the wrong ones", () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = seededRandom(seed);
      const views = handEyeSet(20, random, truth, 0.0005, 0.05 * degree);
      const bad = [2, 7, 11, 16];
      for (const k of bad) {
        const wrong = {
          position: vector(random, 0.1),
          orientation: quaternionFromRotationVector(vector(random, 0.4)),
        };
        views[k] = { ...views[k]!, robot: compose(views[k]!.robot, wrong) };
      }
      const ours = calibrateHandEye(views, { type: "eye_in_hand" });
      const named = ours.views.flatMap((view, k) => (view.rejected === undefined ? [] : [k]));
      for (const k of bad) expect(named, `seed ${seed}`).toContain(k);
      expect(named.length).toBeLessThanOrEqual(6);
      const own = apart(ours.transform, truth);
      expect(own.mm).toBeLessThan(1.5);
      expect(own.deg).toBeLessThan(0.2);
      for (const [name, theirs] of Object.entries(opencv(views))) {
        const { mm, deg } = apart(theirs, truth);
        expect(own.mm, `${name}, seed ${seed}`).toBeLessThan(mm);
        expect(own.deg, `${name}, seed ${seed}`).toBeLessThan(deg);
      }
    }
  });

  it("is as good as its methods under plain noise, and its own deviation covers the error", () => {
    let [own, peers, covered] = [0, 0, 0];
    for (let seed = 1; seed <= 16; seed++) {
      const views = handEyeSet(15, seededRandom(100 + seed), truth, 0.001, 0.1 * degree);
      const ours = calibrateHandEye(views, { type: "eye_in_hand" });
      const error = apart(ours.transform, truth).mm;
      own += error / 16;
      covered += error < 3 * 1000 * ours.deviation.position ? 1 : 0;
      for (const theirs of Object.values(opencv(views))) peers += apart(theirs, truth).mm / 80;
    }
    expect(own).toBeLessThan(1.1 * peers);
    expect(covered).toBeGreaterThanOrEqual(13);
  });

  it("solves eye-to-hand", () => {
    // The same set seen the other way round: the target rides on the tool, the camera stands in the base.
    const views = handEyeSet(12, seededRandom(9), truth).map((v) => ({ ...v, robot: invert(v.robot) }));
    const result = calibrateHandEye(views, { type: "eye_to_hand" });
    expect(apart(result.transform, truth).mm).toBeLessThan(0.01);
  });
});

describe("sets that determine nothing get a reason, never a pose", () => {
  const about = (axes: readonly [number, number, number][], count: number): HandEyeView[] =>
    Array.from({ length: count }, (_, k) => {
      const axis = axes[k % axes.length]!;
      const angle = 0.12 * (k - count / 2);
      const robot: Pose = {
        position: [0.4 + 0.01 * k, 0.02 * k, 0.5 - 0.005 * k],
        orientation: quaternionFromRotationVector(
          axis.map((a) => a * angle) as unknown as [number, number, number],
        ),
      };
      const target: Pose = { position: [0.5, 0, 0], orientation: [0, 0, 0, 1] };
      return { name: `${k}`, robot, target: compose(invert(compose(robot, truth)), target) };
    });
  const solve = (views: readonly HandEyeView[]) => () => calibrateHandEye(views, { type: "eye_in_hand" });

  it("none, one and two poses", () => {
    for (const n of [0, 1, 2])
      expect(solve(handEyeSet(n, seededRandom(1), truth))).toThrow(/3 are the least/);
  });
  it("pure translation", () => {
    expect(solve(about([[0, 0, 0]], 10))).toThrow(/hardly turned.*different axes/);
  });
  it("one axis only, named by its frame", () => {
    expect(solve(about([[0, 0, 1]], 10))).toThrow(
      /one axis only \(near the tool's z\).*rotate more about [xy]/,
    );
    expect(solve(about([[0.7, 0.7, 0]], 10))).toThrow(/one axis only/);
  });
  it("one axis only, under noise", () => {
    const random = seededRandom(4);
    const views = about([[0, 1, 0]], 12).map((v) => ({
      ...v,
      robot: compose(v.robot, {
        position: vector(random, 1e-3),
        orientation: quaternionFromRotationVector(vector(random, 2e-3)),
      }),
    }));
    expect(solve(views)).toThrow(/near the tool's y.*rotate more about [xz]/);
  });
  it("the same pose many times", () => {
    const [one] = handEyeSet(1, seededRandom(3), truth);
    expect(solve(Array.from({ length: 10 }, () => one!))).toThrow(/hardly turned/);
  });
  it("poses that have nothing to do with the images", () => {
    const random = seededRandom(8);
    const views = handEyeSet(12, random, truth);
    const shuffled = views.map((v, k) => ({ ...v, robot: views[(k * 5 + 3) % 12]!.robot }));
    expect(solve(shuffled)).toThrow(/disagree by/);
  });
  it("inverted poses are recognised", () => {
    const views = handEyeSet(12, seededRandom(8), truth).map((v) => ({ ...v, robot: invert(v.robot) }));
    expect(solve(views)).toThrow(/with all poses inverted/);
  });
  it("little rotation about a second axis is a warning that names it", () => {
    const random = seededRandom(6);
    const views = about([[0, 0, 1]], 14).map((v, k) => {
      const turn = {
        position: [0, 0, 0] as const,
        orientation: quaternionFromRotationVector([0.1 * Math.sin(k), 0, 0]),
      };
      const robot = compose(v.robot, turn);
      const target: Pose = { position: [0.5, 0, 0], orientation: [0, 0, 0, 1] };
      return { ...v, robot, target: compose(invert(compose(robot, truth)), target) };
    });
    expect(random()).toBeGreaterThan(0);
    const result = calibrateHandEye(views, { type: "eye_in_hand" });
    expect(result.warnings.join()).toMatch(/rotate more about x/);
    expect(apart(result.transform, truth).mm).toBeLessThan(0.1);
  });
});
