import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  isHubManifest,
  openHubModel,
  readModelManifest,
  requiredRoles,
} from "../../../../src/grounding/index.js";
import { repository } from "../../../support/python.js";

const root = mkdtempSync(join(tmpdir(), "hub-manifest-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const content: Record<string, string> = {
  model: "graph",
  config: '{"model_type":"owlv2"}',
  preprocessor: '{"do_pad":true}',
  tokenizer: "{}",
};

let count = 0;
/** A folder in the hub's layout, with a manifest changed by `change`. */
function folder(change: (manifest: Record<string, unknown>) => void = () => {}): string {
  const path = join(root, `${count++}`);
  mkdirSync(path);
  const files: Record<string, unknown> = {};
  for (const role of requiredRoles.owlv2) {
    const text = content[role] ?? "";
    writeFileSync(join(path, `${role}.json`), text);
    files[role] = {
      file: `${role}.json`,
      sha256: createHash("sha256").update(text).digest("hex"),
      bytes: text.length,
    };
  }
  const manifest = {
    ...{ format: 1, name: "owl", family: "owlv2", licence: "apache-2.0", source: "a test" },
    repository: { id: "owner/name", revision: "0".repeat(40) },
    precision: { kind: "int8", label: "quantized" },
    files,
  };
  change(manifest);
  writeFileSync(join(path, "manifest.json"), JSON.stringify(manifest));
  return path;
}

describe("the manifest of a model in the hub's layout", () => {
  it("is told from HiFi-CS by its family, and its settings are read with it", async () => {
    const path = folder();
    expect(isHubManifest(await readModelManifest(path))).toBe(true);
    expect(isHubManifest(await readModelManifest(join(repository, "models", "lite")))).toBe(false);
    const model = await openHubModel(path);
    expect(model.config.model_type).toBe("owlv2");
    expect(model.preprocessor.do_pad).toBe(true);
    expect([model.file("model"), model.file("vision")]).toEqual([join(path, "model.json"), undefined]);
  });

  it("names what is missing, wrong or outside of the folder", async () => {
    const files = (manifest: Record<string, unknown>) => manifest.files as Record<string, object>;
    const cases: [RegExp, (manifest: Record<string, unknown>) => void][] = [
      [/files\.model: is missing/, (m) => delete files(m).model],
      [/files\.vision: is missing/, (m) => Object.assign(m, { family: "sam" })],
      [
        /files\.model\.file: must stay inside/,
        (m) => Object.assign(files(m).model!, { file: "../model.onnx" }),
      ],
      [
        /repository\.revision/,
        (m) => Object.assign(m, { repository: { id: "owner/name", revision: "main" } }),
      ],
      [/precision\.kind/, (m) => Object.assign(m, { precision: { kind: "q4", label: "q4" } })],
    ];
    for (const [message, change] of cases)
      await expect(readModelManifest(folder(change))).rejects.toThrow(message);
  });

  it("refuses a folder of which a file was changed", async () => {
    const path = folder();
    writeFileSync(join(path, "model.json"), "grapH");
    await expect(openHubModel(path)).rejects.toThrow(/model\.json.*SHA-256/);
  });
});
