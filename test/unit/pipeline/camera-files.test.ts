import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { readCamera } from "../../../src/pipeline/index.js";

const folder = mkdtempSync(join(tmpdir(), "camera-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plain = { width: 640, height: 480, fx: 610.5, fy: 602.25, cx: 317.2, cy: 243.8 };
const read = (name: string, content: unknown) => {
  const path = join(folder, name);
  writeFileSync(path, name.endsWith(".json") ? JSON.stringify(content) : stringify(content));
  return readCamera(path);
};
/** As ROS's camera_calibration writes it. */
const ros = (distortion_model: string, coefficients: readonly number[]) => ({
  image_width: 640,
  image_height: 480,
  camera_name: "wrist",
  camera_matrix: { rows: 3, cols: 3, data: [610.5, 0, 317.2, 0, 602.25, 243.8, 0, 0, 1] },
  distortion_model,
  distortion_coefficients: { rows: 1, cols: coefficients.length, data: coefficients },
});

describe("a camera's file", () => {
  const bent = { model: "plumb_bob", coefficients: [-0.3, 0.1, 0.001, -0.002, 0] };

  it("keeps the lens distortion, in either form", async () => {
    expect(await read("a.json", { ...plain, distortion: bent })).toEqual({ ...plain, distortion: bent });
    expect(await read("b.yaml", ros(bent.model, bent.coefficients))).toEqual({ ...plain, distortion: bent });
  });

  it("of a lens that bends nothing has none", async () => {
    expect(await read("c.json", plain)).toEqual(plain);
    expect(
      await read("d.json", { ...plain, distortion: { model: "plumb_bob", coefficients: [0, 0] } }),
    ).toEqual(plain);
    expect(await read("e.yaml", ros("plumb_bob", [0, 0, 0, 0, 0]))).toEqual(plain);
  });

  it("of an ideal fisheye is not taken for a straight lens, though its coefficients are zero", async () => {
    const ideal = { model: "equidistant", coefficients: [0, 0, 0, 0] };
    expect(await read("f.yaml", ros(ideal.model, ideal.coefficients))).toEqual({
      ...plain,
      distortion: ideal,
    });
    expect(await read("g.json", { ...plain, distortion: ideal })).toEqual({ ...plain, distortion: ideal });
  });

  it("with a distortion that nothing can be computed with is refused", async () => {
    for (const content of [
      { ...plain, distortion: { model: "thin_prism", coefficients: [0.1] } },
      { ...plain, distortion: { model: "plumb_bob", coefficients: [0.1, 0, 0, 0, 0, 0.2] } },
      { ...plain, distortion: { model: "plumb_bob", coefficients: "none" } },
    ])
      await expect(read("h.json", content)).rejects.toMatchObject({ code: "CAMERA_INVALID" });
  });
});
