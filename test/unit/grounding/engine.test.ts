import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance as loop } from "node:perf_hooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Box, boxIou, type ColourImage, maskArea, maskBox } from "../../../src/geometry/index.js";
import { HifiCs } from "../../../src/grounding/index.js";
import {
  type InferenceBackend,
  InProcessBackend,
  type ModelFiles,
  type Tensors,
} from "../../../src/inference/index.js";
import { blue, green, grey, picture as image, red } from "../../support/images.js";
import { repository, runPython } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "tiny-model-"));
const model = join(folder, "object");
const redBox: Box = [40, 20, 80, 60];
const blueBox: Box = [140, 40, 180, 80];
const scene = image(200, 100, grey, [
  [redBox, red],
  [blueBox, blue],
]);

/** The real back end, with its calls counted. */
class Counting implements InferenceBackend {
  readonly calls = { frame: 0, text: 0, decode: 0 };
  readonly description = "counting";
  private readonly inner: InferenceBackend;

  private constructor(inner: InferenceBackend) {
    this.inner = inner;
  }

  static async create(files: ModelFiles): Promise<Counting> {
    return new Counting(await InProcessBackend.create(files, { threads: 1 }));
  }

  encodeImage(image: ColourImage) {
    this.calls.frame++;
    return this.inner.encodeImage(image);
  }

  encodeFrame(feeds: Tensors) {
    this.calls.frame++;
    return this.inner.encodeFrame(feeds);
  }

  encodeText(feeds: Tensors) {
    this.calls.text++;
    return this.inner.encodeText(feeds);
  }

  decode(feeds: Tensors) {
    this.calls.decode++;
    return this.inner.decode(feeds);
  }

  close() {
    return this.inner.close();
  }
}

async function open(path = model) {
  let backend: Counting | undefined;
  const engine = await HifiCs.open(path, async (files) => {
    backend = await Counting.create(files);
    return backend;
  });
  return { engine, calls: (backend as Counting).calls };
}

