import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import * as zmq from "zeromq";
import type { GraspGroundingError } from "../../../src/errors/index.js";
import type { ColourImage } from "../../../src/geometry/index.js";
import { type Grounding, HifiCs } from "../../../src/grounding/index.js";
import { createBackend, type ModelFiles, type Tensors } from "../../../src/inference/index.js";
import { keyFileText, newKeyPair, ZmqBackend, type ZmqOptions } from "../../../src/inference/zmq/index.js";
import {
  decodeMessage,
  encodeMessage,
  type Kind,
  type Payload,
  payloadKey,
  protocolVersion,
} from "../../../src/inference/zmq/protocol.js";
import { cli } from "../../support/cli.js";
import { digestOf } from "../../support/groundings.js";
import { blue, grey, picture as image, red } from "../../support/images.js";
import { repository, runPython } from "../../support/python.js";
import { filesOf, until, WorkerProcess } from "../../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "python-worker-"));
const tiny = join(folder, "object");
const lite = join(repository, "models", "lite");
const python = join(repository, ".cache", "venv-worker", "bin", "python");
const workers: WorkerProcess[] = [];
const closing: { close(): unknown }[] = [];
let files: ModelFiles;
let count = 0;

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [tiny]);
  files = await filesOf(tiny);
  expect(existsSync(python), "run `node scripts/test-environments.mjs` once").toBe(true);
  vi.stubEnv("GRASP_GROUNDING_PYTHON", python);
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((each) => each.close()));
  await Promise.all(workers.splice(0).map((each) => each.stop()));
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const inPython = ["--engine", "python-gpu", "--provider", "cpu"];
const newIpc = () => `ipc://${join(folder, `worker-${count++}`)}`;

async function worker(args: readonly string[], bind = newIpc()): Promise<WorkerProcess> {
  const started = await WorkerProcess.start(bind, args);
  workers.push(started);
  await started.ready;
  return started;
}

async function client(endpoint: string, options: Partial<ZmqOptions> = {}): Promise<ZmqBackend> {
  const given = { endpoints: [endpoint], heartbeat: 300, startTimeout: 20_000, ...options };
  const backend = await ZmqBackend.create(files, given);
  closing.push(backend);
  return backend;
}

