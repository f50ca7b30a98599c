import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelFiles, readManifest } from "../../../src/grounding/index.js";
import { locateModel } from "../../../src/inference/graphs/locate.js";
import { readModel, withPrefix, writeModel } from "../../../src/inference/graphs/model.js";
import { fitsGraph, pixelsModel, withPixels } from "../../../src/inference/graphs/pixels.js";
import { bytesField, fieldsOf, numberField, textOf } from "../../../src/inference/graphs/wire.js";
import { resizeImage, toTensor } from "../../../src/inference/index.js";
import { repository, runPython } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "graphs-"));
const lite = join(repository, "models", "lite");
const tiny = join(folder, "tiny");
beforeAll(() => runPython("bench/reference/tiny_model.py", [tiny, "--size", "96x64", "--pool", "4"]));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = { intraOpNumThreads: 1, logSeverityLevel: 3 as const };
const noise = (n: number) => {
  let state = 7;
  return Uint8Array.from({ length: n }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (i % 3000 < 1500 ? 40 : 210) + (state >>> 28);
  });
};
const pixels = (data: Uint8Array, height: number, width: number) =>
  new OrtTensor("uint8", data, [data.length / (3 * height * width), height, width, 3]);

const differences = (found: Float32Array, wanted: Float32Array) =>
  found.map((value, i) => Math.abs(value - (wanted[i] as number)));

describe("images in the graph", () => {
  const format = {
    name: "image",
    width: 96,
    height: 64,
    scale: 1 / 255,
    mean: [0.48, 0.46, 0.41],
    std: [0.27, 0.26, 0.28],
  };

  it.each([
    [640, 360],
    [1280, 720],
    [97, 53],
    [40, 30],
    [8, 900],
    [96, 64],
  ])("%i×%i becomes what the CPU makes of it, within one level", async (width, height) => {
    const session = await InferenceSession.create(pixelsModel(format), options);
    const data = noise(width * height * 3);
    const { image } = await session.run({ pixels: pixels(data, height, width) });
    const wanted = toTensor(await resizeImage({ width, height, data }, format), format);
    expect(image?.dims).toEqual(wanted.dims);
    const level = format.scale / Math.min(...format.std);
    const apart = differences(image?.data as Float32Array, wanted.data as Float32Array);
    expect(Math.max(...apart)).toBeLessThan(1.01 * level);
    const other = apart.filter((value) => value > 0.01 * level).length;
    // Enlarging makes many values that lie in the middle of two levels.
    expect(other / wanted.data.length).toBeLessThan(0.015);
    await session.release();
  });

  it("takes several images of one size", async () => {
    const session = await InferenceSession.create(pixelsModel(format), options);
    const [a, b] = [noise(50 * 40 * 3), noise(50 * 40 * 3).reverse()];
    const both = await session.run({ pixels: pixels(Buffer.concat([a, b]), 40, 50) });
    const second = await session.run({ pixels: pixels(b, 40, 50) });
    const n = second.image?.data.length ?? 0;
    expect(both.image?.data.slice(n)).toEqual(second.image?.data);
    await session.release();
  });

  it("serves stretched, bilinear inputs alone", () => {
    expect(fitsGraph(format)).toBe(true);
    expect(fitsGraph({ ...format, fit: "longest-edge" })).toBe(false);
    expect(fitsGraph({ ...format, resample: "bicubic" })).toBe(false);
    expect(fitsGraph({ ...format, padTo: { width: 100, height: 100 } })).toBe(false);
  });
});

