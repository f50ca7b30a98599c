import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ColourImage } from "../../../src/geometry/index.js";
import { HifiCs } from "../../../src/grounding/index.js";
import {
  type BackendChoice,
  createBackend,
  type ModelFiles,
  type Tensors,
} from "../../../src/inference/index.js";
import { ZmqBackend, type ZmqOptions } from "../../../src/inference/zmq/index.js";
import { timed } from "../../support/busy.js";
import { digestOf } from "../../support/groundings.js";
import { blue, grey, picture as image, red } from "../../support/images.js";
import { repository, runPython } from "../../support/python.js";
import { filesOf, until, WorkerProcess } from "../../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "zmq-"));
const tiny = join(folder, "object");
const lite = join(repository, "models", "lite");
const workers: WorkerProcess[] = [];
const backends: ZmqBackend[] = [];
let files: ModelFiles;
let count = 0;

const newIpc = () => `ipc://${join(folder, `worker-${count++}`)}`;

async function worker(bind = newIpc(), ...args: string[]): Promise<WorkerProcess> {
  const started = await WorkerProcess.start(bind, ["--model", tiny, ...args]);
  workers.push(started);
  return started;
}

async function client(endpoints: readonly (string | WorkerProcess)[], options: Partial<ZmqOptions> = {}) {
  const backend = await ZmqBackend.create(files, {
    endpoints: endpoints.map((each) => (typeof each === "string" ? each : each.endpoint)),
    heartbeat: 300,
    startTimeout: 20_000,
    ...options,
  });
  backends.push(backend);
  return backend;
}

/** An image no other call made. */
let shade = 0;
const fresh = (): ColourImage => {
  shade++;
  return image(64, 48, [shade % 256, Math.floor(shade / 256) % 256, 7], [[[10, 10, 30, 30], red]]);
};

