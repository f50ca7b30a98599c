import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import { parseUrdf, selectChain } from "../../src/arm/index.js";
import { parseHandEye, parseTarget } from "../../src/calibration/index.js";
import { GraspGroundingError } from "../../src/errors/index.js";
import { cleanQuery, readManifest, readNpy, TextTokenizer } from "../../src/grounding/index.js";
import { readCamera, readColour, readDepth } from "../../src/pipeline/index.js";
import { repository } from "../support/python.js";
import { fuzz } from "./fuzz.js";

const folder = mkdtempSync(join(tmpdir(), "fuzz-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
const bytes = (content: string) => new Uint8Array(Buffer.from(content));
/** Reads bytes as a file of that name. */
const asFile =
  (name: string, read: (path: string) => unknown) =>
  (content: Uint8Array): unknown => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return read(path);
  };

describe("robot descriptions", () => {
  const joint = (i: number, extra = "") =>
    `<joint name="j${i}" type="revolute"><parent link="l${i}"/><child link="l${i + 1}"/><origin xyz="0 0 0.1" rpy="0 0.1 0"/><axis xyz="0 0 1"/><limit lower="-2" upper="2" velocity="1" effort="9"/>${extra}</joint>`;
  const robot = (n: number) =>
    `<?xml version="1.0"?><robot name="r">${Array.from({ length: n + 1 }, (_, i) => `<link name="l${i}"><collision><geometry><box size="0.1 0.1 0.1"/></geometry></collision></link>`).join("")}${Array.from({ length: n }, (_, i) => joint(i)).join("")}</robot>`;

  fuzz({
    name: "urdf",
    seeds: () => [bytes(robot(7)), bytes(robot(1).replace("revolute", "prismatic"))],
    read: (content) => selectChain(parseUrdf(text(content))),
    runs: 1200,
    strict: false,
  });

  it.each([
    ["an external entity", '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><robot name="&x;"/>'],
    [
      "entities that multiply",
      `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><robot name="&b;"/>`,
    ],
    ["a loop of links", robot(2).replace('child link="l2"', 'child link="l0"')],
    ["deep nesting", `<robot name="r">${"<x>".repeat(200_000)}`],
  ])("%s is refused", (_, content) => {
    expect(() => parseUrdf(content)).toThrow(GraspGroundingError);
  });

  it("a chain of 20,000 links is read or refused, without running out of stack", () => {
    try {
      parseUrdf(robot(20_000));
    } catch (error) {
      expect(error).toBeInstanceOf(GraspGroundingError);
    }
  });
});

describe("models", () => {
  const manifest = readFileSync(join(repository, "models", "lite", "manifest.json"));

  fuzz({
    name: "manifest",
    seeds: () => [new Uint8Array(manifest)],
    read: asFile("manifest.json", () => readManifest(folder)),
    runs: 600,
  });
  fuzz({
    name: "npy",
    seeds: () => {
      const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".padEnd(117, " ");
      return [
        Buffer.concat([
          Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"),
          Buffer.from(`${header}\n`),
          new Uint8Array(24),
        ]),
      ];
    },
    read: asFile("a.npy", readNpy),
    runs: 500,
    strict: false,
  });
});

describe("calibration files", () => {
  const samples = join(repository, "calibration");
  const sample = (pattern: RegExp) =>
    existsSync(samples)
      ? readdirSync(samples, { recursive: true, encoding: "utf8" })
          .filter((name) => pattern.test(name))
          .map((name) => readFileSync(join(samples, name), "utf8"))
      : [];
  const handEye = `type: eye_in_hand
parent_frame: tool
child_frame: camera
translation: {x: 0.05, y: 0, z: 0.1}
rotation: {x: 0, y: 0, z: 0, w: 1}
`;
  const camera = `image_width: 640
image_height: 480
camera_matrix: {rows: 3, cols: 3, data: [600, 0, 320, 0, 600, 240, 0, 0, 1]}
`;

  fuzz({
    name: "hand-eye",
    seeds: () => [bytes(handEye), ...sample(/hand.?eye.*\.ya?ml$/i).map(bytes)],
    read: (content) => parseHandEye(text(content), "hand-eye.yaml"),
    runs: 600,
    strict: false,
  });
  fuzz({
    name: "camera-info",
    seeds: () => [bytes(camera), bytes('{"width":640,"height":480,"fx":600,"fy":600,"cx":320,"cy":240}')],
    read: asFile("camera.yaml", readCamera),
    runs: 600,
  });
  fuzz({
    name: "target",
    seeds: () => [
      bytes('{"type":"chessboard","columns":9,"rows":6,"square":0.025}'),
      ...sample(/(target|board|tag).*\.(ya?ml|json)$/i).map(bytes),
    ],
    read: (content) => {
      let parsed: unknown;
      try {
        parsed = parseYaml(text(content));
      } catch {
        return; // its caller's error: no YAML
      }
      return parseTarget(parsed, "target.yaml");
    },
    runs: 400,
    strict: false,
  });
});

describe("image files", () => {
  const raw = { raw: { width: 40, height: 30, channels: 3 as const } };
  const pixels = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 37) % 256);
  const encoded = async () => [
    await sharp(pixels, raw).png().toBuffer(),
    await sharp(pixels, raw)
      .jpeg()
      .withExif({ IFD0: { Copyright: "x" } })
      .toBuffer(),
    await sharp(pixels, raw).tiff().toBuffer(),
  ];
  const grey = { raw: { width: 40, height: 30, channels: 1 as const } };
  const millimetres = Uint16Array.from({ length: 40 * 30 }, (_, i) => 400 + ((i * 37) % 2_000));
  const depth = async () => [
    await sharp(millimetres, grey).toColourspace("grey16").png().toBuffer(),
    await sharp(millimetres, grey).toColourspace("grey16").png({ adaptiveFiltering: true }).toBuffer(),
  ];
  fuzz({ name: "image", seeds: encoded, read: asFile("image", (path) => readColour(path)), runs: 400 });
  fuzz({
    name: "depth-image",
    seeds: depth,
    read: asFile("depth", (path) => readDepth(path)),
    runs: 200,
  });
});

describe("queries", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 600 }),
    fc.string({ unit: "grapheme", maxLength: 520 }),
    fc
      .array(
        fc.constantFrom(
          "\u0000",
          "\u202e",
          "\ud800",
          "\u0301",
          "🍌",
          "the ",
          "\n",
          "\u2028",
          "<|endoftext|>",
        ),
        { maxLength: 80 },
      )
      .map((parts) => parts.join("")),
  );

  it("are cleaned or refused, and a cleaned one stays as it is", async () => {
    const { text: part } = await readManifest(join(repository, "models", "lite"));
    const tokenizer = await TextTokenizer.load(join(repository, "models", "lite"), part);
    fc.assert(
      fc.property(anything, (query) => {
        let cleaned: string;
        try {
          cleaned = cleanQuery(query);
        } catch (error) {
          expect((error as GraspGroundingError).code).toMatch(/^QUERY_/);
          return;
        }
        expect(cleanQuery(cleaned)).toBe(cleaned);
        expect(cleaned).not.toMatch(/[\p{Cc}\p{Cs}]/u);
        const ids = tokenizer.encode(cleaned);
        expect(ids.length).toBeGreaterThan(0);
        expect(ids.length).toBeLessThanOrEqual(part.max_tokens);
        for (const id of ids) expect(Number.isInteger(id) && id >= 0).toBe(true);
      }),
      { numRuns: 2_000, seed: 7 },
    );
  });
});