describe.each(["tiny", "lite"])("graphs of %s joined", (name) => {
  const model = async () => {
    const path = name === "tiny" ? tiny : lite;
    const files = modelFiles(path, await readManifest(path));
    const read = (part: "encoder" | "decoder" | "text") =>
      readModel(readFileSync(files.files[part] as string));
    return { files, read };
  };

  it("encode pixels, and locate, as the separate parts do", async () => {
    const { files, read } = await model();
    const [width, height] = [400, 300];
    const data = noise(width * height * 3);
    const image = toTensor(await resizeImage({ width, height, data }, files.input), files.input);
    const part = async (of: "encoder" | "decoder") =>
      InferenceSession.create(files.files[of] as string, options);
    const [encoder, decoder] = [await part("encoder"), await part("decoder")];
    const features = await encoder.run({
      [files.input.name]: new OrtTensor("float32", image.data as Float32Array, image.dims),
    });
    const query: Record<string, OrtTensor> = {};
    const text = await InferenceSession.create(files.files.text as string, options);
    for (const input of text.inputNames)
      query[input] = new OrtTensor("int64", BigInt64Array.from([4n, 7n, 8n]), [1, 3]);
    Object.assign(query, await text.run(query));
    const feeds = Object.fromEntries(
      decoder.inputNames.map((input) => [input, (features[input] ?? query[input]) as OrtTensor]),
    );
    const apart = await decoder.run(feeds);

    const joined = withPixels(read("encoder"), files.input);
    const located = await InferenceSession.create(writeModel(locateModel(joined, read("decoder"))), options);
    const own = Object.fromEntries(
      located.inputNames
        .filter((input) => input !== "pixels")
        .map((input) => [input, query[input] as OrtTensor]),
    );
    const together = await located.run({ pixels: pixels(data, height, width), ...own });
    for (const output of [...encoder.outputNames, ...decoder.outputNames]) {
      const wanted = (apart[output] ?? features[output]) as OrtTensor;
      const found = together[output] as OrtTensor;
      expect(found.dims).toEqual(wanted.dims);
      const data = wanted.data as Float32Array;
      const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const off = differences(found.data as Float32Array, data);
      expect(off.reduce((most, value) => Math.max(most, value), 0)).toBeLessThan(0.01 * largest + 1e-6);
    }
    for (const session of [encoder, decoder, text, located]) await session.release();
  });

  it("are written as they were read", async () => {
    const { files, read } = await model();
    const session = await InferenceSession.create(writeModel(read("decoder")), options);
    expect([...session.inputNames].sort()).toEqual([...files.decoderInputs].sort());
    await session.release();
  });
});

it("the bundled encoder pads inside its convolutions: a Pad node would leave ONNX Runtime's blocked layout", () => {
  const kinds = readModel(readFileSync(join(lite, "encoder.onnx"))).nodes.map(
    (node) => [...fieldsOf(node)].filter(({ number }) => number === 4).map(({ bytes }) => textOf(bytes))[0],
  );
  expect(kinds).toContain("Conv");
  expect(kinds).not.toContain("Pad");
});

describe("what cannot be joined is refused", () => {
  it("files that are none, or cut off", () => {
    const file = readFileSync(join(tiny, "encoder.onnx"));
    for (const bytes of [
      new Uint8Array(0),
      file.subarray(0, file.length - 5),
      Buffer.from("not a model, not at all"),
    ])
      expect(() => readModel(bytes)).toThrow(RangeError);
  });

  it("other operator sets, names that both have, graphs inside nodes", () => {
    const encoder = readModel(readFileSync(join(tiny, "encoder.onnx")));
    const decoder = readModel(readFileSync(join(tiny, "decoder.onnx")));
    const input = { name: "image", width: 96, height: 64, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] };
    const older = { ...encoder, opsets: new Map([["", 12]]) };
    expect(() => withPixels(older, input)).toThrow(/operator set 12/);
    expect(() => withPixels(encoder, { ...input, name: "picture" })).toThrow(/no input picture/);
    expect(() => locateModel(older, decoder)).toThrow(/operator set 12, the decoder 17/);
    expect(() => locateModel(withPrefix(encoder, "", new Set()), encoder)).toThrow(
      /both graphs have a value image/,
    );
    const nested = Buffer.concat([
      ...bytesField(4, "If"),
      ...bytesField(5, [...bytesField(6, [new Uint8Array(0)])]),
    ]);
    expect(() => withPrefix({ ...decoder, nodes: [nested] }, "x/", new Set())).toThrow(/graph inside/);
  });

  it("numbers come back as they were written", () => {
    for (const value of [0, 1, 127, 128, 300, 2 ** 31, 2 ** 40, 2 ** 53 - 1])
      expect([...fieldsOf(Buffer.concat([...numberField(5, value)]))]).toMatchObject([{ number: 5, value }]);
  });
});