/** Frame and decoder, as the engine calls them. */
async function locate(backend: ZmqBackend, image = fresh(), signal?: AbortSignal): Promise<Tensors> {
  const texts = await backend.encodeText(query, { signal });
  const features = await backend.encodeImage(image, { signal });
  const feeds = Object.fromEntries(
    files.decoderInputs.map((name) => [name, features[name] ?? texts[name] ?? query[name]]),
  );
  return backend.decode(feeds as Tensors, { signal });
}
const query: Record<string, Tensors[string]> = {
  input_ids: { type: "int64", dims: [1, 3], data: BigInt64Array.from([1n, 2n, 3n]) },
  attention_mask: { type: "int64", dims: [1, 3], data: BigInt64Array.from([1n, 1n, 1n]) },
};

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [tiny]);
  files = await filesOf(tiny);
});
afterEach(async () => {
  await Promise.all(backends.splice(0).map((backend) => backend.close()));
  await Promise.all(workers.splice(0).map((each) => each.stop()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the golden corpus", () => {
  it("gives the same bytes over ipc and tcp, from pixels and from a JPEG, as in process", async () => {
    const queries = ["the red cup", "the blue box on the left"];
    const scene = image(640, 360, grey, [
      [[40, 20, 180, 160], red],
      [[340, 140, 480, 280], blue],
    ]);
    const { width, height } = scene;
    const jpeg = await sharp(scene.data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 92 })
      .toBuffer();
    const decoded = { width, height, data: new Uint8Array(await sharp(jpeg).raw().toBuffer()) };
    const corpus: ColourImage[] = [scene, { ...decoded, jpeg }, image(512, 384, blue, [])];
    const answers = async (choice: BackendChoice) => {
      const engine = await HifiCs.open(lite, (model) => createBackend(model, choice), {
        runsElsewhere: choice.kind !== "in-process",
      });
      const all = [];
      for (const colour of corpus) all.push(...(await engine.ground({ colour }, queries)));
      const { runsOn } = engine;
      await engine.close();
      return { runsOn, all: all.map(digestOf) };
    };
    const here = await answers({ kind: "in-process", threads: 1 });
    for (const bind of [newIpc(), "tcp://127.0.0.1:*"]) {
      const remote = await worker(bind, "--model", lite);
      const there = await answers({ kind: "zmq", endpoints: [remote.endpoint] });
      expect(there.runsOn).toBe("zmq/in-process/cpu");
      expect(there.all).toEqual(here.all);
      const report = await remote.stop();
      expect(report).toMatchObject({ failed: 0, refused: 0, kept_pictures: 3 });
    }
  });
});

describe("workers that fail", () => {
  it("loses and repeats nothing when one is killed", async () => {
    const two = [await worker(), await worker()];
    const backend = await client(two);
    await until(() => backend.report().workers === "2 of 2 ready", 10_000, "both ready");
    let answered = 0;
    const all = Array.from({ length: 60 }, async (_, i) => {
      if (i === 20) two[0]?.signal("SIGKILL");
      const logits = await locate(backend);
      answered++;
      return logits;
    });
    const done = await Promise.all(all);
    expect(answered).toBe(60);
    expect(done.every(({ logits }) => logits !== undefined)).toBe(true);
    const report = backend.report();
    expect(report).toMatchObject({
      requests: 180,
      answered: 180,
      failed: 0,
      expired: 0,
      workers: "1 of 2 ready",
    });
  });

  it("takes a hung one out within two heartbeats, and back when it goes on", async () => {
    const two = [await worker(), await worker()];
    const heartbeat = 500;
    const backend = await client(two, { heartbeat });
    await until(() => backend.report().workers === "2 of 2 ready", 10_000, "both ready");
    two[1]?.signal("SIGSTOP");
    const { ms, held } = await timed(() =>
      until(() => backend.report().workers === "1 of 2 ready", 10_000, "out of service"),
    );
    expect(ms).toBeLessThan(2 * heartbeat + 150 + 2 * held);
    await Promise.all(Array.from({ length: 8 }, () => locate(backend)));
    two[1]?.signal("SIGCONT");
    await until(() => backend.report().workers === "2 of 2 ready", 10_000, "back in service");
  });

  it("answers what a hung worker had with another one", async () => {
    const two = [await worker(), await worker()];
    const backend = await client(two, { heartbeat: 400, timeout: 8000 });
    await until(() => backend.report().workers === "2 of 2 ready", 10_000, "both ready");
    two[0]?.signal("SIGSTOP");
    await Promise.all(Array.from({ length: 10 }, () => locate(backend)));
    expect(Number(backend.report().retried)).toBeGreaterThan(0);
    expect(backend.report().failed).toBe(0);
  });

  it("gives up at the deadline when nobody answers", async () => {
    const only = await worker();
    const backend = await client([only], { timeout: 700, heartbeat: 5000 });
    await only.ready;
    only.signal("SIGSTOP");
    const { ms, held } = await timed(() =>
      expect(locate(backend)).rejects.toMatchObject({ code: "INFERENCE_TIMEOUT" }),
    );
    // The deadline, far from the end of the heartbeats.
    expect(ms).toBeLessThan(1200 + 2 * held);
    only.signal("SIGCONT");
    await until(() => Number(backend.report().expired) === 1, 30_000, "counted");
    // It goes on as soon as the machine lets it answer in that time.
    const answered = () => locate(backend).then(Boolean, () => false);
    await expect.poll(answered, { timeout: 120_000 }).toBe(true);
  });

  it("goes on with a worker that was restarted, which has forgotten the image", async () => {
    const bind = newIpc();
    const first = await worker(bind);
    const backend = await client([bind]);
    const texts = await backend.encodeText(query);
    const features = await backend.encodeImage(fresh());
    const feeds = Object.fromEntries(
      files.decoderInputs.map((name) => [name, features[name] ?? texts[name] ?? query[name]]),
    ) as Tensors;
    const before = await backend.decode(feeds);
    first.signal("SIGKILL");
    await until(() => !first.running, 5000, "killed");
    await worker(bind);
    const after = await backend.decode(feeds);
    expect(after.logits?.data).toEqual(before.logits?.data);
  });

  it("forgets images at the worker's limit and is sent them again", async () => {
    const backend = await client([await worker(newIpc(), "--keep", "1")]);
    const texts = await backend.encodeText(query);
    const [first] = [await backend.encodeImage(fresh()), await backend.encodeImage(fresh())];
    const feeds = Object.fromEntries(
      files.decoderInputs.map((name) => [name, first[name] ?? texts[name] ?? query[name]]),
    ) as Tensors;
    expect((await backend.decode(feeds)).logits).toBeDefined();
  });

  it("waits for a worker that starts late, and shows what it waits for", async () => {
    const bind = newIpc();
    const waiting = client([bind]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await worker(bind);
    await locate(await waiting);
  });

  it("says of each endpoint why there is no worker", async () => {
    const error = await client([newIpc()], { startTimeout: 300 }).catch((failure) => failure);
    expect(error.code).toBe("WORKERS_UNAVAILABLE");
    expect(error.message).toContain("no answer");
  });
});

describe("a large image", () => {
  const large = (colour: typeof grey, seen = red): ColourImage =>
    image(1280, 720, colour, [[[200, 100, 500, 400], seen]]);
  const open = async (bind: string) => {
    let backend: ZmqBackend | undefined;
    const engine = await HifiCs.open(
      tiny,
      async (model) => {
        backend = (await createBackend(model, {
          ...{ kind: "zmq", endpoints: [bind], resize: "graph", startTimeout: 30_000 },
        })) as ZmqBackend;
        return backend;
      },
      { runsElsewhere: true },
    );
    return { engine, requests: () => Number(backend?.report().requests) };
  };

  it("is sent and decoded in one request and named, not hashed, and its time is all in its steps", async () => {
    const remote = await worker(newIpc(), "--resize", "graph");
    await remote.ready;
    const { engine, requests } = await open(remote.endpoint);
    await engine.ground({ colour: large(blue) }, ["the red cup"]);
    const before = requests();
    const colour = large(grey);
    const start = performance.now();
    const [answer] = await engine.ground({ colour }, ["the red cup"]);
    const took = performance.now() - start;
    expect(requests() - before).toBe(1);
    expect(answer?.found).toBe(true);
    const { steps = {}, timings } = answer as NonNullable<typeof answer>;
    expect(Object.keys(steps).sort()).toEqual([
      ...["compare", "decoder", "encoder", "hand_over", "heatmap", "wait"],
    ]);
    const named = Object.values(steps).reduce((sum, ms) => sum + ms, 0) + (timings.instances ?? 0);
    expect(named).toBeGreaterThan(0.95 * took);
    expect(named).toBeLessThan(took + 1);
    await engine.ground({ colour }, ["the red cup"]);
    expect(requests() - before).toBe(1);
    await engine.ground({ colour }, ["the blue cup"]);
    expect(requests() - before).toBe(3);
    await engine.close();
  }, 60_000);

  it("is sent as it is now to a worker that has forgotten it, though its first memory holds another", async () => {
    const bind = newIpc();
    const first = await worker(bind, "--resize", "graph");
    await first.ready;
    const { engine } = await open(bind);
    const memory = large(grey);
    const [wanted] = await engine.ground({ colour: memory }, ["the red cup"]);
    const copy = { ...memory, data: memory.data.slice() };
    memory.data.set(large(grey, blue).data);
    first.signal("SIGKILL");
    await until(() => !first.running, 5000, "killed");
    await worker(bind, "--resize", "graph");
    const [blueThere] = await engine.ground({ colour: copy }, ["the blue cup"]);
    expect(blueThere?.found).toBe(false);
    const [other] = await engine.ground({ colour: memory }, ["the blue cup"]);
    expect(other?.detections[0]?.box).toEqual(wanted?.detections[0]?.box);
    await engine.close();
  }, 60_000);

  it("is nothing to another client that names its own image alike", async () => {
    const remote = await worker(newIpc(), "--resize", "graph");
    await remote.ready;
    const one = await open(remote.endpoint);
    const two = await open(remote.endpoint);
    const [a, b] = await Promise.all([
      one.engine.ground({ colour: large(grey) }, ["red"]),
      two.engine.ground({ colour: large(grey) }, ["red"]),
    ]);
    expect(b[0]?.heatmap.data).toEqual(a[0]?.heatmap.data);
    await Promise.all([one.engine.close(), two.engine.close()]);
    // Each client's name is its own: the worker keeps both.
    expect(await remote.stop()).toMatchObject({ failed: 0, kept_pictures: 2 });
  }, 60_000);
});

describe("work that is not wanted", () => {
  it("is given up with the signal, and not run by the worker", async () => {
    const only = await worker();
    const backend = await client([only], { window: 8 });
    await only.ready;
    only.signal("SIGSTOP");
    const stale = new AbortController();
    const requests = Array.from({ length: 4 }, () => locate(backend, fresh(), stale.signal));
    await new Promise((resolve) => setTimeout(resolve, 50));
    stale.abort();
    for (const request of requests)
      await expect(request).rejects.toMatchObject({ code: "INFERENCE_CANCELLED" });
    only.signal("SIGCONT");
    await locate(backend);
    expect(backend.report().cancelled).toBe(4);
  });

  it("is refused when too much waits", async () => {
    const only = await worker();
    const backend = await client([only], { maxQueue: 3, window: 1, heartbeat: 5000, timeout: 1000 });
    await only.ready;
    only.signal("SIGSTOP");
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => backend.encodeText(query)));
    const codes = outcomes.map((each) => (each.status === "rejected" ? each.reason.code : "answered"));
    expect(codes.filter((code) => code === "INFERENCE_BUSY")).toHaveLength(4);
    expect(backend.report().refused).toBe(4);
  });

  it("is turned away by a worker that is full, and comes again", async () => {
    const backend = await client([await worker(newIpc(), "--queue", "1")], { window: 8 });
    await Promise.all(Array.from({ length: 12 }, () => locate(backend)));
    expect(backend.report()).toMatchObject({ failed: 0, answered: 36 });
  });
});

