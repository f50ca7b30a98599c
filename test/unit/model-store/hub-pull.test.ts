import { createHash, randomBytes } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { openHubModel, readHubManifest } from "../../../src/grounding/index.js";
import { hubToken, type PullSummary, pullFromFolder, pullFromHub } from "../../../src/model-store/index.js";
import { type HubRepository, type HubServer, hubServer } from "../../support/hub-server.js";

const root = mkdtempSync(join(tmpdir(), "hub-pull-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const graph = randomBytes(400_000);
const owl: HubRepository = {
  id: "owner/owl",
  commit: "a".repeat(40),
  branches: ["main", "boxes"],
  licence: "apache-2.0",
  files: {
    "README.md": "---\nlicense: apache-2.0\n---\n",
    "config.json": '{"model_type":"owlv2"}',
    "preprocessor_config.json": '{"do_pad":true}',
    "tokenizer.json": "{}",
    "tokenizer_config.json": '{"pad_token":"!"}',
    "onnx/model.onnx": graph,
    "onnx/model_fp16.onnx": "half",
    "onnx/model_quantized.onnx": randomBytes(50_000),
  },
};
const sam: HubRepository = {
  id: "owner/sam",
  commit: "b".repeat(40),
  files: {
    "config.json": '{"model_type":"sam"}',
    "preprocessor_config.json": "{}",
    "onnx/vision_encoder_fp16.onnx": "vision",
    "onnx/prompt_encoder_mask_decoder.onnx": "decoder",
    "onnx/vision_encoder_quantized.onnx": "vision8",
    "onnx/prompt_encoder_mask_decoder_quantized.onnx": "decoder8",
  },
};
const secret: HubRepository = { ...owl, id: "owner/secret", gated: { granted: "hf_good" } };
const bert: HubRepository = {
  id: "owner/bert",
  commit: "c".repeat(40),
  files: { "config.json": '{"model_type":"bert"}', "onnx/model.onnx": "graph" },
};
const renamed: HubRepository = {
  ...owl,
  id: "owner/renamed",
  files: {
    "config.json": '{"model_type":"owlv2"}',
    "tokenizer.json": "{}",
    "preprocessor_config.json": "{}",
  },
};

let server: HubServer;
let store = "";
let count = 0;
beforeEach(async () => {
  server = await hubServer([owl, sam, secret, bert, renamed]);
  store = join(root, `${count++}`);
  mkdirSync(store);
});
afterEach(() => server.close());

const pull = (more: Partial<Parameters<typeof pullFromHub>[0]> = {}, token?: string) =>
  pullFromHub({
    ...{ store, name: "owl", precision: "fp32", repository: "owner/owl", revision: "main" },
    access: { endpoint: server.url, pauseMs: 5, ...(token && { token }) },
    ...more,
  });
/** Names in the store that a user can see. */
const models = () => readdirSync(store).filter((name) => !name.startsWith("."));
const sha256 = (content: Buffer) => createHash("sha256").update(content).digest("hex");

describe("pulling from a hub", () => {
  it("fetches what the family needs, from the pinned commit, and writes hashes and licence down", async () => {
    const summaries: PullSummary[] = [];
    const folder = await pull({ onSummary: (summary) => summaries.push(summary) });
    const top = await readHubManifest(folder);
    expect(top).toMatchObject({
      ...{ name: "owl", family: "owlv2", licence: "apache-2.0", precisions: ["fp32"] },
      repository: { id: "owner/owl", revision: owl.commit },
      files: { model: { file: "fp32/onnx/model.onnx", sha256: sha256(graph), bytes: graph.length } },
    });
    const model = await openHubModel(join(folder, "fp32"));
    expect(readFileSync(model.file("model") ?? "").equals(graph)).toBe(true);
    expect(model.preprocessor).toEqual({ do_pad: true });
    expect(existsSync(model.file("tokenizer-config") ?? "")).toBe(true);
    expect(summaries).toEqual([expect.objectContaining({ licence: "apache-2.0", revision: owl.commit })]);
    const paths = server.hub.map((line) => line.split(" ")[0] ?? "");
    const files = paths.filter((path) => path.includes("/resolve/"));
    expect(files.every((path) => path.includes(owl.commit))).toBe(true);
    expect(files.some((path) => path.includes("fp16") || path.includes("README"))).toBe(false);
    expect(models()).toEqual(["owl"]);
    expect(readdirSync(store)).toEqual(["owl"]);
  });

  it("says the licence before anything large is asked for", async () => {
    let asked = -1;
    await pull({
      onSummary: () => {
        asked = server.store.length;
      },
    });
    expect([asked, server.store.length]).toEqual([0, 1]);
  });

  it("adds a precision beside the others", async () => {
    await pull();
    await pull({ precision: "int8", revision: owl.commit });
    expect((await readHubManifest(join(store, "owl"))).precisions).toEqual(["fp32", "int8"]);
    const eight = await readHubManifest(join(store, "owl", "int8"));
    expect([eight.name, eight.precision]).toEqual(["owl-int8", { kind: "int8", label: "quantized" }]);
    await openHubModel(join(store, "owl", "fp32"));
  });

  it("takes SAM's two graphs, its decoder in fp32 where the precision has none", async () => {
    const folder = await pull({ name: "sam", repository: "owner/sam", precision: "fp16" });
    const { files } = await readHubManifest(join(folder, "fp16"));
    expect([files.vision?.file, files["prompt-decoder"]?.file]).toEqual([
      "onnx/vision_encoder_fp16.onnx",
      "onnx/prompt_encoder_mask_decoder.onnx",
    ]);
    await pull({ name: "sam", repository: "owner/sam", precision: "int8" });
    const eight = await readHubManifest(join(folder, "int8"));
    expect(eight.files["prompt-decoder"]?.file).toBe("onnx/prompt_encoder_mask_decoder_quantized.onnx");
    expect(eight.licence).toBe("unknown");
  });

  it("resumes broken connections, and goes on where an earlier call ended", async () => {
    const part = () =>
      join(store, `.owl-fp32-${owl.commit.slice(0, 12)}.part`, "fp32", "onnx", "model.onnx.part");
    server.faults.written = () => statSync(part(), { throwIfNoEntry: false })?.size ?? 0;
    server.faults.breaks = [150_000, 100_000];
    await pull();
    const ranges = server.store.map((line) => Number(/bytes=(\d+)-/.exec(line)?.[1] ?? 0));
    expect(ranges).toEqual([0, 150_000, 250_000]);
    await openHubModel(join(store, "owl"));

    store = join(root, `${count++}`);
    mkdirSync(store);
    server.store.length = 0;
    server.faults.breaks = [200_000, 0, 0, 0, 0];
    await expect(pull()).rejects.toThrow(/download failed/);
    expect(models()).toEqual([]);
    server.faults.breaks = [];
    await pull();
    expect(server.store.at(-1)).toMatch(/bytes=200000-/);
    expect(readdirSync(store)).toEqual(["owl"]);
  });

  it("waits for an interface that is busy, and follows its pages", async () => {
    server.faults.failing = [503, 429];
    await pull();
    expect(server.hub.filter((line) => line.includes("cursor=")).length).toBeGreaterThanOrEqual(2);
  });

  it("sends the token to the hub alone", async () => {
    await pull({ name: "secret", repository: "owner/secret" }, "hf_good");
    expect(server.hub.every((line) => line.endsWith("Bearer hf_good"))).toBe(true);
    expect(server.store).toHaveLength(1);
    expect(server.store[0]).toMatch(/no token$/);
  });
});

describe("a pull that cannot be completed says why in one line and leaves no model", () => {
  const cases: [string, RegExp, () => Promise<unknown>][] = [
    [
      "no token for a gated repository",
      /owner\/secret.*answers 401.*gated/,
      () => pull({ repository: "owner/secret" }),
    ],
    [
      "a token without access",
      /owner\/secret.*answers 403/,
      () => pull({ repository: "owner/secret" }, "hf_bad"),
    ],
    [
      "no such repository, unknown caller",
      /owner\/none: .* answers 401/,
      () => pull({ repository: "owner/none" }),
    ],
    ["no such repository", /has no owner\/none/, () => pull({ repository: "owner/none" }, "hf_bad")],
    ["no such revision", /has no owner\/owl/, () => pull({ revision: "old" })],
    [
      "another architecture",
      /owner\/bert: config\.json names the architecture bert; wanted clipseg/,
      () => pull({ repository: "owner/bert" }),
    ],
    [
      "no ONNX files",
      /owner\/renamed: onnx\/model\.onnx is missing; it has no ONNX files/,
      () => pull({ repository: "owner/renamed" }),
    ],
    [
      "a precision that is not there",
      /owner\/sam: onnx\/vision_encoder\.onnx is missing; it has onnx\/vision_encoder_fp16/,
      () => pull({ repository: "owner/sam" }),
    ],
    [
      "a file that was renamed since",
      /has no owner\/owl\/onnx\/model\.onnx/,
      () => {
        server.faults.vanished = ["onnx/model.onnx"];
        return pull();
      },
    ],
    [
      "another content",
      /SHA-256 is [0-9a-f]{64}, expected/,
      () => {
        server.faults.content = randomBytes(graph.length);
        return pull();
      },
    ],
    [
      "another hash in the LFS header",
      new RegExp(`SHA-256 is ${"d".repeat(64)}, expected ${sha256(graph)}`),
      () => {
        server.faults.stated = "d".repeat(64);
        return pull();
      },
    ],
    [
      "a disk that cannot be written",
      /onnx\/model\.onnx\.part.*(EISDIR|cannot be written|directory)/,
      () => {
        const stage = join(store, `.owl-fp32-${owl.commit.slice(0, 12)}.part`, "fp32", "onnx");
        mkdirSync(join(stage, "model.onnx.part", "full"), { recursive: true });
        return pull();
      },
    ],
    [
      "a name that something else has",
      /owl exists already/,
      () => {
        mkdirSync(join(store, ".keep"), { recursive: true });
        writeFileSync(join(store, "owl"), "mine");
        return pull();
      },
    ],
  ];
  it.each(cases)("%s", async (name, message, act) => {
    const error = await act().then(
      () => undefined,
      (cause: Error) => cause,
    );
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain("\n");
    if (name.startsWith("a name")) expect(readFileSync(join(store, "owl"), "utf8")).toBe("mine");
    else expect(models()).toEqual([]);
    if (name === "another hash in the LFS header") expect(server.store).toEqual([]);
  });
});

describe("taking a model from a folder", () => {
  function folder(): string {
    const path = join(root, `folder-${count++}`);
    for (const [name, content] of Object.entries(owl.files)) {
      mkdirSync(join(path, name, ".."), { recursive: true });
      writeFileSync(join(path, name), content);
    }
    return path;
  }
  const take = (source: string) =>
    pullFromFolder({ store, name: "owl", precision: "fp32", folder: source, repository: "owner/owl" });
  const note = (source: string, hash: string) => {
    const path = join(source, ".cache", "huggingface", "download", "onnx", "model.onnx.metadata");
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, `${owl.commit}\n${hash}\n1700000000.0\n`);
  };

  it("needs no network, and keeps commit and hashes where the hub's tool noted them", async () => {
    const source = folder();
    await take(source);
    expect((await readHubManifest(join(store, "owl"))).repository).toBeUndefined();
    expect((await readHubManifest(join(store, "owl"))).licence).toBe("apache-2.0");
    rmSync(join(store, "owl"), { recursive: true });
    note(source, sha256(graph));
    await take(source);
    const { repository } = await readHubManifest(join(store, "owl"));
    expect(repository).toEqual({ id: "owner/owl", revision: owl.commit });
    expect(server.hub).toEqual([]);
    const copy = join(root, "snapshots", owl.commit);
    cpSync(source, copy, { recursive: true });
    rmSync(join(store, "owl"), { recursive: true });
    await take(copy);
    expect((await readHubManifest(join(store, "owl"))).repository?.revision).toBe(owl.commit);
  });

  it("refuses a damaged copy and an incomplete folder", async () => {
    const source = folder();
    note(source, "e".repeat(64));
    await expect(take(source)).rejects.toThrow(/onnx\/model\.onnx: SHA-256 is/);
    rmSync(join(source, "tokenizer.json"));
    await expect(take(source)).rejects.toThrow(/tokenizer\.json is missing/);
    rmSync(join(source, "config.json"));
    await expect(take(source)).rejects.toThrow(/config\.json/);
    expect(readdirSync(store)).toEqual([]);
  });
});

it("reads the hub's token from the environment or the file that the hub's tools write", async () => {
  const home = join(root, "home");
  mkdirSync(home);
  expect(await hubToken({ HF_HOME: home })).toBeUndefined();
  writeFileSync(join(home, "token"), "hf_file\n");
  expect(await hubToken({ HF_HOME: home })).toBe("hf_file");
  expect(await hubToken({ HF_HOME: home, HF_TOKEN: "hf_env" })).toBe("hf_env");
  writeFileSync(join(home, "other"), "hf_other");
  expect(await hubToken({ HF_TOKEN_PATH: join(home, "other") })).toBe("hf_other");
});
