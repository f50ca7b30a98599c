import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  cameraInfoYaml,
  handEyeYaml,
  parseHandEye,
  parseTarget,
  type Target,
} from "../../../src/calibration/index.js";
import {
  type CameraModel,
  compose,
  invert,
  type Pose,
  quaternionFromRotationVector,
  rotationAngle,
  seededRandom,
} from "../../../src/geometry/index.js";
import { temporaryFolder } from "../../support/bags.js";
import { degree, vector } from "../../support/calibration.js";
import { type CliResult, cli } from "../../support/cli.js";
import { runPython } from "../../support/python.js";
import { renderTarget } from "../../support/target-images.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (...parts: string[]) => join(folder.path, ...parts);

const camera: CameraModel = {
  width: 640,
  height: 480,
  fx: 600,
  fy: 602,
  cx: 318,
  cy: 243,
  distortion: { model: "plumb_bob", coefficients: [-0.22, 0.06, 0.0008, -0.0005, 0] },
};
const target: Target = parseTarget(
  { type: "charuco", columns: 7, rows: 5, square: 0.032, marker: 0.024, dictionary: "5x5_100" },
  "t",
);
/** The camera's optical frame in the tool, and camera_link's way to it. */
const truth: Pose = {
  position: [0.06, -0.02, 0.05],
  orientation: quaternionFromRotationVector([0.05, -0.1, 1.6]),
};
const linkToOptical: Pose = { position: [0, 0.015, 0], orientation: [-0.5, 0.5, -0.5, 0.5] };

const random = seededRandom(21);
const centred: Pose = { position: [-0.112, -0.08, 0], orientation: [0, 0, 0, 1] };
const views = Array.from({ length: 16 }, (): Pose => {
  const middle: Pose = {
    position: [(random() - 0.5) * 0.16, (random() - 0.5) * 0.1, 0.36 + 0.16 * random()],
    orientation: quaternionFromRotationVector(vector(random, 0.55)),
  };
  return compose(middle, centred);
});
/** The board lies in the base; the tool is where it must be for the camera to see it so. */
const board: Pose = {
  position: [0.5, 0.1, 0.02],
  orientation: quaternionFromRotationVector([Math.PI, 0, 0]),
};
const tools = views.map((view) => compose(compose(board, invert(view)), invert(truth)));

const ok = (result: CliResult): CliResult => {
  expect(result.stderr.replace(/^images.*$/gm, "").trim()).toBe("");
  expect(result.code).toBe(0);
  return result;
};
const json = (result: CliResult) => JSON.parse(ok(result).stdout);

beforeAll(async () => {
  mkdirSync(at("pictures"));
  const { files } = await renderTarget(at("pictures"), target, camera, views);
  writeFileSync(at("target.yaml"), JSON.stringify(target));
  writeFileSync(at("camera.yaml"), cameraInfoYaml(camera, "colour"));
  const row = (file: string, { position, orientation }: Pose) =>
    [basename(file), ...position, ...orientation].join(",");
  const rows = files.map((file, k) => row(file, tools[k]!));
  writeFileSync(at("pictures", "poses.csv"), ["image,x,y,z,qx,qy,qz,qw", ...rows].join("\n"));
  const wrong = compose(tools[3]!, {
    position: [0.05, 0, 0.02],
    orientation: quaternionFromRotationVector([0.2, 0.1, 0]),
  });
  writeFileSync(
    at("one-wrong.csv"),
    ["image,x,y,z,qx,qy,qz,qw", ...rows.map((text, k) => (k === 3 ? row(files[3]!, wrong) : text))].join(
      "\n",
    ),
  );
  const { fx, fy, cx, cy, width, height, distortion } = camera;
  const list = ({ position, orientation }: Pose) => ({ p: position, q: orientation });
  runPython(
    "test/reference/make_calibration_bag.py",
    [],
    JSON.stringify({
      out: at("bag"),
      images: files,
      poses: tools.map(list),
      camera_link: list(linkToOptical),
      camera: {
        width,
        height,
        model: "plumb_bob",
        d: distortion!.coefficients,
        k: [fx, 0, cx, 0, fy, cy, 0, 0, 1],
      },
    }),
  );
});