/** Process id of the Python process behind a worker. */
const pidOf = (each: WorkerProcess) => Number(each.said("ready")?.pid);
const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}/stat`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");

const query: Tensors = {
  input_ids: { type: "int64", dims: [1, 3], data: BigInt64Array.from([1n, 4n, 3n]) },
  attention_mask: { type: "int64", dims: [1, 3], data: BigInt64Array.from([1n, 1n, 1n]) },
};
let shade = 0;
const fresh = (): ColourImage => {
  shade++;
  return image(64, 48, [shade % 256, Math.floor(shade / 256), 7], [[[10, 10, 30, 30], red]]);
};

async function locate(backend: ZmqBackend, colour = fresh()): Promise<Tensors> {
  const texts = await backend.encodeText(query);
  const features = await backend.encodeImage(colour);
  const feeds = files.decoderInputs.map((name) => [name, features[name] ?? texts[name] ?? query[name]]);
  return backend.decode(Object.fromEntries(feeds) as Tensors);
}

describe("a worker in Python", () => {
  it("gives the bytes of the worker in Node, from pixels and from a JPEG", async () => {
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
    const answers = async (args: readonly string[]) => {
      const each = await worker(["--model", lite, ...args]);
      const engine = await HifiCs.open(
        lite,
        (model) => createBackend(model, { kind: "zmq", endpoints: [each.endpoint] }),
        { runsElsewhere: true },
      );
      const all: Grounding[] = [];
      for (const colour of corpus)
        all.push(...(await engine.ground({ colour }, ["the red cup", "a blue box"])));
      await engine.close();
      return { runsOn: engine.runsOn, all: all.map(digestOf), report: await each.stop() };
    };
    const there = await answers(inPython);
    const here = await answers(["--resize", "graph"]);
    expect([there.runsOn, here.runsOn]).toEqual(["zmq/python/cpu", "zmq/in-process/cpu"]);
    expect(there.all).toEqual(here.all);
    expect(there.report).toMatchObject({ failed: 0, refused: 0, kept_pictures: 3, state: "draining" });
  });

  it("answers each message as the worker in Node does, the malformed and hostile ones too", async () => {
    const talks = [];
    for (const args of [inPython, ["--resize", "graph"]]) {
      const each = await worker(["--model", tiny, "--queue", "64", ...args]);
      const answers = await talk(each.endpoint);
      const { dropped, refused, failed, cancelled, expired, answered } = counters(await each.stop());
      talks.push({ answers, dropped, refused, failed, cancelled, expired, answered });
    }
    expect(talks[0]).toEqual(talks[1]);
    expect(talks[0]?.answers.length).toBeGreaterThan(20);
    expect(talks[0]?.dropped).toMatchObject({ dropped_magic: 1, dropped_version: 1, dropped_replayed: 2 });
  });

  it("serves several clients, and refuses more than its queue holds", async () => {
    const each = await worker(["--model", tiny, "--queue", "4", ...inPython]);
    const clients = await Promise.all([client(each.endpoint), client(each.endpoint), client(each.endpoint)]);
    const all = await Promise.all(clients.flatMap((one) => Array.from({ length: 20 }, () => locate(one))));
    expect(all.every(({ logits }) => logits !== undefined)).toBe(true);
    const mine = session();
    const socket = await dealer(each.endpoint, mine);
    // Short messages of large images: they reach the worker faster than it can answer, however busy the machine is.
    const size = { width: 4000, height: 3000, channels: 3, background: "#808080" } as const;
    const jpeg = await sharp({ create: size }).jpeg().toBuffer();
    const messages = Array.from({ length: 38 }, (_, i) => {
      // Behind its end, where no decoder looks: each is another image to the worker.
      const data = Buffer.concat([jpeg, Buffer.from([i])]);
      const key = payloadKey({ kind: "jpeg", data });
      return message("encode", i + 2, mine, { key, picture: { kind: "jpeg", blob: 0 } }, [data]);
    });
    for (const one of messages) await socket.send(one);
    const seen = new Map<string, number>();
    for (let i = 0; i < messages.length; i++) {
      const { kind, meta } = decodeMessage(await socket.receive());
      const word = kind === "error" ? String((meta as { code: string }).code) : kind;
      seen.set(word, (seen.get(word) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(["busy", "result"]);
    expect(seen.get("result")).toBeGreaterThanOrEqual(4);
    const report = await each.stop();
    expect(report.refused).toBeGreaterThanOrEqual(seen.get("busy") as number);
  });

  it("starts its process again when that is killed, and answers go on", async () => {
    const each = await worker(["--model", tiny, ...inPython]);
    const backend = await client(each.endpoint, { timeout: 30_000 });
    await locate(backend);
    const first = pidOf(each);
    const answers = Array.from({ length: 40 }, async (_, i) => {
      if (i === 20) process.kill(first, "SIGKILL");
      return locate(backend).catch((error: Error) => error);
    });
    const lost = (await Promise.all(answers)).filter((answer) => answer instanceof Error);
    // A request that meets a second loss fails with both reasons; none stays without an answer.
    for (const error of lost) expect((error as GraspGroundingError).code).toBe("WORKER_LOST");
    expect(lost.length).toBeLessThan(40);
    await until(() => backend.report().workers === "1 of 1 ready", 20_000, "the worker is back");
    expect((await locate(backend)).logits).toBeDefined();
    expect(isAlive(first)).toBe(false);
    expect(await each.stop()).toMatchObject({ restarts: 1, failed: 0 });
  });

  it("ends with the program that started it", async () => {
    const each = await worker(["--model", tiny, ...inPython]);
    const pid = pidOf(each);
    expect(isAlive(pid)).toBe(true);
    each.signal("SIGKILL");
    await until(() => !isAlive(pid), 10_000, "the Python process has ended");
  });

  it("admits only the keys on its list", async () => {
    const [own, robot, stranger] = [newKeyPair(), newKeyPair(), newKeyPair()];
    const [keyFile, list] = [join(folder, "own.key"), join(folder, "robots")];
    writeFileSync(keyFile, keyFileText(own));
    writeFileSync(list, `${robot.publicKey} the robot\n`);
    const args = ["--model", tiny, "--key", keyFile, "--allow", list, ...inPython];
    const each = await worker(args, "tcp://127.0.0.1:*");
    const security = (keys: typeof own) => ({ keys, serverKey: own.publicKey });
    const backend = await client(each.endpoint, { security: security(robot) });
    expect((await locate(backend)).logits).toBeDefined();
    await expect(
      client(each.endpoint, { security: security(stranger), startTimeout: 1500 }),
    ).rejects.toMatchObject({ code: "WORKERS_UNAVAILABLE" });
    await expect(client(each.endpoint, { startTimeout: 1500 })).rejects.toMatchObject({
      code: "WORKERS_UNAVAILABLE",
    });
    expect((await each.stop()).refused_keys).toBeGreaterThan(0);
  });

  it("says what is wrong before it starts", async () => {
    const said = (...args: string[]) =>
      cli(["worker", "--bind", newIpc(), "--engine", "python-gpu", ...args]);
    const batch = await said("--provider", "cpu", "--max-batch", "4");
    expect([batch.code, batch.stderr]).toEqual([2, expect.stringContaining("has no --max-batch")]);
    const other = await said("--provider", "webgpu");
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("not on webgpu")]);
    const nowhere = await cli(["worker", "--bind", `ipc://${folder}/no/such`, ...inPython, "--model", tiny]);
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining("cannot serve")]);
    if (existsSync("/dev/nvidiactl")) return;
    const none = await said();
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("no NVIDIA GPU or driver")]);
  });
});