beforeAll(() => {
  runPython("bench/reference/tiny_model.py", [model]);
  runPython("bench/reference/tiny_model.py", [join(folder, "background"), "--background"]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("HiFi-CS engine over ONNX Runtime", () => {
  it("finds what each query names, in pixels of the original image", async () => {
    const { engine } = await open();
    const [first, second] = await engine.ground({ colour: scene }, ["the red cup", "the blue box"]);
    expect(boxIou(first?.detections[0]?.box as Box, redBox)).toBeGreaterThan(0.8);
    expect(boxIou(second?.detections[0]?.box as Box, blueBox)).toBeGreaterThan(0.8);
    expect(first?.detections).toHaveLength(1);
    expect(first?.detections[0]?.score).toBeGreaterThan(0.9);
    await engine.close();
  });

  it("says not found instead of guessing", async () => {
    const { engine } = await open();
    const [result] = await engine.ground({ colour: scene }, ["the green cup"]);
    expect(result).toMatchObject({ found: false, detections: [] });
    expect(result?.presence).toBeLessThan(0.01);
    await engine.close();
  });

  it("gives the same answer for logits of the background (the published polarity)", async () => {
    const { engine: object } = await open();
    const { engine: background } = await open(join(folder, "background"));
    const [a] = await object.ground({ colour: scene }, ["red"]);
    const [b] = await background.ground({ colour: scene }, ["red"]);
    expect(b?.detections[0]?.box).toEqual(a?.detections[0]?.box);
    await object.close();
    await background.close();
  });

  it("encodes a frame once for all its queries, a query once for all its frames, and decodes both once", async () => {
    const { engine, calls } = await open();
    await engine.ground({ colour: scene }, ["red", "blue", "red"]);
    expect(calls).toEqual({ frame: 1, text: 2, decode: 1 });
    const [again] = await engine.ground({ colour: scene }, ["red"]);
    expect(calls).toEqual({ frame: 1, text: 2, decode: 1 });
    // An answer's map is its own: the next one is not drawn from it.
    const [unread] = await engine.ground({ colour: scene }, ["red"]);
    const before = again?.heatmap.data.slice();
    again?.heatmap.data.fill(0);
    expect(again?.heatmap.data.every((p) => p === 0)).toBe(true);
    expect(unread?.heatmap.data).toEqual(before);
    const [third, other] = await engine.ground({ colour: scene }, ["red", "green"]);
    expect(third?.heatmap.data).toEqual(before);
    // Nor are its masks, which are drawn when they are read.
    const mask = again?.detections[0]?.mask;
    expect(mask && maskBox(mask)).toEqual(again?.detections[0]?.box);
    expect(mask).toEqual(third?.detections[0]?.mask);
    expect(other?.found).toBe(false);
    expect(calls).toEqual({ frame: 1, text: 3, decode: 2 });
    await engine.ground({ colour: image(200, 100, grey, [[redBox, green]]) }, ["red"]);
    expect(calls).toEqual({ frame: 2, text: 3, decode: 3 });
    await engine.close();
  });

  it("encodes a new image once for two calls that begin together", async () => {
    let encoded = 0;
    const engine = await HifiCs.open(model, async (files) => {
      const backend = await InProcessBackend.create(files, { threads: 1 });
      const counted: InferenceBackend = {
        description: backend.description,
        encodeImage: (...call) => backend.encodeImage(...call),
        encodeFrame: backend.encodeFrame,
        encodeText: backend.encodeText,
        decode: backend.decode,
        locate: (...call) => {
          encoded++;
          return (backend.locate as NonNullable<InferenceBackend["locate"]>)(...call);
        },
        close: () => backend.close(),
      };
      return counted;
    });
    const [one, two] = await Promise.all([
      engine.ground({ colour: scene }, ["red"]),
      engine.ground({ colour: scene }, ["blue"]),
    ]);
    expect(encoded).toBe(1);
    const [alone] = await engine.ground({ colour: scene }, ["blue"]);
    expect(boxIou(one[0]?.detections[0]?.box as Box, redBox)).toBeGreaterThan(0.7);
    expect(two[0]?.detections).toEqual(alone?.detections);
    await engine.close();
  });

  it("answers many queries as it answers each alone", async () => {
    const { engine } = await open();
    const queries = Array.from({ length: 37 }, (_, i) =>
      i % 2 ? "the red cup" : `${"the ".repeat(i % 5)}blue box`,
    );
    const together = await engine.ground({ colour: scene }, queries);
    for (const [i, query] of queries.entries()) {
      const [alone] = await engine.ground({ colour: scene }, [query]);
      expect(together[i]?.detections[0]?.box).toEqual(alone?.detections[0]?.box);
      expect(together[i]?.query).toBe(query.trim());
    }
    await engine.close();
  });

  it("separates instances, best first, each with its own mask", async () => {
    const { engine } = await open();
    const two = image(200, 100, grey, [
      [redBox, red],
      [blueBox, red],
    ]);
    const [result] = await engine.ground({ colour: two }, ["red"]);
    expect(result?.detections).toHaveLength(2);
    for (const { box, mask } of result?.detections ?? []) {
      expect(maskBox(mask)).toEqual(box);
      expect(maskArea(mask)).toBeGreaterThan(1200);
      expect([mask.width, mask.height]).toEqual([200, 100]);
    }
    await engine.close();
  });

  it("does not block the event loop while the bundled model runs", async () => {
    const { engine } = await open(join(repository, "models", "lite"));
    const { width, height } = engine.manifest.input;
    await engine.ground({ colour: image(width, height, grey, []) }, ["the red cup"]);
    const before = loop.eventLoopUtilization();
    for (let i = 0; i < 8; i++)
      await engine.ground({ colour: image(width, height, [i, i, i], []) }, ["the red cup"]);
    // Blocked, the loop would be in use all the time; it waits for the model's threads instead.
    const { utilization } = loop.eventLoopUtilization(before);
    console.info(`event loop in use: ${(100 * utilization).toFixed(0)} %`);
    expect(utilization).toBeLessThan(0.75);
    await engine.close();
  });
});

describe("model folders", () => {
  const broken = (name: string, damage: (path: string) => void): string => {
    const path = join(folder, name);
    cpSync(model, path, { recursive: true });
    damage(path);
    return path;
  };
  const edit = (path: string, change: (manifest: Record<string, Record<string, unknown>>) => void) => {
    const file = join(path, "manifest.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    change(manifest);
    writeFileSync(file, JSON.stringify(manifest));
  };

  it("refuses a file whose hash is not the manifest's", async () => {
    const path = broken("changed", (p) => appendFileSync(join(p, "decoder.onnx"), "x"));
    await expect(open(path)).rejects.toMatchObject({ code: "MODEL_CORRUPT" });
  });

  it("refuses a missing file, a missing folder and a manifest that is no JSON", async () => {
    await expect(open(broken("gone", (p) => rmSync(join(p, "text.onnx"))))).rejects.toMatchObject({
      code: "FILE_MISSING",
    });
    await expect(open(join(folder, "nowhere"))).rejects.toMatchObject({ code: "MODEL_MISSING" });
    const path = broken("nojson", (p) => writeFileSync(join(p, "manifest.json"), "{"));
    await expect(open(path)).rejects.toMatchObject({ code: "MODEL_MANIFEST" });
  });

  it("refuses a path that leaves the folder, naming the field", async () => {
    const path = broken("escape", (p) =>
      edit(p, (m) => Object.assign(m.decoder as object, { file: "../object/decoder.onnx" })),
    );
    await expect(open(path)).rejects.toThrow(/decoder\.file/);
  });

  it("refuses a decoder that wants what nothing produces", async () => {
    const path = broken("mismatch", (p) =>
      edit(p, (m) => Object.assign(m.decoder as object, { inputs: ["level_0", "level_9"] })),
    );
    const { engine } = await open(path);
    await expect(engine.ground({ colour: scene }, ["red"])).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
    await engine.close();
  });

  it("names the remedy when a provider is not there, and never falls back", async () => {
    const create = HifiCs.open(model, (files) => InProcessBackend.create(files, { providers: ["tensorrt"] }));
    await expect(create).rejects.toMatchObject({ code: "PROVIDER_UNAVAILABLE" });
  });
});