describe("micro-batching", () => {
  it("runs images that wait together, each answered as it is alone", async () => {
    const batching = await worker(newIpc(), "--max-batch", "4", "--batch-wait", "50");
    const alone = await worker();
    const backend = await client([batching], { window: 8 });
    const single = await client([alone]);
    const images = Array.from({ length: 12 }, fresh);
    const together = await Promise.all(images.map((image) => locate(backend, image)));
    for (const [i, image] of images.entries()) {
      const { logits } = await locate(single, image);
      const own = together[i]?.logits?.data as Float32Array;
      expect(Math.max(...own.map((value, k) => Math.abs(value - Number(logits?.data[k]))))).toBeLessThan(
        1e-4,
      );
    }
    await backend.close();
    const { batches, batched } = await batching.stop();
    expect(Number(batched)).toBe(36);
    expect(Number(batches)).toBeLessThan(30);
  });
});

describe("a worker's metrics", () => {
  it("count what it did", async () => {
    const only = await worker(newIpc(), "--metrics", "0");
    const backend = await client([only]);
    await locate(backend);
    const url = only.metricsUrl;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const text = await (await fetch(url as string)).text();
    const lines = text.split("\n").filter((line) => line.startsWith("grasp_grounding_"));
    expect(lines).toContain("grasp_grounding_requests_answered_total 3");
    expect(lines).toContain("grasp_grounding_requests_failed_total 0");
    expect(lines).toContain("grasp_grounding_messages_malformed_total 0");
    expect(lines).toContain("grasp_grounding_kept_pictures 1");
    expect(lines).toContain('grasp_grounding_worker_state{state="ready"} 1');
    expect(lines).toContain('grasp_grounding_seconds_count{stage="model"} 3');
  });
});

