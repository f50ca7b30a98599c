import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromJSON, type ServiceDefinition } from "@grpc/proto-loader";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  freePort,
  type RunningServer,
  serverOf,
  serversPython,
  startMlserver,
} from "../../../bench/mlserver.js";
import { HifiCs } from "../../../src/grounding/index.js";
import {
  type BackendChoice,
  createBackend,
  type ModelFiles,
  type Tensors,
} from "../../../src/inference/index.js";
import { grpcSchema } from "../../../src/inference/oip/grpc-schema.js";
import { OipBackend, readResponse, writeRequest } from "../../../src/inference/oip/index.js";
import { timed } from "../../support/busy.js";
import { cli } from "../../support/cli.js";
import { digestOf } from "../../support/groundings.js";
import { blue, grey, picture as image, red } from "../../support/images.js";
import { repository, runPython } from "../../support/python.js";
import { filesOf } from "../../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "oip-"));
const tiny = join(folder, "tiny");
const lite = join(repository, "models", "lite");
let files: ModelFiles;
let mlserver: RunningServer;

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [tiny]);
  files = await filesOf(tiny);
  mlserver = await startMlserver(lite, join(folder, "mlserver"));
});
afterAll(async () => {
  await mlserver.stop();
  rmSync(folder, { recursive: true, force: true });
});

const queries = ["the red cup", "the blue box on the left"];
const corpus = [
  image(640, 360, grey, [
    [[40, 20, 180, 160], red],
    [[340, 140, 480, 280], blue],
  ]),
  image(512, 384, blue, []),
];

async function answers(choice: BackendChoice) {
  const engine = await HifiCs.open(lite, (model) => createBackend(model, choice), {
    runsElsewhere: choice.kind !== "in-process",
  });
  const all = [];
  for (const colour of corpus) all.push(...(await engine.ground({ colour }, queries)));
  const { runsOn, backendReport } = engine;
  await engine.close();
  return { runsOn, backendReport, all: all.map(digestOf) };
}

describe("MLServer with a runtime that calls ONNX Runtime", () => {
  it("answers the golden corpus as this process does", async () => {
    const there = await answers({
      kind: "oip",
      endpoints: [mlserver.url],
      startTimeout: 60_000,
      timeout: 60_000,
    });
    const here = await answers({ kind: "in-process", threads: 1 });
    expect(there.runsOn).toBe("oip/json");
    expect(there.all).toEqual(here.all);
    expect(there.backendReport).toMatchObject({ failed: 0, weights: "not told by the server" });
  });

  it("answers the same over gRPC, tensors as bytes", async () => {
    const endpoints = [mlserver.grpcUrl as string];
    const there = await answers({ kind: "oip", endpoints, startTimeout: 60_000, timeout: 60_000 });
    const here = await answers({ kind: "in-process", threads: 1 });
    expect(there.runsOn).toBe("oip/grpc");
    expect(there.all).toEqual(here.all);
    expect(there.backendReport).toMatchObject({ failed: 0, weights: "not told by the server" });
  });

  it("keeps to the deadline and the signal over gRPC, and is named when it fails or is not there", async () => {
    const endpoints = [mlserver.grpcUrl as string];
    const options = { endpoints, startTimeout: 60_000 };
    const lites = await filesOf(lite);
    const image = (width: number): Tensors => ({
      image: { type: "float32", dims: [1, 3, 384, width], data: new Float32Array(3 * 384 * width) },
    });
    const hasty = await OipBackend.create(lites, { ...options, timeout: 2000 });
    const signal = AbortSignal.timeout(20);
    await expect(hasty.encodeFrame(image(512), { signal })).rejects.toMatchObject({
      code: "INFERENCE_CANCELLED",
    });
    // The model's part says no; that is no reason to ask again.
    await expect(hasty.encodeFrame(image(100))).rejects.toMatchObject({ code: "INFERENCE_FAILED" });
    expect(hasty.report()).toMatchObject({ cancelled: 1, failed: 1, retried: 0 });
    await hasty.close();
    const wanted = { endpoints, startTimeout: 100 };
    await expect(OipBackend.create(files, wanted)).rejects.toThrow(/does not serve tiny-encoder/);
    const nobody = { endpoints: ["grpc://127.0.0.1:9"], startTimeout: 300, timeout: 500 };
    await expect(OipBackend.create(files, nobody)).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
    for (const endpoint of ["grpc://", "grpc://host", "grcp://host:1"])
      await expect(OipBackend.create(files, { endpoints: [endpoint] })).rejects.toMatchObject({
        code: "ENDPOINT_INVALID",
      });
  });

  it("is named when it does not serve the model", async () => {
    const wanted = { endpoints: [mlserver.url], startTimeout: 100 };
    await expect(OipBackend.create(files, wanted)).rejects.toThrow(/does not serve tiny-encoder/);
    const other = { ...files, outputs: { ...files.outputs, encoder: ["level_9"] } };
    await expect(OipBackend.create(other, { ...wanted, serverModel: "lite" })).resolves.toBeDefined();
  });
});

