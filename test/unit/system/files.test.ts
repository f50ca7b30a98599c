import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { decodeText, imageFile, outputFile, readText } from "../../../src/system/index.js";

const folder = mkdtempSync(join(tmpdir(), "system-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = "image,x\nstuhl-ü.png,1\n";

it.each([
  ["UTF-8", Buffer.from(text)],
  ["UTF-8 with a byte order mark", Buffer.from(`\ufeff${text}`)],
  ["UTF-16, little-endian", Buffer.from(`\ufeff${text}`, "utf16le")],
  ["UTF-16, big-endian", Buffer.from(`\ufeff${text}`, "utf16le").swap16()],
])("text in %s", async (name, bytes) => {
  expect(decodeText(bytes)).toBe(text);
  writeFileSync(join(folder, name), bytes);
  expect(await readText(join(folder, name))).toBe(text);
});

describe("names of output files", () => {
  it.each(["a.png", "A.JPG", "b.jpeg", "/dev/null"])("%s holds an image", (path) =>
    expect(imageFile(path)).toBe(path),
  );
  it.each(["a.bmp", "a.gif", "a", "", ".png/x"])('"%s" holds none', (path) =>
    expect(() => imageFile(path)).toThrowError("does not end in .png, .jpg, .jpeg"),
  );
  it("a bag is not an MCAP", () => expect(() => outputFile(".mcap")("r.bag")).toThrowError(".mcap"));
});