it.each(["--image-threads", "--picture-threads"])(
  "a worker takes its threads for images by %s",
  async (option) => {
    expect((await worker(newIpc(), option, "3")).imageThreads).toBe(3);
  },
);

describe("what a bench started", () => {
  it("ends with it, workers, their children and folders, also at SIGTERM", async () => {
    const script = join(repository, "test", "support", "interrupted-bench.mjs");
    const bench = spawn(process.execPath, [script, tiny], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: bench.stdout }), "line")) as [string];
    const { pids, folder: made } = JSON.parse(line) as { pids: number[]; folder: string };
    expect(pids).toHaveLength(3);
    const alive = () => pids.filter((pid) => existsSync(`/proc/${pid}`) && !isZombie(pid));
    expect(alive()).toEqual(pids);
    bench.kill("SIGTERM");
    const [code] = (await once(bench, "exit")) as [number];
    expect(code).toBe(143);
    await until(() => alive().length === 0, 5000, "the end of what the bench started");
    expect(existsSync(made)).toBe(false);
  });
});
const isZombie = (pid: number): boolean => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");

describe("a worker that does not fit", () => {
  it("is not used when its weights are others, and named", async () => {
    const other = join(folder, "other");
    runPython("bench/reference/tiny_model.py", [other, "--background"]);
    const wrong = await WorkerProcess.start(newIpc(), ["--model", other]);
    workers.push(wrong);
    const error = await client([wrong]).catch((failure) => failure);
    expect(error.code).toBe("WORKERS_UNAVAILABLE");
    expect(error.message).toMatch(/serves .* this side wants/);

    const backend = await client([wrong, await worker()]);
    await locate(backend);
    const report = backend.report();
    expect(report.workers).toBe("1 of 2 ready");
    expect(report.worker_0).toContain("mismatch");
  });
});
