import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { cameraForImage } from "../../../src/messages/index.js";
import { readCamera } from "../../../src/pipeline/index.js";
import { asEcho, asJson, asOpenCvYaml, asRosYaml } from "../../support/calibrations.js";

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

describe("a camera's file of another tool", () => {
  const base = { width: 640, height: 480, fx: 610.5, fy: 602.25, cx: 317.2, cy: 243.8 };
  const d = [-0.3, 0.1, 0.001, -0.002, 0.05];
  const file = (name: string, text: string, options = {}) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return readCamera(path, options);
  };
  const distortion = { model: "plumb_bob", coefficients: d };

  it.each(["plumb_bob", "Plumb Bob", "plumb-bob", "radtan", "Brown Conrady"])(
    "with the model spelt %s is read",
    async (model) => {
      for (const write of [asJson, asRosYaml, asEcho])
        expect(await file("spelt", write({ ...base, model, d }))).toEqual({ ...base, distortion });
    },
  );

  it.each(["Kannala Brandt4", "fisheye", "equidistant"])("of a fisheye called %s is one", async (model) => {
    const camera = await file("fisheye", asRosYaml({ ...base, model, d: [0.1, 0.02, 0, 0] }));
    expect(camera.distortion).toEqual({ model: "equidistant", coefficients: [0.1, 0.02, 0, 0] });
  });

  it.each(["", "none", "Inverse Brown Conrady", "thin_prism"])(
    "with coefficients of the model '%s' is refused, and without them read",
    async (model) => {
      for (const write of [asJson, asRosYaml, asEcho]) {
        await expect(file("odd", write({ ...base, model, d }))).rejects.toMatchObject({
          code: "CAMERA_INVALID",
          message: expect.stringMatching(/distortion model/),
        });
        expect(await file("odd", write({ ...base, model, d: [0, 0, 0, 0, 0] }))).toEqual(base);
      }
    },
  );

  it("of OpenCV has the model that its coefficients' number says", async () => {
    for (const [count, model] of [
      [4, "plumb_bob"],
      [5, "plumb_bob"],
      [8, "rational_polynomial"],
      [12, "rational_polynomial"],
      [14, "rational_polynomial"],
    ] as const) {
      const coefficients = Array.from({ length: count }, (_, i) => (i < 8 ? 0.01 * (i + 1) : 0));
      const camera = await file("cv.yaml", asOpenCvYaml({ ...base, model, d: coefficients }));
      expect(camera.distortion).toEqual({ model, coefficients: coefficients.slice(0, 8) });
    }
    const fisheye = await file("cv.yaml", asOpenCvYaml({ ...base, model: "equidistant", d: [0.1, 0, 0, 0] }));
    expect(fisheye.distortion?.model).toBe("equidistant");
  });

  it("with thin-prism or tilt terms is refused in every form", async () => {
    const terms = [...Array<number>(8).fill(0.01), 0.001, 0, 0, 0];
    const odd = { ...base, model: "rational_polynomial", d: terms };
    for (const write of [asJson, asRosYaml, asEcho, asOpenCvYaml])
      await expect(file("prism", write(odd))).rejects.toThrow(/thin-prism and tilt/);
  });

  it("that names distortion otherwise does not lose it", async () => {
    for (const extra of [{ k1: -0.2 }, { coeffs: [0.1, 0, 0, 0, 0] }, { distortion_k: { data: [0.1] } }])
      await expect(file("extra", JSON.stringify({ ...base, ...extra }))).rejects.toThrow(
        /looks like distortion but is not read/,
      );
    expect(await file("extra", JSON.stringify({ ...base, k1: 0, name: "wrist" }))).toEqual(base);
  });

  it("with a matrix that is no camera matrix is refused", async () => {
    const k = (values: readonly number[]) =>
      file("k", JSON.stringify({ width: 640, height: 480, K: values }));
    await expect(k([610, 0, 0, 0, 602, 0, 317, 243, 1])).rejects.toThrow(/by columns/);
    await expect(k([610, 3, 317, 0, 602, 243, 0, 0, 1])).rejects.toThrow(/skew/);
    await expect(k([0.96, 0, 0.5, 0, 1.2, 0.5, 0, 0, 1])).rejects.toThrow(/not in pixels/);
    expect(await k([610.5, 0, 317.2, 0, 602.25, 243.8, 0, 0, 1])).toEqual(base);
  });

  it("with a matrix of another size is refused by its size", async () => {
    const k = (values: readonly number[]) =>
      file("k.json", JSON.stringify({ width: 640, height: 480, K: values }));
    await expect(k([610, 602, 317, 243])).rejects.toThrow(/has 4 values, not 9/);
    await expect(k([610, 0, 317, 0, 0, 602, 243, 0, 0, 0, 1, 0])).rejects.toThrow(/has 12 values, not 9/);
  });

  it("with a P of three columns is read as one of four", async () => {
    const square = { rows: 3, cols: 3, data: [600, 0, 320, 0, 601, 240, 0, 0, 1] };
    const text = JSON.stringify({ ...ros("plumb_bob", d), projection_matrix: square });
    const camera = await file("p.yaml", text, { rectified: true });
    expect(camera).toEqual({ width: 640, height: 480, fx: 600, fy: 601, cx: 320, cy: 240 });
    const short = JSON.stringify({ ...ros("plumb_bob", d), projection_matrix: [600, 0, 320, 0] });
    await expect(file("p.yaml", short, { rectified: true })).rejects.toThrow(/has 4 values, not 9/);
  });

  it("whose values contradict each other is refused", async () => {
    const k = [610.5, 0, 317.2, 0, 602.25, 243.8, 0, 0, 1];
    const halves = k.map((value, i) => (i === 8 ? 1 : value / 2));
    const both = (extra: object) => file("both.json", JSON.stringify({ ...base, ...extra }));
    expect(await both({ K: k, image_width: 640 })).toEqual(base);
    await expect(both({ K: halves })).rejects.toThrow(/fx, fy, cx, cy and its camera matrix contradict/);
    await expect(both({ K: k, camera_matrix: { data: halves } })).rejects.toThrow(
      /camera_matrix and K contradict/,
    );
    await expect(both({ image_width: 320 })).rejects.toThrow(/width and image_width contradict/);
    const twice = { distortion_coefficients: d, D: [0, 0, 0, 0, 0], distortion_model: "plumb_bob" };
    await expect(both(twice)).rejects.toThrow(/distortion_coefficients and D contradict/);
  });

  it("of an image that cannot be is refused", async () => {
    await expect(file("a.json", JSON.stringify({ ...base, width: 640.5 }))).rejects.toThrow(/whole pixels/);
    const roi = (x_offset: number, width: number) =>
      file(
        "roi.yaml",
        stringify({
          ...ros("plumb_bob", [0, 0, 0, 0, 0]),
          roi: { x_offset, y_offset: 0, width, height: 480 },
        }),
      );
    await expect(roi(600, 400)).rejects.toThrow(/region of interest, 400×480 at 600, 0, is not within/);
    await expect(roi(-1, 400)).rejects.toThrow(/region of interest/);
    expect(await roi(100, 400)).toEqual({ ...base, width: 400, cx: base.cx - 100 });
  });

  it("says which keys were looked for when it is another kind of file", async () => {
    await expect(file("other", "a: 1")).rejects.toThrow(
      /width or image_width.*height or image_height.*fx, fy, cx and cy, or one of camera_matrix/,
    );
    await expect(file("other", "just text")).rejects.toMatchObject({ code: "CAMERA_INVALID" });
    await expect(file("other", "width: '640'\nheight: 480")).rejects.toThrow(/width is no number/);
  });

  it("with a byte order mark is read", async () => {
    expect(await file("bom.json", `\uFEFF${asJson({ ...base, model: "", d: [] })}`)).toEqual(base);
  });

  it("tells how it is read where it does not say, and takes P for a rectified image", async () => {
    const told: string[] = [];
    const text = asRosYaml({ ...base, model: "plumb_bob", d });
    await file("told", text, { onAssumed: (each: string) => told.push(each) });
    expect(told).toEqual(["its plumb_bob distortion is undone"]);
    expect(await file("told", text, { rectified: true })).toEqual(base);
  });
});

describe("a camera for images of a size", () => {
  it("of another size is refused, or scaled when asked where the proportions agree", () => {
    const half = { width: 320, height: 240, fx: 307.5, fy: 307.5, cx: 159.5, cy: 119.5 };
    const image = { width: 640, height: 480 };
    expect(() => cameraForImage(half, image)).toThrow(expect.objectContaining({ code: "CAMERA_SIZE" }));
    expect(cameraForImage(half, image, true)).toEqual({ ...image, fx: 615, fy: 615, cx: 319.5, cy: 239.5 });
    expect(() => cameraForImage(half, { width: 640, height: 360 }, true)).toThrow(/320×240.*640×360/);
  });
});
