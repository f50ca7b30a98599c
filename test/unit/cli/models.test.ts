import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cli } from "../../support/cli.js";
import { randomCheckpoint } from "../../support/models.js";
import { pythonPath, repository } from "../../support/python.js";
import { rangeServer } from "../../support/range-server.js";

const folder = mkdtempSync(join(tmpdir(), "cli-models-"));
const store = join(folder, "store");
const mirror = join(folder, "mirror");
mkdirSync(mirror);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const models = (...args: string[]) => cli(["models", ...args], { env: { GRASP_GROUNDING_MODELS: store } });
/** All files in the user's own store. */
const kept = () =>
  existsSync(store)
    ? readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    : [];

describe("models pull", () => {
  it("names what is published when something else is asked for", async () => {
    const { code, stderr } = await models("pull", "clip-rn50");
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /nothing is published as clip-rn50; there are clipseg-rd64-refined, .*clip-vit-b16, .*models import/,
    );
  });

  it("says which folder or file is missing", async () => {
    const nowhere = await models("pull", "clip-vit-b16", "--from", join(folder, "nowhere"));
    expect([nowhere.code, nowhere.stderr.trim().split("\n").length]).toEqual([1, 1]);
    expect(nowhere.stderr).toMatch(/nowhere.*no such file/);
    const empty = await models("pull", "clip-vit-b16", "--from", mirror);
    expect([empty.code, empty.stderr]).toEqual([1, expect.stringMatching(/ViT-B-16\.pt/)]);
  });

  it("never takes a file with another hash for the model, from a folder or a mirror", async () => {
    writeFileSync(join(mirror, "ViT-B-16.pt"), "half a download");
    const server = await rangeServer({ folder: mirror });
    try {
      for (const from of [
        mirror,
        join(mirror, "ViT-B-16.pt"),
        `${server.url}/`,
        `${server.url}/ViT-B-16.pt`,
      ]) {
        const { code, stderr } = await models("pull", "clip-vit-b16", "--from", from);
        expect([from, code, stderr]).toEqual([from, 1, expect.stringMatching(/SHA-256/)]);
      }
      expect(server.requests.length).toBeGreaterThanOrEqual(2);
    } finally {
      await server.close();
    }
    expect(kept()).toEqual([]);
  });
});

describe("models verify", () => {
  it("hashes the files and runs the self-test that is stored with a model", async () => {
    const { code, stdout } = await models("verify", "lite", "--json");
    expect(code).toBe(0);
    const [report] = JSON.parse(stdout);
    expect(report).toMatchObject({ name: "lite" });
    expect(report.files).toBeGreaterThanOrEqual(4);
    const text = await models("verify", join(repository, "models", "lite"));
    expect([text.code, text.stdout]).toEqual([0, expect.stringMatching(/^lite: \d+ files as published/)]);
  });

  it("refuses a model of which a byte was changed", async () => {
    const copy = join(folder, "copy");
    cpSync(join(repository, "models", "lite"), copy, { recursive: true });
    const part = readdirSync(copy).find((name) => name.endsWith(".onnx"))!;
    writeFileSync(join(copy, part), "x", { flag: "a" });
    const { code, stderr } = await models("verify", copy);
    expect([code, stderr.trim().split("\n").length]).toEqual([1, 1]);
    expect(stderr).toContain(part);
  });

  it("does not take a stranger's file in the store for published weights", async () => {
    const path = join(store, "clip-vit-b16", "ViT-B-16.pt");
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "somebody's");
    const { code, stderr } = await models("verify", "clip-vit-b16");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/ViT-B-16\.pt.*SHA-256/)]);
    rmSync(join(path, ".."), { recursive: true });
  });
});

describe("models import", () => {
  it("turns a checkpoint into a model that verifies, with each precision", async () => {
    const checkpoint = join(folder, "weights.pth");
    randomCheckpoint(checkpoint, []);
    const python = ["--python", pythonPath()];
    const done = await models("import", "--checkpoint", checkpoint, "--name", "mine", ...python);
    expect([done.code, done.stdout]).toEqual([0, expect.stringContaining("models verify mine")]);
    expect(done.stderr).toMatch(/^1\/\d+ /m);
    const verified = await models("verify", "mine", "--json");
    expect(verified.code).toBe(0);
    const reports = JSON.parse(verified.stdout);
    expect(reports).toHaveLength(4);
    for (const { self_test } of reports) expect(self_test.mask_agreement).toBeGreaterThan(0.99);
    const again = await models("import", "--checkpoint", checkpoint, "--name", "mine", ...python);
    expect([again.code, again.stderr.trim().split("\n").length]).toEqual([1, 1]);
  });

  it("refuses taps that are none, and a checkpoint that is missing", async () => {
    const common = ["--name", "other", "--python", pythonPath()];
    const taps = await models("import", "--checkpoint", "w.pth", "--taps", "1,two", ...common);
    expect([taps.code, taps.stderr]).toEqual([2, expect.stringMatching(/--taps 1,two: whole numbers/)]);
    const missing = await models("import", "--checkpoint", join(folder, "none.pth"), ...common);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringMatching(/none\.pth/)]);
    expect(kept().filter(({ name }) => name.includes("other"))).toEqual([]);
  });

  it.each(["--images", "--pictures"])(
    "takes the images of %s",
    async (option) => {
      const checkpoint = join(folder, "for-images.pth");
      randomCheckpoint(checkpoint, []);
      const empty = mkdtempSync(join(folder, "no-images-"));
      const args = ["--checkpoint", checkpoint, "--name", "other", "--python", pythonPath()];
      const { code, stderr } = await models("import", ...args, option, empty);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/no-images-\w+ holds no \.jpg or \.png/)]);
    },
    180_000,
  );
});
