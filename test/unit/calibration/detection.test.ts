import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import {
  drawTarget,
  parseTarget,
  type Target,
  TargetDetector,
  targetPdf,
  targetSvg,
} from "../../../src/calibration/index.js";
import {
  type CameraModel,
  type ColourImage,
  compose,
  type Pose,
  project,
  quaternionFromRotationVector,
  seededRandom,
  transformPoint,
} from "../../../src/geometry/index.js";
import { temporaryFolder } from "../../support/bags.js";
import { degree } from "../../support/calibration.js";
import { renderTarget } from "../../support/target-images.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const camera: CameraModel = {
  width: 640,
  height: 480,
  fx: 600,
  fy: 602,
  cx: 318,
  cy: 243,
  distortion: { model: "plumb_bob", coefficients: [-0.22, 0.06, 0.0008, -0.0005, 0] },
};

const targets: Record<Target["type"], Target> = {
  charuco: parseTarget(
    { type: "charuco", columns: 7, rows: 5, square: 0.032, marker: 0.024, dictionary: "5x5_100" },
    "t",
  ),
  chessboard: parseTarget({ type: "chessboard", columns: 9, rows: 6, square: 0.022 }, "t"),
  apriltag: parseTarget({ type: "apriltag", columns: 5, rows: 4, tag: 0.034, gap: 0.01 }, "t"),
};
const centre: Record<Target["type"], readonly [number, number]> = {
  charuco: [0.112, 0.08],
  chessboard: [0.088, 0.055],
  apriltag: [0.105, 0.083],
};

/** The target's middle before the camera, tilted and turned by so many degrees. */
function before(type: Target["type"], tilt: readonly [number, number, number], z: number): Pose {
  const orientation = quaternionFromRotationVector(
    tilt.map((a) => a * degree) as unknown as [number, number, number],
  );
  return compose(
    { position: [0.01, -0.01, z], orientation },
    { position: [-centre[type][0], -centre[type][1], 0], orientation: [0, 0, 0, 1] },
  );
}

const tilts: readonly (readonly [number, number, number])[] = [
  [0, 0, 0],
  [25, 0, 8],
  [0, -30, 0],
  [20, 20, 100],
  [-15, 25, 178],
  [35, -10, -60],
];

