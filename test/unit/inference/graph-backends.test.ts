import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { ColourImage } from "../../../src/geometry/index.js";
import { type Grounding, HifiCs } from "../../../src/grounding/index.js";
import { createBackend, InProcessBackend, type InProcessOptions } from "../../../src/inference/index.js";
import { blue, grey, picture as image, red } from "../../support/images.js";
import { repository } from "../../support/python.js";
import { filesOf, WorkerProcess } from "../../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "graph-backends-"));
const lite = join(repository, "models", "lite");
const workers: WorkerProcess[] = [];
afterEach(() => Promise.all(workers.splice(0).map((each) => each.stop())));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const queries = ["the red cup", "the blue box on the left"];
const scene = image(640, 360, grey, [
  [[40, 20, 180, 160], red],
  [[340, 140, 480, 280], blue],
]);
const open = (options: InProcessOptions) =>
  HifiCs.open(lite, (model) => createBackend(model, { kind: "in-process", threads: 1, ...options }));

async function answers(options: InProcessOptions, colour: ColourImage = scene, asked = queries) {
  const engine = await open(options);
  try {
    return await engine.ground({ colour }, asked, { alternatives: true });
  } finally {
    await engine.close();
  }
}

const bytesOf = ({ heatmap }: Grounding) =>
  createHash("sha256").update(Buffer.from(heatmap.data.buffer)).digest("hex");

/** Share of the pixels on which two answers agree. */
function agreement(a: Grounding, b: Grounding): number {
  const alike = a.heatmap.data.filter((value, i) => value > 0.5 === (b.heatmap.data[i] ?? 0) > 0.5).length;
  return alike / a.heatmap.data.length;
}

