import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cli } from "../../support/cli.js";
import { type HubServer, hubServer } from "../../support/hub-server.js";
import { runPython } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "cli-hub-"));
const store = join(folder, "store");
const source = join(folder, "source");
const onnx = (stem: string) => readFileSync(join(source, "onnx", `${stem}.onnx`));
const commit = "1e23c8ff034f811c2ca2ce47c38c51e1e4072f6a";
let server: HubServer;

beforeAll(async () => {
  for (const family of ["owlv2", "sam"]) runPython("test/reference/hub_graph.py", [family, source]);
  const settings = { "preprocessor_config.json": "{}", "tokenizer.json": "{}" };
  const wrong = {
    ...settings,
    "config.json": '{"model_type":"sam"}',
    "onnx/vision_encoder.onnx": onnx("model"),
  };
  server = await hubServer([
    {
      ...{ id: "Xenova/owlv2-base-patch16-ensemble", commit },
      files: {
        ...settings,
        "config.json": '{"model_type":"owlv2"}',
        ...{ "onnx/model.onnx": onnx("model"), "onnx/model_quantized.onnx": onnx("model") },
      },
    },
    {
      ...{ id: "somebody/SAM", commit: "f".repeat(40), licence: "mit" },
      files: { ...wrong, "onnx/prompt_encoder_mask_decoder.onnx": onnx("prompt_encoder_mask_decoder") },
    },
  ]);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const models = (...args: string[]) =>
  cli(["models", ...args], {
    env: { GRASP_GROUNDING_MODELS: store, HF_ENDPOINT: server.url, HF_HOME: folder, HF_TOKEN: "hf_mine" },
  });
const lines = (text: string) => text.trim().split("\n").length;

describe("models pull of a hub model", () => {
  it("fetches by name from HF_ENDPOINT; list and verify know it then", async () => {
    const pulled = await models("pull", "owlv2-base", "--precision", "fp32,int8");
    expect([pulled.code, pulled.stderr]).toEqual([
      0,
      expect.stringMatching(/licence apache-2\.0; .*@1e23c8ff034f/),
    ]);
    expect(pulled.stdout).toContain("--model owlv2-base");
    const list = JSON.parse((await models("list", "--json")).stdout);
    const row = list.models.find(({ name }: { name: string }) => name === "owlv2-base");
    expect(row).toMatchObject({ family: "owlv2", precisions: ["fp32", "int8"], licence: "apache-2.0" });
    expect(list.published.map(({ name }: { name: string }) => name)).toContain("grounding-dino-tiny");
    const verified = await models("verify", "owlv2-base");
    expect([verified.code, lines(verified.stdout)]).toEqual([0, 3]);
    expect(verified.stdout).toMatch(/^owlv2-base: 4 files as published, graphs load$/m);
    const before = server.hub.length;
    const again = await models("pull", "owlv2-base");
    expect([again.stdout, server.hub.length]).toEqual([expect.stringMatching(/is there already/), before]);
    writeFileSync(join(store, "owlv2-base", "int8", "onnx", "model_quantized.onnx"), "x", { flag: "a" });
    const damaged = await models("verify", "owlv2-base");
    expect([damaged.code, lines(damaged.stderr)]).toEqual([1, 1]);
  });

  it("fetches any repository of these architectures, but not under a name that is taken", async () => {
    const named = await models("pull", "somebody/SAM", "--as", "mine");
    expect([named.code, named.stdout]).toEqual([0, expect.stringContaining("--refine mine")]);
    const verified = await models("verify", "mine");
    expect([verified.code, verified.stderr]).toEqual([1, expect.stringMatching(/has no image_embeddings/)]);
    for (const [name, message] of [
      ["owlv2-base", /owlv2-base exists already/],
      ["clip-vit-b16", /reserved/],
      ["../x", /letters, digits/],
    ] as const) {
      const refused = await models("pull", "somebody/SAM", "--as", name);
      expect([name, refused.code === 0, refused.stderr]).toEqual([
        name,
        false,
        expect.stringMatching(message),
      ]);
    }
  });

  it("sends a mirror no token, and tells what is wrong with the arguments", async () => {
    server.hub.length = 0;
    const mirrored = await models("pull", "somebody/sam2", "--from", `${server.url}/`);
    expect([mirrored.code, lines(mirrored.stderr)]).toEqual([1, 1]);
    expect(server.hub.every((line) => line.endsWith("no token"))).toBe(true);
    const kind = await models("pull", "owlv2-base", "--precision", "q4");
    expect([kind.code, kind.stderr]).toEqual([2, expect.stringMatching(/--precision q4: fp32, fp16, int8/)]);
    const weights = await models("pull", "clip-vit-b16", "--as", "x");
    expect([weights.code, weights.stderr]).toEqual([2, expect.stringMatching(/do not go with clip-vit-b16/)]);
  });

  it("takes a folder without a network", async () => {
    const copy = join(folder, "copy");
    mkdirSync(join(copy, "onnx"), { recursive: true });
    writeFileSync(join(copy, "config.json"), '{"model_type":"owlv2"}');
    for (const file of ["preprocessor_config.json", "tokenizer.json"]) writeFileSync(join(copy, file), "{}");
    writeFileSync(join(copy, "onnx", "model.onnx"), onnx("model"));
    const before = server.hub.length;
    const pulled = await models("pull", "somebody/owl", "--from", copy);
    expect([pulled.code, pulled.stdout]).toEqual([0, expect.stringContaining("--model owl")]);
    expect(server.hub.length).toBe(before);
    expect(readdirSync(store).filter((name) => name.startsWith("."))).toEqual([]);
    const missing = await models("pull", "somebody/owl2", "--from", join(folder, "nowhere"));
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringMatching(/nowhere.*no such file/)]);
  });
});
