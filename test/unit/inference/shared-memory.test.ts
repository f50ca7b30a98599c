import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import * as zmq from "zeromq";
import { HifiCs } from "../../../src/grounding/index.js";
import { createBackend, type ModelFiles } from "../../../src/inference/index.js";
import { ZmqBackend } from "../../../src/inference/zmq/index.js";
import {
  decodeMessage,
  encodeMessage,
  type Kind,
  type Message,
  type SharedMemoryMeta,
} from "../../../src/inference/zmq/protocol.js";
import { SharedMemory } from "../../../src/inference/zmq/shared-memory.js";
import { digestOf } from "../../support/groundings.js";
import { grey, picture as image, red } from "../../support/images.js";
import { repository, runPython } from "../../support/python.js";
import { filesOf, WorkerProcess } from "../../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "shared-memory-"));
const tiny = join(folder, "object");
const lite = join(repository, "models", "lite");
const python = join(repository, ".cache", "venv-worker", "bin", "python");
const closing: { close(): unknown }[] = [];
let worker: WorkerProcess;
let files: ModelFiles;
const bind = `ipc://${join(folder, "worker")}`;
const inPython = ["--engine", "python-gpu", "--provider", "cpu"];

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [tiny]);
  files = await filesOf(tiny);
  expect(existsSync(python), "run `node scripts/test-environments.mjs` once").toBe(true);
  vi.stubEnv("GRASP_GROUNDING_PYTHON", python);
  worker = await WorkerProcess.start(bind, ["--model", tiny, ...inPython]);
  await worker.ready;
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((each) => each.close()));
});
afterAll(async () => {
  expect(await worker.stop()).toMatchObject({ failed: 0, restarts: 0 });
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A connection that says what it likes. */
class Raw {
  readonly #socket = new zmq.Dealer({ linger: 0, receiveTimeout: 15_000 });
  readonly #session = randomBytes(16).toString("hex");
  #id = 1;

  constructor(endpoint = bind) {
    this.#socket.connect(endpoint);
    closing.push(this.#socket);
  }

  async send(kind: Kind, meta: object, blobs: Uint8Array[] = []): Promise<void> {
    const all = { remaining_ms: 20_000, ...meta };
    await this.#socket.send(
      encodeMessage({ kind, id: this.#id++, session: this.#session, meta: all, blobs }),
    );
  }

  async receive(): Promise<Message> {
    return decodeMessage(await this.#socket.receive());
  }

  async ask(kind: Kind, meta: object, blobs: Uint8Array[] = []): Promise<Message> {
    await this.send(kind, meta, blobs);
    return this.receive();
  }

  /** The memory that the worker gives it. */
  async hello(shared = true): Promise<SharedMemoryMeta | undefined> {
    const { meta } = await this.ask("hello", { model: "x", ...(shared && { shared }) });
    return (meta as { shared?: SharedMemoryMeta }).shared;
  }
}

const [width, height] = [640, 360];
const pixels = { kind: "rgb", blob: 0, width, height };
const newKey = () => randomBytes(32).toString("hex");
/** A request to encode an image whose bytes lie in a slot. */
const encode = (slot: number, bytes: (number | null)[] = [width * height * 3]) => ({
  key: newKey(),
  own: true,
  picture: pixels,
  shared: { slot, bytes },
});
const codeOf = ({ kind, meta }: Message) =>
  kind === "error" ? `${(meta as { code: string }).code}: ${(meta as { detail: string }).detail}` : kind;

describe("memory that a worker shares", () => {
  it("gives the answers that come in messages, byte for byte", async () => {
    const endpoint = `ipc://${join(folder, "lite")}`;
    const each = await WorkerProcess.start(endpoint, ["--model", lite, ...inPython]);
    await each.ready;
    const images = [red, grey].map((shade, i) => image(1280, 720, shade, [[[40, 20, 180 + i, 160], grey]]));
    const answers = async (sharedMemory: boolean) => {
      const choice = { kind: "zmq", endpoints: [endpoint], resize: "graph", sharedMemory } as const;
      const engine = await HifiCs.open(lite, (model) => createBackend(model, choice), {
        runsElsewhere: true,
      });
      const all = [];
      for (const colour of images) all.push(...(await engine.ground({ colour }, ["the red cup", "a box"])));
      await engine.close();
      return all.map(digestOf);
    };
    const shared = await answers(true);
    const sent = await answers(false);
    expect(shared).toEqual(sent);
    // Two requests of two images; the second client has no memory.
    const { shared: requests, answered } = await each.stop();
    expect(requests).toBeGreaterThanOrEqual(2);
    expect(requests).toBeLessThan(Number(answered));
  });

  it("keeps requests apart: each of several at once, and after cancelled ones, has its own image's answer", async () => {
    const backend = await ZmqBackend.create(files, { endpoints: [bind], heartbeat: 300, resize: "graph" });
    closing.push(backend);
    const alone = await ZmqBackend.create(files, {
      ...{ endpoints: [bind], heartbeat: 300, resize: "graph", sharedMemory: false },
    });
    closing.push(alone);
    const texts: Record<string, object> = {};
    const query = {
      input_ids: { type: "int64", dims: [1, 3], data: BigInt64Array.from([1n, 4n, 3n]) },
      attention_mask: { type: "int64", dims: [1, 3], data: BigInt64Array.from([1n, 1n, 1n]) },
    } as const;
    Object.assign(texts, query, await backend.encodeText(query));
    const needed = files.decoderInputs.filter((name) => texts[name] !== undefined);
    const feeds = Object.fromEntries(needed.map((name) => [name, texts[name]])) as never;
    const scenes = Array.from({ length: 12 }, (_, i) =>
      image(1280, 720, [20 * i, 7, 9], [[[80 * i, 10, 80 * i + 200, 300], red]]),
    );
    const stopped = scenes.slice(0, 6).map((colour) => {
      const controller = new AbortController();
      const job = backend.locate(colour, feeds, { signal: controller.signal });
      setTimeout(() => controller.abort(), 1);
      return job.then(
        () => "answered",
        (error: { code: string }) => error.code,
      );
    });
    const located = await Promise.all(scenes.map((colour) => backend.locate(colour, feeds)));
    for (const end of await Promise.all(stopped)) expect(["answered", "INFERENCE_CANCELLED"]).toContain(end);
    for (const [i, colour] of scenes.entries())
      expect(located[i]?.logits?.data).toEqual((await alone.locate(colour, feeds)).logits?.data);
  });

  it("is for those who ask, on this machine", async () => {
    expect(await new Raw().hello(false)).toBeUndefined();
    const tcp = await WorkerProcess.start("tcp://127.0.0.1:*", ["--model", tiny, ...inPython]);
    await tcp.ready;
    expect(await new Raw(tcp.endpoint).hello()).toBeUndefined();
    await tcp.stop();
    expect(await new Raw().hello()).toMatchObject({ slots: 4 });
  });

  it("is refused to requests that name what they may not, and the worker goes on", async () => {
    const raw = new Raw();
    const shared = (await raw.hello()) as SharedMemoryMeta;
    const bytes = width * height * 3;
    const bad = async (meta: object, blobs = [new Uint8Array(0)]) =>
      codeOf(await raw.ask("encode", meta, blobs));
    expect(await bad(encode(shared.slots))).toBe("bad: there is no such memory");
    expect(await bad(encode(-1))).toMatch(/^bad: shared.slot/);
    expect(await bad({ ...encode(0), shared: { slot: 0, bytes: [-1] } })).toMatch(/^bad: shared.bytes.0/);
    expect(await bad({ ...encode(0), shared: 7 })).toMatch(/^bad: shared: expected an object/);
    expect(await bad(encode(0, [shared.bytes + 1]))).toMatch(/^bad: the frames do not fit/);
    expect(await bad(encode(0, [bytes, bytes]))).toMatch(/^bad: the frames do not fit/);
    expect(await bad(encode(0), [new Uint8Array(4)])).toMatch(/^bad: the frames do not fit/);
    // Too few bytes for the image that is described.
    expect(await bad(encode(0, [bytes - 3]))).toMatch(/^bad: .*bytes are not 640×360 pixels/);
    // Memory that was never written is zeros.
    expect(await bad(encode(0))).toBe("result");
    // Another client has no part in it.
    expect(
      codeOf(
        await (async () => {
          const other = new Raw();
          await other.hello(false);
          return other.ask("encode", encode(0), [new Uint8Array(0)]);
        })(),
      ),
    ).toBe("bad: there is no such memory");
    // The size is sealed: nobody can cut the memory off under the worker.
    const fd = openSync(`/proc/${shared.pid}/fd/${shared.fd}`, "r+");
    expect(() => writeSync(fd, new Uint8Array(1), 0, 1, shared.slots * shared.bytes + 16)).toThrow("EPERM");
    closeSync(fd);
  });

  it("serves one request of a slot at a time", async () => {
    const raw = new Raw();
    await raw.hello();
    await Promise.all([
      raw.send("encode", encode(2), [new Uint8Array(0)]),
      raw.send("encode", encode(2), [new Uint8Array(0)]),
    ]);
    const codes = [codeOf(await raw.receive()), codeOf(await raw.receive())];
    // The second one is refused at once where the first still runs.
    for (const code of codes) expect(["result", "bad: slot 2 is in use"]).toContain(code);
    expect(codes).toContain("result");
    expect(codeOf(await raw.ask("encode", encode(2), [new Uint8Array(0)]))).toBe("result");
  });

  it("is only the worker's own: the same numbers in another container may name another memory", async () => {
    const given = (await new Raw().hello()) as SharedMemoryMeta;
    const memory = SharedMemory.open(given);
    expect(memory).toBeDefined();
    memory?.close();
    expect(SharedMemory.open({ ...given, token: "00".repeat(16) })).toBeUndefined();
    expect(SharedMemory.open({ ...given, bytes: given.bytes - 1 })).toBeUndefined();
  });

  it("has room for sixteen clients; others are served in messages", async () => {
    const given = [];
    for (let i = 0; i < 20; i++) given.push(await new Raw().hello());
    expect(given.filter(Boolean).length).toBeLessThan(20);
    const raw = new Raw();
    expect(await raw.hello()).toBeUndefined();
    const { shared: _, ...meta } = encode(0);
    expect(codeOf(await raw.ask("encode", meta, [new Uint8Array(width * height * 3)]))).toBe("result");
  });

  it("is nothing but a worker's memory: no file is opened for writing by a worker's word", () => {
    const path = join(folder, "notes");
    writeFileSync(path, "mine");
    const fd = openSync(path, "r+");
    const meta = { pid: process.pid, fd, slots: 1, bytes: 4, token: "00".repeat(16) };
    expect(SharedMemory.open(meta)).toBeUndefined();
    expect(SharedMemory.open({ ...meta, fd: 9999 })).toBeUndefined();
    closeSync(fd);
    expect(readFileSync(path, "utf8")).toBe("mine");
  });
});
