import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as zmq from "zeromq";
import type { ModelFiles, Tensors } from "../../../src/inference/index.js";
import { newKeyPair, ZmqBackend, type ZmqOptions } from "../../../src/inference/zmq/index.js";
import { decodeMessage, encodeMessage, ProtocolError } from "../../../src/inference/zmq/protocol.js";
import { toZ85 } from "../../../src/inference/zmq/security.js";
import { cli } from "../../support/cli.js";
import { grey, picture } from "../../support/images.js";
import { runPython } from "../../support/python.js";
import { filesOf, until, WorkerProcess } from "../../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "zmq-hostile-"));
const tiny = join(folder, "object");
const workers: WorkerProcess[] = [];
const closing: { close(): unknown }[] = [];
let files: ModelFiles;
let count = 0;

async function worker(bind: string, ...args: string[]): Promise<WorkerProcess> {
  const started = await WorkerProcess.start(bind, ["--model", tiny, ...args]);
  workers.push(started);
  await started.ready;
  return started;
}

async function client(endpoint: string, options: Partial<ZmqOptions> = {}): Promise<ZmqBackend> {
  const backend = await ZmqBackend.create(files, {
    endpoints: [endpoint],
    heartbeat: 300,
    startTimeout: 10_000,
    ...options,
  });
  closing.push(backend);
  return backend;
}

const tokens: Tensors = {
  input_ids: { type: "int64", dims: [1, 3], data: BigInt64Array.from([1n, 2n, 3n]) },
  attention_mask: { type: "int64", dims: [1, 3], data: BigInt64Array.from([1n, 1n, 1n]) },
};
const ask = (backend: ZmqBackend) => backend.encodeText(tokens);

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [tiny]);
  files = await filesOf(tiny);
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((each) => each.close()));
  await Promise.all(workers.splice(0).map((each) => each.stop()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A connection to a worker that says what it likes. */
function attacker(endpoint: string): zmq.Dealer {
  const socket = new zmq.Dealer({ linger: 0 });
  socket.connect(endpoint);
  closing.push(socket);
  return socket;
}

const session = () => randomBytes(16).toString("hex");
const zeros = "0".repeat(64);

describe("garbage on a worker's socket", () => {
  it("is dropped and counted, and the worker goes on", async () => {
    const target = await worker("tcp://127.0.0.1:*");
    const socket = attacker(target.endpoint);
    const mine = session();
    const hello = encodeMessage({ kind: "hello", id: 1, session: mine, meta: { model: "x" }, blobs: [] });
    await socket.send(hello);

    // Frames of noise, and good messages with a byte changed.
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 }),
        async (frames) => {
          await socket.send(frames.map((frame) => Buffer.from(frame)));
        },
      ),
      { numRuns: 300 },
    );
    const request = { remaining_ms: 1000, key: zeros, picture: { kind: "jpeg", blob: 0 } };
    let id = 10;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(255), async (at, value) => {
        const [header, meta, blob] = encodeMessage({
          kind: "encode",
          id: id++,
          session: mine,
          meta: request,
          blobs: [randomBytes(50)],
        }) as [Buffer, Buffer, Buffer];
        const whole = at % 2 === 0 ? header : meta;
        whole[at % whole.length] = value;
        await socket.send([header, meta, blob]);
      }),
      { numRuns: 300 },
    );
    // Well-formed messages that lie: sizes no frame has, names twice, images that are none, frames that are not there.
    const huge = { name: "image", type: "float32", dims: [1, 3, 0x7fffffff, 0x7fffffff] };
    const lies: ["encode" | "text" | "decode", object, Uint8Array[]][] = [
      ["encode", { key: zeros, picture: { kind: "tensors", blob: 0, tensors: [huge] } }, [randomBytes(8)]],
      ["encode", { key: zeros, picture: { kind: "tensors", blob: 63, tensors: [huge] } }, []],
      ["encode", { key: zeros, picture: { kind: "jpeg", blob: 0 } }, [randomBytes(5000)]],
      ["encode", { key: zeros, picture: { kind: "rgb", blob: 0 } }, [randomBytes(10)]],
      ["text", { tensors: [{ name: "input_ids", type: "int64", dims: [268435456] }] }, [randomBytes(8)]],
      ["text", { tensors: [huge, huge] }, [randomBytes(4), randomBytes(4)]],
      ["decode", { tensors: [], frame: { key: zeros, names: ["level_0"] } }, []],
      ["text", { tensors: Array.from({ length: 100 }, () => huge) }, []],
      ["text", { tensors: [{ name: "__proto__", type: "uint8", dims: [1] }] }, [randomBytes(1)]],
    ];
    for (const [kind, meta, blobs] of lies)
      await socket.send(
        encodeMessage({ kind, id: id++, session: mine, meta: { remaining_ms: 1000, ...meta }, blobs }),
      );
    const other = encodeMessage({ kind: "ping", id: id++, session: mine, meta: {}, blobs: [] });
    (other[0] as Buffer).writeUInt8(9, 4);
    await socket.send(other);

    const backend = await client(target.endpoint);
    expect(Object.keys(await ask(backend)).length).toBeGreaterThan(0);
    const report = await target.stop();
    expect(report.dropped_version).toBeGreaterThanOrEqual(1);
    const dropped = Object.entries(report).filter(([name]) => name.startsWith("dropped_"));
    expect(dropped.reduce((sum, [, n]) => sum + Number(n), 0)).toBeGreaterThan(300);
    expect(report).toMatchObject({ answered: 1, kept_pictures: 0 });
  });

  it("ends connections that are not ZeroMQ's, or announce a frame of 2 GB, and allocates nothing for it", async () => {
    const target = await worker("tcp://127.0.0.1:*");
    const port = Number(target.endpoint.split(":").pop());
    const raw = (bytes: Buffer[]) =>
      new Promise<void>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => {
          for (const each of bytes) socket.write(each);
        });
        socket.on("error", () => resolve());
        socket.on("close", () => resolve());
        setTimeout(() => socket.destroy(), 500);
      });
    // ZMTP 3.1: greeting of a NULL client, its READY, then a long frame of 2^31 bytes.
    const greeting = Buffer.alloc(64);
    Buffer.from("ff00000000000000017f0301", "hex").copy(greeting);
    greeting.write("NULL", 12);
    const ready = Buffer.concat([
      Buffer.from([0x04, 0x00]),
      Buffer.from([5]),
      Buffer.from("READY"),
      Buffer.from([11]),
      Buffer.from("Socket-Type"),
      Buffer.from([0, 0, 0, 6]),
      Buffer.from("DEALER"),
    ]);
    ready[1] = ready.length - 2;
    const long = Buffer.alloc(9);
    long[0] = 0x02;
    long.writeBigUInt64BE(2n ** 31n, 1);
    const before = memoryOf(target.pid);
    await Promise.all([
      raw([Buffer.from("GET / HTTP/1.1\r\n\r\n")]),
      raw([randomBytes(4096)]),
      ...Array.from({ length: 8 }, () => raw([greeting, ready, long, randomBytes(1 << 16)])),
    ]);
    expect(memoryOf(target.pid) - before).toBeLessThan(100e6);
    await ask(await client(target.endpoint));
    expect((await target.stop()).answered).toBe(1);
  });

  it("answers a message once, also when it is sent again on this or another connection", async () => {
    const target = await worker("tcp://127.0.0.1:*");
    const mine = session();
    const meta = {
      remaining_ms: 5000,
      tensors: [
        { name: "input_ids", type: "int64", dims: [1, 3] },
        { name: "attention_mask", type: "int64", dims: [1, 3] },
      ],
    };
    const blobs = [new Uint8Array(24), new Uint8Array(24)];
    const hello = encodeMessage({ kind: "hello", id: 1, session: mine, meta: { model: "x" }, blobs: [] });
    const request = encodeMessage({ kind: "text", id: 2, session: mine, meta, blobs });
    const first = attacker(target.endpoint);
    await first.send(hello);
    await first.send(request);
    const kinds = [decodeMessage(await first.receive()).kind, decodeMessage(await first.receive()).kind];
    expect(kinds).toEqual(["welcome", "result"]);
    for (let i = 0; i < 5; i++) await first.send(request);
    const second = attacker(target.endpoint);
    await second.send(hello);
    await second.send(request);
    // What comes next on the line answers a new message: the replayed ones were not answered.
    await first.send(encodeMessage({ kind: "ping", id: 3, session: mine, meta: {}, blobs: [] }));
    expect(decodeMessage(await first.receive())).toMatchObject({ kind: "pong", id: 3 });
    await ask(await client(target.endpoint));
    const report = await target.stop();
    expect(report).toMatchObject({ dropped_replayed: 7, answered: 2 });
  });
});