// KServe's own server takes the binary extension. It is large: the tests run with it where it is installed.
const kserve = process.env.GRASP_GROUNDING_KSERVE_PYTHON;
describe.skipIf(kserve === undefined)("KServe with the binary tensor extension", () => {
  it("answers the golden corpus as this process does", async () => {
    const port = await freePort();
    const script = join(repository, "test", "servers", "kserve_parts.py");
    const child = spawn(kserve as string, [script, String(port), lite], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const server = serverOf(child, `http://127.0.0.1:${port}`);
    try {
      const choice = {
        kind: "oip",
        endpoints: [server.url],
        format: "binary",
        startTimeout: 60_000,
      } as const;
      const there = await answers(choice);
      expect(there.runsOn).toBe("oip/binary");
      expect(there.all).toEqual((await answers({ kind: "in-process", threads: 1 })).all);
    } finally {
      await server.stop();
    }
  });
});

/** One answer of NVIDIA's client library. */
function nvidia<T>(asked: object): T {
  const script = join(repository, "test", "servers", "triton_wire.py");
  const { status, stdout, stderr } = spawnSync(serversPython(), [script], {
    input: `${JSON.stringify(asked)}\n`,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}

const tensors: Tensors = {
  image: { type: "float32", dims: [1, 2, 2], data: Float32Array.from([0.1, -1e30, 3, Number.NaN]) },
  ids: { type: "int64", dims: [1, 3], data: BigInt64Array.from([1n, -(2n ** 60n), 3n]) },
  bytes: { type: "uint8", dims: [2, 0, 1], data: new Uint8Array(0) },
};
const datatypes = { float32: "FP32", int64: "INT64", uint8: "UINT8" } as const;
const base64 = ({ data }: Tensors[string]) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");

describe("the binary tensor extension, beside NVIDIA's client", () => {
  it("is written with the same tensors in the same bytes", () => {
    const inputs = Object.entries(tensors).map(([name, tensor]) => ({
      name,
      shape: tensor.dims,
      datatype: datatypes[tensor.type],
      data: base64(tensor),
    }));
    const theirs = nvidia<{ body: string; length: number }>({ request: { inputs, outputs: ["logits"] } });
    const ours = writeRequest(tensors, ["logits"], true);
    const parse = (body: Uint8Array, length: number) => ({
      header: JSON.parse(Buffer.from(body.subarray(0, length)).toString()),
      rest: Buffer.from(body.subarray(length)).toString("hex"),
    });
    const a = parse(ours.body, Number(ours.headers["inference-header-content-length"]));
    const b = parse(Buffer.from(theirs.body, "base64"), theirs.length);
    expect(a.header.inputs).toEqual(b.header.inputs);
    expect(a.header.outputs).toEqual(b.header.outputs);
    expect(a.rest).toBe(b.rest);
  });

  it("is read as it reads it, and damage is refused", () => {
    // An answer has the form of a request, with outputs.
    const { body, headers } = writeRequest(tensors, [], true);
    const length = Number(headers["inference-header-content-length"]);
    const header = JSON.parse(Buffer.from(body.subarray(0, length)).toString());
    const text = Buffer.from(JSON.stringify({ model_name: "m", model_version: "1", outputs: header.inputs }));
    const answer = Buffer.concat([text, body.subarray(length)]);
    const theirs = nvidia<{ name: string; data: string }[]>({
      response: { body: answer.toString("base64"), length: text.length },
    });
    const ours = readResponse(answer, text.length);
    for (const { name, data } of theirs) expect(base64(ours[name] as Tensors[string])).toBe(data);
    for (const [bytes, size] of [
      [answer.subarray(0, answer.length - 1), text.length],
      [answer, answer.length + 1],
      [answer, -1],
      [answer, text.length - 1],
      [Buffer.from("{}"), undefined],
    ] as const)
      expect(() => readResponse(bytes, size)).toThrow();
  });
});

describe("models export --triton", () => {
  it("writes a repository that Triton's own schema reads, with an ensemble that fits together", async () => {
    const repo = join(folder, "repository");
    const done = await cli(["models", "export", lite, "--triton", repo, "--max-batch", "4", "--tensorrt"]);
    expect(done.code).toBe(0);
    expect(readdirSync(repo).sort()).toEqual(["lite-decoder", "lite-encoder", "lite-locate", "lite-text"]);
    interface Config {
      readonly name: string;
      readonly max_batch_size: number;
      readonly inputs: readonly [string, string, number[]][];
      readonly outputs: readonly [string, string, number[]][];
      readonly instances: readonly [number, string][];
      readonly batching: boolean;
      readonly steps: readonly [string, Record<string, string>, Record<string, string>][];
      readonly sha256: string | null;
    }
    const read = (name: string) =>
      nvidia<Config>({ config: readFileSync(join(repo, name, "config.pbtxt"), "utf8") });
    const encoder = read("lite-encoder");
    expect(encoder).toMatchObject({ max_batch_size: 4, batching: true, instances: [[1, "KIND_GPU"]] });
    expect(encoder.inputs).toEqual([["image", "TYPE_FP32", [3, 384, 512]]]);
    const manifest = JSON.parse(readFileSync(join(lite, "manifest.json"), "utf8"));
    expect(encoder.sha256).toBe(manifest.encoder.sha256);
    const decoder = read("lite-decoder");
    expect(decoder).toMatchObject({ max_batch_size: 0, batching: false });
    // As Triton tells it over gRPC, by NVIDIA's own messages.
    const text = readFileSync(join(repo, "lite-encoder", "config.pbtxt"), "utf8");
    const message = Buffer.from(nvidia<string>({ config_message: text }), "base64");
    const { ModelConfig } = fromJSON(grpcSchema)["inference.GRPCInferenceService"] as ServiceDefinition;
    expect(ModelConfig?.responseDeserialize(message)).toMatchObject({
      config: { parameters: { sha256: { string_value: manifest.encoder.sha256 } } },
    });
    const locate = read("lite-locate");
    expect(locate.inputs.map(([name]) => name)).toEqual(["image", "tokens", "attention_mask"]);
    expect(locate.outputs).toEqual(decoder.outputs);
    const models = { "lite-encoder": encoder, "lite-decoder": decoder } as Record<string, Config>;
    const known = new Set(locate.inputs.map(([name]) => name));
    for (const [name, inputs, outputs] of locate.steps) {
      expect(Object.keys(inputs).sort()).toEqual(models[name]?.inputs.map(([input]) => input).sort());
      for (const source of Object.values(inputs)) expect(known).toContain(source);
      const made = models[name]?.outputs.map(([output]) => output);
      for (const [output, as] of Object.entries(outputs)) {
        expect(made).toContain(output);
        known.add(as);
      }
    }
    for (const [output] of locate.outputs) expect(known).toContain(output);
    for (const part of ["encoder", "text", "decoder"])
      expect(existsSync(join(repo, `lite-${part}`, "1", "model.onnx"))).toBe(true);
    expect(await cli(["models", "export", lite, "--triton", repo])).toMatchObject({ code: 1 });
  });
});

/** A server that has what Triton has and MLServer has not: the ensemble, and hashes in its configuration. */
async function standIn(options: { sha256?: string; fail?: number; silent?: boolean }) {
  const served = (name: string) => name.startsWith("tiny-");
  const seen: string[] = [];
  let failures = options.fail ?? 0;
  const real = await createBackend(files, { kind: "in-process", threads: 1 });
  const server: Server = createServer(async (request, response) => {
    const path = request.url ?? "";
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const send = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const [, , , name = "", what = ""] = path.split("/");
    if (path === "/v2/health/ready") return send(200, {});
    if (path === "/v2") return send(200, { name: "triton", extensions: ["binary_tensor_data"] });
    if (!served(name)) return send(404, {});
    if (what === "ready") return send(200, {});
    if (what === "") return send(200, { inputs: [], outputs: [] });
    if (what === "config")
      return send(200, options.sha256 ? { parameters: { sha256: { string_value: options.sha256 } } } : {});
    seen.push(name);
    if (options.silent) return undefined;
    if (failures-- > 0) return send(503, { error: "overloaded" });
    const length = Number(request.headers["inference-header-content-length"]);
    const body = Buffer.concat(chunks);
    const header = JSON.parse(body.subarray(0, length).toString());
    const asOutputs = Buffer.from(JSON.stringify({ outputs: header.inputs }));
    const feeds = readResponse(Buffer.concat([asOutputs, body.subarray(length)]), asOutputs.length);
    const run = async () => {
      if (name === "tiny-encoder") return real.encodeFrame(feeds);
      if (name === "tiny-text") return real.encodeText(feeds);
      return real.decode(name === "tiny-locate" ? { ...feeds, ...(await real.encodeFrame(feeds)) } : feeds);
    };
    const answer = writeRequest(await run(), [], true);
    const answered = Number(answer.headers["inference-header-content-length"]);
    const { inputs } = JSON.parse(Buffer.from(answer.body.subarray(0, answered)).toString());
    const text = Buffer.from(JSON.stringify({ outputs: inputs }));
    response
      .writeHead(200, { "inference-header-content-length": String(text.length) })
      .end(Buffer.concat([text, answer.body.subarray(answered)]));
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await real.close();
  };
  return { url: `http://127.0.0.1:${port}`, seen, close };
}

describe("a server with the ensemble", () => {
  const ground = async (endpoints: readonly string[], timeout = 10_000) => {
    const engine = await HifiCs.open(
      tiny,
      (model) => OipBackend.create(model, { endpoints, timeout, startTimeout: 200 }),
      {
        runsElsewhere: true,
      },
    );
    try {
      const [first] = await engine.ground({ colour: corpus[0] as (typeof corpus)[number] }, ["the red cup"]);
      return { found: first?.found, runsOn: engine.runsOn, report: engine.backendReport };
    } finally {
      await engine.close();
    }
  };

  it("is sent the image with the question: features do not travel", async () => {
    const server = await standIn({});
    expect(await ground([server.url])).toMatchObject({ found: true, runsOn: "oip/binary/locate" });
    expect(server.seen).toEqual(["tiny-text", "tiny-locate"]);
    await server.close();
  });

  it("is asked again once when it is overloaded, and another one when there is one", async () => {
    const [tired, fit] = [await standIn({ fail: 1 }), await standIn({})];
    expect((await ground([tired.url, fit.url])).report).toMatchObject({ retried: 1, failed: 0 });
    const broken = await standIn({ fail: 9 });
    await expect(ground([broken.url])).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
    expect(broken.seen).toHaveLength(2);
    await Promise.all([tired, fit, broken].map((each) => each.close()));
  });

  it("is not used when its weights are others, and not waited for beyond the deadline", async () => {
    const wrong = await standIn({ sha256: "0".repeat(64) });
    await expect(ground([wrong.url])).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
    const silent = await standIn({ silent: true });
    const { ms, held } = await timed(() =>
      expect(ground([silent.url], 400)).rejects.toMatchObject({ code: "INFERENCE_TIMEOUT" }),
    );
    expect(ms).toBeLessThan(3000 + 2 * held);
    await expect(ground(["http://127.0.0.1:9"])).rejects.toMatchObject({ code: "SERVER_UNAVAILABLE" });
    await expect(ground(["127.0.0.1:9"])).rejects.toMatchObject({ code: "ENDPOINT_INVALID" });
    await Promise.all([wrong, silent].map((each) => each.close()));
  });
});
