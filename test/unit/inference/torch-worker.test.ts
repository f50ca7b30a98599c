import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ColourImage } from "../../../src/geometry/index.js";
import { HifiCs } from "../../../src/grounding/index.js";
import { type BackendChoice, createBackend } from "../../../src/inference/index.js";
import { blue, grey, picture as image, red } from "../../support/images.js";
import { repository, runPython } from "../../support/python.js";
import { WorkerProcess } from "../../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "torch-worker-"));
const tiny = join(folder, "object");
const python = join(repository, ".cache", "venv", "test", "bin", "python");

beforeAll(() => {
  runPython("bench/reference/tiny_model.py", [tiny]);
  expect(existsSync(python), "run `node scripts/test-environments.mjs` once").toBe(true);
  vi.stubEnv("GRASP_GROUNDING_PYTHON", python);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

// Images that are hashed, and larger ones that are named.
const images = [
  image(640, 360, grey, [[[40, 20, 180, 160], red]]),
  image(640, 360, blue, []),
  image(1280, 720, grey, [[[40, 20, 180, 160], red]]),
  image(1280, 720, blue, [[[400, 20, 580, 160], red]]),
];

async function maps(choice: BackendChoice): Promise<Float32Array[]> {
  const runsElsewhere = choice.kind === "zmq";
  const engine = await HifiCs.open(tiny, (model) => createBackend(model, choice), { runsElsewhere });
  const all = await Promise.all(images.map((colour) => engine.ground({ colour }, ["red", "blue"])));
  // Several new queries of one image may be encoded together.
  all.push(...(await Promise.all(images.map((colour) => engine.ground({ colour }, ["the red cup"])))));
  all.push(await engine.ground({ colour: images[3] as (typeof images)[number] }, ["a", "b", "c", "green"]));
  // Known queries of new images: some come while the worker is at work, and are then decoded together.
  const again = [1, 2, 3].flatMap((bits) =>
    images.map(({ data, ...size }) => ({ ...size, data: data.map((value) => value ^ bits) })),
  );
  all.push(...(await Promise.all(again.map((colour) => engine.ground({ colour }, ["red"])))));

  await engine.close();
  return all.flat().map(({ heatmap }) => heatmap.data as Float32Array);
}

describe("a worker in PyTorch", () => {
  it("gives the heat maps of ONNX Runtime, for images that come at the same time", async () => {
    const endpoint = `ipc://${join(folder, "worker")}`;
    const args = ["--model", tiny, "--engine", "torch", "--provider", "cpu", "--threads", "1"];
    const worker = await WorkerProcess.start(endpoint, args);
    await worker.ready;
    const there = await maps({ kind: "zmq", endpoints: [endpoint], resize: "graph", timeout: 60_000 });
    const here = await maps({ kind: "in-process", providers: ["cpu"], resize: "graph" });
    const report = await worker.stop();
    expect(report).toMatchObject({ failed: 0, refused: 0, kept_pictures: 16 });
    expect(Number(report.batched)).toBeGreaterThan(Number(report.batches));
    expect(there.length).toBe(28);
    const differences = there.map((map, i) =>
      map.reduce((most, value, k) => Math.max(most, Math.abs(value - (here[i]?.[k] ?? Number.NaN))), 0),
    );
    for (const difference of differences) expect(difference).toBeLessThan(1e-3);
  });

  it("takes new queries by their tokens, with a new image too, in one request", async () => {
    const endpoint = `ipc://${join(folder, "tokens")}`;
    const args = ["--model", tiny, "--engine", "torch", "--provider", "cpu", "--threads", "1"];
    const worker = await WorkerProcess.start(endpoint, args);
    await worker.ready;
    const requests: number[] = [];
    const asked = async (choice: BackendChoice) => {
      const engine = await HifiCs.open(tiny, (model) => createBackend(model, choice), {
        runsElsewhere: choice.kind === "zmq",
      });
      const answers = [];
      const [first, second] = images as [ColourImage, ColourImage];
      // A camera that writes its next image into the same memory.
      const camera = { ...first, data: first.data.slice() };
      for (const [colour, queries] of [
        [first, ["a red cup", "the blue box on the left", "green"]],
        [first, ["a cup", "the very last red cup of all"]],
        [second, ["a cup", "green"]],
        [second, ["the red can", "a cup"]],
        [camera, ["a small cup"]],
        [camera, ["a green cup"]],
        ["next image", []],
        [camera, ["a tall cup"]],
        [camera, ["a tall can"]],
      ] as const) {
        if (colour === "next image") {
          camera.data.set(images[1]?.data ?? []);
          continue;
        }
        answers.push(...(await engine.ground({ colour }, queries)));
        requests.push(Number(engine.backendReport.requests));
      }
      await engine.close();
      return answers;
    };
    const there = await asked({ kind: "zmq", endpoints: [endpoint], resize: "graph", timeout: 60_000 });
    // The last call's query that is known goes with its features: the other one is encoded first.
    // Another image where one was asked for in vain first, which the comparison showed meanwhile.
    expect(requests).toEqual([1, 2, 3, 5, 6, 7, 9, 10]);
    for (const step of ["tokens", "wait", "text", "locate", "hand_over", "heatmap"])
      expect(there[0]?.steps?.[step]).toBeGreaterThanOrEqual(0);
    const here = await asked({ kind: "in-process", providers: ["cpu"], resize: "graph" });
    await worker.stop();
    const differences = there.map(({ heatmap }, i) =>
      heatmap.data.reduce(
        (most, value, k) => Math.max(most, Math.abs(value - (here[i]?.heatmap.data[k] ?? Number.NaN))),
        0,
      ),
    );
    expect(differences.length).toBe(13);
    for (const difference of differences) expect(difference).toBeLessThan(1e-3);
  });
});