describe("garbage from a worker", () => {
  it("is dropped and counted by the client: noise, other versions, answers to nothing and answers twice", async () => {
    const socket = new zmq.Router({ linger: 0 });
    await socket.bind("tcp://127.0.0.1:*");
    closing.push(socket);
    let answers = 0;
    void (async () => {
      for await (const [identity, ...frames] of socket) {
        const message = decodeMessage(frames);
        const reply = (
          kind: "welcome" | "pong" | "result",
          meta: object,
          blobs: Uint8Array[] = [],
          id = message.id,
        ) =>
          socket.send([
            identity as Buffer,
            ...encodeMessage({ kind, id, session: message.session, meta, blobs }),
          ]);
        if (message.kind === "hello")
          await reply("welcome", {
            state: "ready",
            queued: 0,
            model: "x",
            hashes: files.hashes,
            description: "odd",
          });
        else if (message.kind === "ping") await reply("pong", { state: "ready", queued: 0 });
        else {
          answers++;
          const result = {
            queued: 0,
            waited_ms: 0,
            ran_ms: 0,
            tensors: [{ name: "sentence", type: "float32", dims: [1, 2] }],
          };
          await socket.send([identity as Buffer, randomBytes(32), randomBytes(9)]);
          await socket.send([identity as Buffer, randomBytes(7)]);
          await reply("result", result, [new Uint8Array(8)], message.id + 1000);
          // The second request's tensors are not the size they say.
          await reply("result", result, [new Uint8Array(answers === 2 ? 4 : 8)]);
          await reply("result", result, [new Uint8Array(8)]);
        }
      }
    })().catch(() => undefined);
    const backend = await client(socket.lastEndpoint as string);
    expect((await ask(backend)).sentence?.dims).toEqual([1, 2]);
    await expect(ask(backend)).rejects.toMatchObject({ code: "INFERENCE_FAILED" });
    expect((await ask(backend)).sentence?.dims).toEqual([1, 2]);
    await until(() => Number(backend.report().dropped_late) >= 5, 2000, "late answers counted");
    expect(Number(backend.report().dropped_frames) + Number(backend.report().dropped_magic)).toBe(6);
    expect(backend.report().answered).toBe(3);
  });

  it("of another protocol version is named", async () => {
    const socket = new zmq.Router({ linger: 0 });
    await socket.bind("tcp://127.0.0.1:*");
    closing.push(socket);
    void (async () => {
      for await (const [identity, header, ...rest] of socket) {
        (header as Buffer).writeUInt8(7, 4);
        await socket.send([identity as Buffer, header as Buffer, ...rest]);
      }
    })().catch(() => undefined);
    await expect(client(socket.lastEndpoint as string)).rejects.toThrow(/protocol 7, this side speaks 1/);
  });

  it("never makes the reader of messages throw anything but its own error", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 5 }), (frames) => {
        try {
          decodeMessage(frames.map((frame) => Buffer.from(frame)));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});

describe("keys", () => {
  const keyFile = async (name: string) => {
    const path = join(folder, `${name}-${count++}`);
    const { code, stdout } = await cli(["worker", "--new-key", path]);
    expect(code).toBe(0);
    expect(stdout).toContain("public key");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    return path;
  };

  it("let in who is on the list, and answer as without; others are turned away and counted", async () => {
    const server = await keyFile("server");
    const robot = await keyFile("robot");
    const stranger = await keyFile("stranger");
    const allow = join(folder, "allow");
    const lines = [publicKey(robot), newKeyPair().publicKey];
    writeFileSync(allow, `# robots\n${lines[0]} robot one\n${lines[1]}\n`);
    const target = await worker("tcp://127.0.0.1:*", "--key", server, "--allow", allow);
    const image = join(folder, "scene.png");
    const { width, height, data } = picture(64, 48, grey, []);
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(image);
    const ground = (key: string, serverKey: string, ...more: string[]) =>
      cli([
        "ground",
        "--image",
        image,
        "--query",
        "red",
        "--model",
        tiny,
        "--json",
        "--backend",
        "zmq",
        "--endpoint",
        target.endpoint,
        "--key",
        key,
        "--server-key",
        serverKey,
        ...more,
      ]);
    const good = await ground(robot, `${server}.pub`);
    expect(good.stderr).toBe("");
    expect(JSON.parse(good.stdout).backend).toBe("zmq/in-process/cpu");

    const short = ["--start-timeout", "2"];
    const unknown = await ground(stranger, `${server}.pub`, ...short);
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toMatch(/no inference worker is ready/);
    const wrongServer = await ground(robot, `${stranger}.pub`, ...short);
    expect(wrongServer.code).toBe(1);
    await expect(client(target.endpoint, { startTimeout: 1500 })).rejects.toMatchObject({
      code: "WORKERS_UNAVAILABLE",
    });
    const report = await target.stop();
    expect(Number(report.refused_keys)).toBeGreaterThan(0);
    // The query, then the image with it.
    expect(report.answered).toBe(2);
  });

  it("are needed on both sides for an endpoint that leaves this machine, unless told otherwise by name", async () => {
    const bind = ["worker", "--model", tiny, "--bind", "tcp://0.0.0.0:0"];
    const refused = await cli(bind);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--insecure-plain-tcp");
    const half = await cli([...bind, "--key", "somewhere"]);
    expect(half).toMatchObject({ code: 2 });
    await expect(client("tcp://192.0.2.1:5601")).rejects.toMatchObject({ code: "ENDPOINT_INSECURE" });
    await expect(
      client("tcp://192.0.2.1:5601", { insecurePlainTcp: true, startTimeout: 200 }),
    ).rejects.toMatchObject({
      code: "WORKERS_UNAVAILABLE",
    });
    for (const endpoint of ["udp://127.0.0.1:1", "tcp://127.0.0.1", "127.0.0.1:5601"])
      await expect(client(endpoint)).rejects.toMatchObject({ code: "ENDPOINT_INVALID" });
  });

  it("never replace a key that is there", async () => {
    const path = await keyFile("once");
    expect(await cli(["worker", "--new-key", path])).toMatchObject({ code: 1 });
  });

  it("are written as ZeroMQ writes them", () => {
    // The test vector of ZeroMQ's RFC 32.
    expect(toZ85(Buffer.from("864fd26fb559f75b", "hex"))).toBe("HelloWorld");
  });
});

const publicKey = (path: string): string => readFileSync(`${path}.pub`, "utf8").trim();

/** Resident bytes of a process. */
function memoryOf(pid: number): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kb) * 1024;
}
