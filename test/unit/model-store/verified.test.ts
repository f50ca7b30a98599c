import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HifiCs, manifestFiles, readManifest } from "../../../src/grounding/index.js";
import type { InferenceBackend } from "../../../src/inference/index.js";
import { runPython } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "verified-"));
const good = join(folder, "good");
const files = ["encoder.onnx", "text.onnx", "decoder.onnx", "tokenizer.json"];
let asked = 0;
/** Stands where a back end would load the files: it must not be asked for before they are checked. */
const backend = async (): Promise<InferenceBackend> => {
  asked++;
  throw new Error("the back end was asked for");
};

beforeAll(() => runPython("bench/reference/tiny_model.py", [good]));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function copy(name: string): string {
  const path = join(folder, name);
  cpSync(good, path, { recursive: true });
  asked = 0;
  return path;
}

describe("a model is verified before anything of it is loaded", () => {
  it("covers every file the manifest names", async () => {
    const named = manifestFiles(await readManifest(good)).map(({ file }) => file);
    expect([...named].sort()).toEqual([...files].sort());
    await expect(HifiCs.open(copy("as-it-is"), backend)).rejects.toThrow("the back end was asked for");
    expect(asked).toBe(1);
  });

  it.each(files)("one flipped bit in %s is refused, by name", async (file) => {
    const model = copy(`flipped-${file}`);
    const bytes = readFileSync(join(model, file));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(join(model, file), bytes);
    await expect(HifiCs.open(model, backend)).rejects.toMatchObject({
      code: "MODEL_CORRUPT",
      details: { path: join(model, file) },
    });
    expect(asked).toBe(0);
  });

  it.each(["../encoder.onnx", "/etc/passwd", "a/../../x"])(
    "a manifest that points to %s is refused",
    async (path) => {
      const model = copy(`path-${path.length}`);
      const manifest = JSON.parse(readFileSync(join(model, "manifest.json"), "utf8"));
      manifest.encoder.file = path;
      writeFileSync(join(model, "manifest.json"), JSON.stringify(manifest));
      await expect(HifiCs.open(model, backend)).rejects.toMatchObject({ code: "MODEL_MANIFEST" });
      expect(asked).toBe(0);
    },
  );
});
