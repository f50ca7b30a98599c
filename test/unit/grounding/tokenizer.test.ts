import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TextTokenizer } from "../../../src/grounding/index.js";
import { runPython } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "clip-tokens-"));
const queries = [
  "a photo of a cat",
  "The RED mug, on the left!",
  "  grasp   the\tsecond-largest screwdriver\nnext to it ",
  "it's the box that isn't open; they'll've moved",
  "12 bottles of 330ml (0.33l) at 5€",
  "Größe äöü naïve café ñandú",
  "青い カップ を 取って",
  "🍌🍎 the banana :-)",
  "mug's mugs' 'mug' \"mug\"",
  "under_score-dash/slash\\back",
  "e\u0301clair",
];
const long = "the small red mug ".repeat(40);
const text = {
  file: "text.onnx",
  sha256: "0".repeat(64),
  tokenizer: { kind: "huggingface" as const, file: "tokenizer.json", sha256: "0".repeat(64) },
  max_tokens: 77,
  outputs: ["sentence"],
};
let wanted: { reference: number[][]; library: number[][] };
let tokenizer: TextTokenizer;

beforeAll(async () => {
  const path = join(folder, "tokenizer.json");
  wanted = JSON.parse(runPython("test/reference/clip_tokens.py", [path], JSON.stringify([...queries, long])));
  tokenizer = await TextTokenizer.load(folder, text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("CLIP's tokenizer", () => {
  it.each(queries.map((query, i) => [query, i] as const))("%j", (query, i) => {
    const ids = tokenizer.encode(query);
    expect(ids).toEqual(wanted.library[i]);
    expect(ids).toEqual(wanted.reference[i]);
  });

  it("cuts a long query to 77 tokens and keeps the end of text", () => {
    const ids = tokenizer.encode(long);
    expect(ids).toHaveLength(77);
    expect(ids).toEqual(wanted.reference.at(-1));
  });

  it("gives the ids every CLIP gives", () => {
    expect(tokenizer.encode("a photo of a cat")).toEqual([49406, 320, 1125, 539, 320, 2368, 49407]);
  });
});