async function read(file: string): Promise<ColourImage> {
  const { data, info } = await sharp(file)
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

describe("detection in images that OpenCV rendered of our printed targets", () => {
  for (const type of ["charuco", "chessboard", "apriltag"] as const)
    it(`${type}: corners where the projection puts them`, async () => {
      const target = targets[type];
      const poses = tilts.map((tilt, k) => before(type, tilt, 0.38 + 0.04 * k));
      const { files, chessboard } = await renderTarget(folder.path, target, camera, poses);
      const detector = await TargetDetector.create(target);
      for (const [k, pose] of poses.entries()) {
        const seen = detector.detect(await read(files[k]!), `${k}`);
        expect(seen, `${type} ${k}`).toBeDefined();
        const { object, pixels } = seen!;
        let square = 0;
        for (let i = 0; i < pixels.length / 2; i++) {
          const p = [object[3 * i]!, object[3 * i + 1]!, object[3 * i + 2]!] as const;
          const [u, v] = project(camera, transformPoint(pose, p))!;
          square += (u - pixels[2 * i]!) ** 2 + (v - pixels[2 * i + 1]!) ** 2;
        }
        const rms = Math.sqrt((2 * square) / pixels.length);
        expect(rms, `${type} ${k}`).toBeLessThan(type === "apriltag" ? 0.4 : 0.15);
        const theirs = chessboard[k];
        if (theirs) {
          // OpenCV may count from the other end: the set of corners is what must agree.
          for (let i = 0; i < pixels.length / 2; i++) {
            const apart = theirs.map(([u, v]) => Math.hypot(u - pixels[2 * i]!, v - pixels[2 * i + 1]!));
            expect(Math.min(...apart)).toBeLessThan(0.7);
          }
        }
      }
      detector.close();
    });

  it.each([
    [false, true, "write `legacy: true`"],
    [true, false, "write `legacy: false`"],
  ])(
    "ChArUco with an even number of rows: legacy %s in the file, %s in the image",
    async (file, printed, says) => {
      const fields = {
        type: "charuco",
        columns: 7,
        rows: 6,
        square: 0.03,
        marker: 0.022,
        dictionary: "5x5_100",
      };
      const poses = tilts.slice(0, 3).map((tilt, k) => before("charuco", tilt, 0.42 + 0.04 * k));
      const shown = parseTarget({ ...fields, legacy: printed }, "t");
      const { files } = await renderTarget(
        folder.path,
        shown,
        camera,
        poses,
        (k) => `legacy-${printed}-${k}.png`,
      );
      const wrong = await TargetDetector.create(parseTarget({ ...fields, legacy: file }, "t"));
      const right = await TargetDetector.create(shown);
      expect(wrong.note).toBeUndefined();
      for (const [k, name] of files.entries()) {
        const image = await read(name);
        const seen = right.detect(image, `${k}`);
        expect(seen, `${k}`).toBeDefined();
        expect(wrong.detect(image, `${k}`)).toEqual(seen);
      }
      expect(wrong.note).toContain(says);
      expect(wrong.target).toEqual(shown);
      expect(right.note).toBeUndefined();
      wrong.close();
      right.close();
    },
  );

  it("finds nothing where there is nothing, or another board, and frees what it took", async () => {
    const random = seededRandom(2);
    const data = new Uint8Array(320 * 240 * 3).map(() => 256 * random());
    const grey = { width: 320, height: 240, data: data.map((_, i) => ((i % 960) * 255) / 960) };
    for (const target of Object.values(targets)) {
      const detector = await TargetDetector.create(target);
      expect(detector.detect({ width: 320, height: 240, data }, "noise")).toBeUndefined();
      expect(detector.detect(grey, "ramp")).toBeUndefined();
      detector.close();
    }
    const other = parseTarget({ type: "chessboard", columns: 8, rows: 6, square: 0.022 }, "t");
    const { files } = await renderTarget(folder.path, targets.chessboard, camera, [
      before("chessboard", [10, 0, 0], 0.4),
    ]);
    const detector = await TargetDetector.create(other);
    expect(detector.detect(await read(files[0]!), "9×6")).toBeUndefined();
    detector.close();
  });
});

describe("printable targets", () => {
  it("come as SVG and PDF at the size asked for, on the smallest paper that holds them", async () => {
    const drawing = await drawTarget(targets.charuco);
    expect(drawing.paper).toBe("A4");
    const svg = targetSvg(drawing);
    expect(svg).toMatch(/width="297mm" height="210mm"/);
    const pdf = Buffer.from(await targetPdf(drawing)).toString("latin1");
    expect(pdf.startsWith("%PDF-")).toBe(true);
    expect(pdf).toMatch(/MediaBox \[0 0 841\.8\d* 595\.2\d*\]/);
    const widths = drawing.black.map(([x, , w]) => x + w);
    expect(Math.max(...widths) - Math.min(...drawing.black.map(([x]) => x))).toBeCloseTo(7 * 0.032, 9);
  });
  it("are refused when they make no sense", async () => {
    expect(() => parseTarget({ type: "charuco", columns: 7 }, "a.yaml")).toThrow(/a\.yaml.*rows/);
    expect(() =>
      parseTarget(
        { type: "charuco", columns: 7, rows: 5, square: 0.02, marker: 0.03, dictionary: "4x4_50" },
        "a",
      ),
    ).toThrow(/smaller than the square/);
    expect(() => parseTarget({ type: "circles" }, "a")).toThrow(/type/);
    const large = parseTarget(
      { type: "charuco", columns: 20, rows: 12, square: 0.03, marker: 0.02, dictionary: "4x4_50" },
      "a",
    );
    await expect(TargetDetector.create(large)).rejects.toThrow(/needs 120 markers/);
    await expect(drawTarget(large)).rejects.toThrow(/needs 120 markers/);
  });
});