describe("calibrate intrinsics", () => {
  it("finds the camera of rendered images and writes YAML that ROS reads, and a plot", async () => {
    const args = ["calibrate", "intrinsics", at("pictures"), "--target", at("target.yaml")];
    const out = ["--out", at("found.yaml"), "--plot", at("intrinsics.png"), "--json", "--name", "wrist"];
    const result = json(await cli([...args, ...out]));
    expect(result.rms_px).toBeLessThan(0.2);
    expect(Math.abs(result.camera.fx - camera.fx)).toBeLessThan(3);
    expect(Math.abs(result.camera.cy - camera.cy)).toBeLessThan(3);
    const yaml = parse(readFileSync(at("found.yaml"), "utf8"));
    expect(yaml).toMatchObject({ image_width: 640, camera_name: "wrist", distortion_model: "plumb_bob" });
    expect(yaml.projection_matrix.data).toHaveLength(12);
    expect(readFileSync(at("intrinsics.png")).subarray(1, 4).toString()).toBe("PNG");
  });

  it("says what is wrong in one line, and writes nothing", async () => {
    const other = { ...target, columns: 9, rows: 7 };
    writeFileSync(at("other.yaml"), JSON.stringify({ ...other, dictionary: "6x6_250" }));
    const result = await cli([
      ...["calibrate", "intrinsics", at("pictures"), "--target", at("other.yaml"), "--out", at("none.yaml")],
    ]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/the target was found in 0 images, and 4 are the least; take 15/);
    expect(existsSync(at("none.yaml"))).toBe(false);
    const usage = await cli(["calibrate", "intrinsics", at("pictures")]);
    expect(usage.code).toBe(2);
    const missing = await cli(["calibrate", "intrinsics", at("nowhere"), "--target", at("target.yaml")]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).not.toMatch(/\n\s+at /);
  });
});

const apart = (found: { position: number[]; orientation: number[] }, wanted: Pose) => ({
  mm: 1000 * Math.hypot(...found.position.map((v, k) => v - wanted.position[k]!)),
  deg: rotationAngle(found.orientation as unknown as Pose["orientation"], wanted.orientation) / degree,
});

describe("calibrate hand-eye", () => {
  const common = ["--target", at("target.yaml"), "--type", "eye-in-hand", "--json"];
  it("from a folder of images with poses; a wrong pose is named and left out", async () => {
    const folderArgs = ["calibrate", "hand-eye", at("pictures"), "--camera", at("camera.yaml"), ...common];
    const clean = json(
      await cli([...folderArgs, "--plot", at("hand-eye.svg"), "--out", at("hand_eye.yaml")]),
    );
    const error = apart(clean, truth);
    expect(error.mm).toBeLessThan(1);
    expect(error.deg).toBeLessThan(0.1);
    expect(readFileSync(at("hand-eye.svg"), "utf8")).toMatch(/^<svg[\s\S]*<\/svg>\s*$/);
    const file = parseHandEye(readFileSync(at("hand_eye.yaml"), "utf8"), "hand_eye.yaml");
    expect(file).toMatchObject({ type: "eye_in_hand", parent: "tool0", child: "camera_color_optical_frame" });

    const dirty = json(await cli([...folderArgs, "--poses", at("one-wrong.csv")]));
    const rejected = dirty.views.filter((view: { rejected?: string }) => view.rejected !== undefined);
    expect(rejected.map((view: { name: string }) => view.name)).toContain("charuco-003.png");
    expect(apart(dirty, truth).mm).toBeLessThan(1);
  });

  it("from a bag: waits for the arm to stand, takes the bag's camera info, and can answer for camera_link", async () => {
    const result = json(await cli(["calibrate", "hand-eye", at("bag"), ...common]));
    expect(apart(result, truth).mm).toBeLessThan(1);
    expect(result.child_frame).toBe("camera_color_optical_frame");
    expect(result.notes.join()).toMatch(/while the robot moved, skipped: 15/);
    // No good image is called an outlier because its neighbours are better still.
    expect(result.views.filter((view: { rejected?: string }) => view.rejected !== undefined)).toEqual([]);
    const link = json(await cli(["calibrate", "hand-eye", at("bag"), ...common, "--child", "camera_link"]));
    expect(apart(link, compose(truth, invert(linkToOptical))).mm).toBeLessThan(1);
  });

  it("names the frame that the bag does not have", async () => {
    const result = await cli(["calibrate", "hand-eye", at("bag"), ...common, "--tool", "flange"]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/no transform from flange to base_link: frame flange is not in TF/);
  });
});

describe("calibrate check", () => {
  const common = ["--target", at("target.yaml"), "--json"];
  it("measures the camera and the whole chain on a bag, and fails above a limit", async () => {
    writeFileSync(
      at("true.yaml"),
      handEyeYaml({
        type: "eye_in_hand",
        parent: "tool0",
        child: "camera_color_optical_frame",
        transform: truth,
      }),
    );
    const good = json(await cli(["calibrate", "check", at("bag"), ...common, "--hand-eye", at("true.yaml")]));
    expect(good.camera_rms_px).toBeLessThan(0.3);
    expect(good.rms_px).toBeLessThan(0.5);
    expect(good.chain_mm).toBeLessThan(1);
    const off = { ...truth, position: [0.07, -0.02, 0.05] as const };
    writeFileSync(
      at("off.yaml"),
      handEyeYaml({
        type: "eye_in_hand",
        parent: "tool0",
        child: "camera_color_optical_frame",
        transform: off,
      }),
    );
    const bad = await cli([
      ...["calibrate", "check", at("bag"), ...common, "--hand-eye", at("off.yaml"), "--max-error", "1"],
    ]);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/the calibration is off by [\d.]+ px; the limit is 1 px/);
    expect(JSON.parse(bad.stdout).chain_mm).toBeGreaterThan(3);
  });
});