const session = () => randomBytes(16).toString("hex");

function message(kind: Kind, id: number, of: string, meta: object, blobs: Uint8Array[] = []): Uint8Array[] {
  return encodeMessage({ kind, id, session: of, meta: { remaining_ms: 20_000, ...meta }, blobs });
}

/** A connection that has said hello. */
async function dealer(endpoint: string, of: string): Promise<zmq.Dealer> {
  const socket = new zmq.Dealer({ linger: 0, receiveTimeout: 15_000 });
  closing.push(socket);
  socket.connect(endpoint);
  await socket.send(message("hello", 1, of, { model: "x" }));
  expect(decodeMessage(await socket.receive()).kind).toBe("welcome");
  return socket;
}

/** What a worker answers to good, malformed and hostile messages, in their order. */
async function talk(endpoint: string): Promise<unknown[]> {
  const mine = session();
  const socket = await dealer(endpoint, mine);
  const { width, height } = files.input;
  const data = new Uint8Array(width * height * 3).map((_, i) => (i * 7) % 250);
  const rgb: Payload = { kind: "rgb", data };
  const pixels = { kind: "rgb", blob: 0 };
  const text = Object.entries(query).map(([name, { type, dims }]) => ({ name, type, dims }));
  const tokens = Object.values(query).map(({ data: ids }) => new Uint8Array(ids.buffer));
  const sentence = { name: "sentence", type: "float32", dims: [1, 3] };
  const vector = [new Uint8Array(Float32Array.from([1, -1, -1]).buffer)];
  const key = payloadKey(rgb);
  const other = "0".repeat(64);
  const huge = { name: "image", type: "float32", dims: [1, 3, 0x7fffffff, 0x7fffffff] };
  const sized: Payload = { kind: "rgb", data, width, height };
  const floats = { name: "image", type: "float32" as const, dims: [1, 3, height, width] };
  const tensor = {
    type: floats.type,
    dims: floats.dims,
    data: Float32Array.from(data, (value) => value / 255),
  };
  const tensors: Payload = { kind: "tensors", tensors: { image: tensor } };
  const requests: [Kind, object, Uint8Array[]][] = [
    ["text", { tensors: text }, tokens],
    ["encode", { key, picture: pixels }, [data]],
    ["encode", { key, picture: pixels }, [data]],
    ["decode", { frame: { key, names: ["level_0"] }, tensors: [sentence] }, vector],
    ["decode", { frame: { key: other, names: ["level_0"] }, tensors: [sentence] }, vector],
    ["encode", { key: other, picture: pixels }, [data]],
    ["encode", { key: payloadKey(sized), picture: { ...pixels, width, height } }, [data]],
    [
      "encode",
      { key: payloadKey(tensors), picture: { kind: "tensors", blob: 0, tensors: [floats] } },
      [new Uint8Array(tensor.data.buffer)],
    ],
    ["decode", { frame: { key: payloadKey(tensors), names: ["level_0"] }, tensors: [sentence] }, vector],
    ["encode", { key: other, picture: { kind: "rgb", blob: 0, width: 9, height: 9 } }, [data]],
    ["encode", { key: other, picture: { kind: "jpeg", blob: 0 } }, [Buffer.from("no jpeg")]],
    ["encode", { key: other, picture: { kind: "jpeg", blob: 5 } }, [data]],
    ["encode", { key: other, picture: { kind: "gif", blob: 0 } }, [data]],
    ["encode", { key: "short", picture: pixels }, [data]],
    ["encode", { picture: pixels }, [data]],
    ["encode", { key: other, picture: { kind: "tensors", blob: 0, tensors: [huge] } }, [data]],
    ["encode", { key: other, picture: { kind: "tensors", blob: 63, tensors: [huge] } }, []],
    ["text", { tensors: text }, []],
    ["text", { tensors: [text[0], text[0]] }, [tokens[0] as Uint8Array, tokens[0] as Uint8Array]],
    ["text", { tensors: [{ ...text[0], dims: [-1, 3] }] }, tokens],
    ["text", { tensors: [{ ...text[0], type: "float64" }] }, tokens],
    ["text", { tensors: text[0] }, tokens],
    ["text", { tensors: [] }, []],
    ["text", { tensors: text, remaining_ms: 0 }, tokens],
    ["decode", { frame: { key, names: [7] }, tensors: [] }, []],
    ["decode", { tensors: [sentence] }, vector],
    ["ping", {}, []],
  ];
  const answers: unknown[] = [];
  let id = 2;
  for (const [kind, meta, blobs] of requests) {
    await socket.send(message(kind, id++, mine, meta, blobs));
    const { kind: answered, meta: said, blobs: outputs } = decodeMessage(await socket.receive());
    const { code, tensors: shapes, kept, state } = said as Record<string, unknown>;
    answers.push([
      kind,
      answered,
      code,
      shapes,
      kept,
      state,
      outputs.map((bytes) => Buffer.from(bytes).toString("hex")),
    ]);
  }
  // No answers: messages that are none, of another version, or that were here before.
  const good = message("ping", id, mine, {});
  const changed = (at: number, value: number) => {
    const [header, ...rest] = good.map((frame) => Buffer.from(frame));
    header?.writeUInt8(value, at);
    return [header as Buffer, ...rest];
  };
  await socket.send(changed(0, 0));
  await socket.send(changed(4, protocolVersion + 1));
  await socket.send(changed(5, 99));
  await socket.send([Buffer.from("one frame")]);
  await socket.send([good[0] as Uint8Array, Buffer.from("{not json")]);
  await socket.send(message("ping", 2, mine, {}));
  await socket.send(message("welcome", ++id, mine, {}));
  const thief = new zmq.Dealer({ linger: 0, receiveTimeout: 15_000 });
  closing.push(thief);
  thief.connect(endpoint);
  await thief.send(message("ping", 1000, mine, {}));
  await thief.send(message("text", 1, session(), { tensors: text }, tokens));
  const stranger = decodeMessage(await thief.receive());
  answers.push([stranger.kind, (stranger.meta as { code: string }).code]);
  await socket.send(message("ping", 2000, mine, {}));
  answers.push(decodeMessage(await socket.receive()).kind);
  return answers;
}

function counters(report: Record<string, string | number>) {
  const dropped = Object.fromEntries(Object.entries(report).filter(([name]) => name.startsWith("dropped_")));
  return { dropped, ...report } as Record<string, unknown> & { dropped: object };
}