describe("images in the graph, and encoder and decoder as one", () => {
  it("answer as the parts do", async () => {
    const wanted = await answers({});
    expect(wanted.some(({ found }) => found)).toBe(true);
    for (const options of [
      { resize: "graph" },
      { locate: true },
      { resize: "graph", locate: true },
    ] as const) {
      const given = await answers(options);
      for (const [i, each] of given.entries()) {
        const reference = wanted[i] as Grounding;
        expect(each.found).toBe(reference.found);
        expect(agreement(each, reference)).toBeGreaterThanOrEqual(0.995);
        expect(each.presence).toBeCloseTo(reference.presence, 2);
      }
    }
  });

  it("one graph gives the same bytes, also for more queries than one run takes, and keeps the features", async () => {
    const many = Array.from({ length: 18 }, (_, i) => `the red cup number ${i}`);
    const [wanted, given] = [await answers({}, scene, many), await answers({ locate: true }, scene, many)];
    expect(given.map(bytesOf)).toEqual(wanted.map(bytesOf));
    const engine = await open({ locate: true });
    const [first] = await engine.ground({ colour: scene }, ["the red cup"]);
    const [again] = await engine.ground({ colour: scene }, ["the red cup"]);
    expect(bytesOf(again as Grounding)).toBe(bytesOf(first as Grounding));
    expect(again?.timings.encode).toBeLessThan(first?.timings.encode as number);
    await engine.close();
  });

  it("name the steps of all their time, which is inside that of the stages", async () => {
    const stepsOf = async (options: InProcessOptions) => {
      const engine = await open(options);
      const start = performance.now();
      const [first] = await engine.ground({ colour: scene }, ["the red cup"]);
      const took = performance.now() - start;
      await engine.close();
      const { steps = {}, timings } = first as Grounding;
      const sum = (...names: string[]) => names.reduce((total, name) => total + (timings[name] ?? 0), 0);
      const inside = Object.values(steps).reduce((total, ms) => total + ms, 0);
      expect(inside + (timings.instances ?? 0)).toBeGreaterThan(0.95 * took);
      expect(inside).toBeLessThanOrEqual(sum("encode", "text", "decode") + 1);
      return Object.keys(steps).sort();
    };
    const own = ["compare", "hand_over", "heatmap", "text", "tokens"];
    expect(await stepsOf({})).toEqual([...own, "decoder", "encoder", "resize"].sort());
    expect(await stepsOf({ resize: "graph" })).toEqual([...own, "decoder", "encoder"].sort());
    expect(await stepsOf({ resize: "graph", locate: true })).toEqual([...own, "locate"].sort());
    const engine = await open({});
    await engine.ground({ colour: scene }, ["the red cup"]);
    const [again] = await engine.ground({ colour: scene }, ["the red cup"]);
    expect(Object.keys(again?.steps ?? {}).sort()).toEqual(["compare", "heatmap"]);
    const [further] = await engine.ground({ colour: scene }, ["the blue cup"]);
    expect(Object.keys(further?.steps ?? {}).sort()).toEqual([...own, "decoder"].sort());
    await engine.close();
  });

  it("an encoder of pixels still takes tensors", async () => {
    const backend = await InProcessBackend.create(await filesOf(lite), { threads: 1, resize: "graph" });
    const plain = await InProcessBackend.create(await filesOf(lite), { threads: 1 });
    const feeds = {
      image: { type: "float32", dims: [1, 3, 384, 512], data: new Float32Array(3 * 384 * 512).fill(0.25) },
    } as const;
    expect([backend.takesPixels, plain.takesPixels]).toEqual([true, false]);
    const [features, wanted] = [await backend.encodeFrame(feeds), await plain.encodeFrame(feeds)];
    for (const [name, { data }] of Object.entries(wanted))
      expect(
        Buffer.compare(Buffer.from(features[name]?.data.buffer as ArrayBuffer), Buffer.from(data.buffer)),
      ).toBe(0);
    await expect(backend.encodeImage(image(7, 40, grey, []))).rejects.toMatchObject({
      code: "IMAGE_TOO_SMALL",
    });
    await Promise.all([backend.close(), plain.close()]);
  });

  it("a model whose images are not stretched is refused, and left as it is by default", async () => {
    const files = await filesOf(lite);
    const cropped = { ...files, input: { ...files.input, fit: "longest-edge" as const } };
    await expect(InProcessBackend.create(cropped, { resize: "graph" })).rejects.toMatchObject({
      code: "MODEL_MISMATCH",
    });
    const backend = await InProcessBackend.create(cropped, { threads: 1, resize: "auto" });
    expect(backend.takesPixels).toBe(false);
    await backend.close();
  });

  it("a worker resizes in the graph, images of one size together, from pixels and from a JPEG", async () => {
    const endpoint = `ipc://${join(folder, "worker")}`;
    const worker = await WorkerProcess.start(endpoint, ["--resize", "graph", "--max-batch", "4"]);
    workers.push(worker);
    const { width, height } = scene;
    const jpeg = await sharp(scene.data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 92 })
      .toBuffer();
    const decoded = { width, height, data: new Uint8Array(await sharp(jpeg).raw().toBuffer()) };
    const engine = await HifiCs.open(
      lite,
      (model) => createBackend(model, { kind: "zmq", endpoints: [endpoint], startTimeout: 30_000 }),
      { runsElsewhere: true },
    );
    const [given, wanted] = [
      await engine.ground({ colour: { ...decoded, jpeg } }, queries),
      await answers({}, decoded),
    ];
    expect(Object.keys(given[0]?.steps ?? {}).sort()).toEqual([
      "compare",
      "decoder",
      "encoder",
      "hand_over",
      "hash",
      "heatmap",
      "text",
      "tokens",
      "wait",
    ]);
    for (const [i, each] of given.entries())
      expect(agreement(each, wanted[i] as Grounding)).toBeGreaterThanOrEqual(0.995);
    const shades = Array.from({ length: 6 }, (_, i) => image(200, 150, [9 * i, 30, 40], []));
    await Promise.all(shades.map((colour) => engine.ground({ colour }, ["the red cup"])));
    await engine.close();
    expect(await worker.stop()).toMatchObject({ failed: 0, kept_pictures: 7 });
  });
});
