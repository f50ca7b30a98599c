import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import MarkdownIt from "markdown-it";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as library from "../../src/index.js";
import { writeFrame } from "../support/frame-files.js";
import { repository } from "../support/python.js";

// The examples of docs/guide/library.md run as a reader runs them: modules that import the package by its name, as it is compiled.
const page = readFileSync(join(repository, "docs", "guide", "library.md"), "utf8");

/** The page's examples by their heading. */
function examples(): Map<string, string> {
  const tokens = new MarkdownIt().parse(page, {});
  const found = new Map<string, string>();
  let heading = "";
  for (const [i, token] of tokens.entries()) {
    if (token.type === "heading_open") heading = tokens[i + 1]?.content ?? "";
    if (token.type === "fence" && token.info === "js") found.set(heading, token.content);
  }
  return found;
}

/** What an example prints, by its heading. */
const printed: Readonly<Record<string, (output: string) => void>> = {
  "Ground an image": (output) => {
    const [banana, mug, ...rest] = output.trim().split(/\n(?=the )/);
    expect(banana).toMatch(/^the banana \[/);
    expect(mug).toMatch(/^the red mug \[/);
    expect(rest).toEqual([]);
  },
  "Ground an image and plan grasps": (output) => {
    const json = library.resultSchema.parse(JSON.parse(output.trim().split("\n").at(-1) ?? ""));
    expect(json.found).toBe(true);
    expect(json.grasps.length).toBeGreaterThan(0);
    expect(json.grasps[0]?.frame).toBe("camera_color_optical_frame");
  },
  "Plan grasps for your own mask": (output) => expect(output).toMatch(/^\{\s*position: \[/),
  "Solve inverse kinematics": (output) => {
    const numbers =
      output
        .replace(/'j\d'/g, "")
        .match(/-?\d+\.?\d*(?:e-?\d+)?/g)
        ?.map(Number) ?? [];
    const [x = 0, y = 0, z = 0, error = 1] = numbers.slice(-4);
    expect(Math.hypot(x - 0.5, y - 0.1, z - 0.3)).toBeLessThan(1e-4);
    expect(error).toBeLessThan(1e-4);
  },
  "Prefer reachable grasps": (output) => expect(output.trim()).toBe("1"),
  "Read a bag": (output) => expect(output).toMatch(/^\d{10,}n \S*optical_frame \d{3,4} \d{3,4} true$/m),
};

describe("the library's page", () => {
  const folder = mkdtempSync(join(tmpdir(), "library-"));
  beforeAll(async () => {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(repository, join(folder, "node_modules", "grasp-grounding"));
    symlinkSync(join(repository, "demo"), join(folder, "demo"));
    await writeFrame(join(repository, "demo", "demo.mcap"), folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("says of each example what it prints", () => {
    expect([...examples().keys()].sort()).toEqual(Object.keys(printed).sort());
  });

  it.each([...examples()])("%s", (heading, code) => {
    writeFileSync(join(folder, "example.mjs"), code);
    const options = { cwd: folder, encoding: "utf8" } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["example.mjs"], options);
    expect([status, stderr]).toEqual([0, ""]);
    printed[heading]!(stdout);
  });

  it("names exports that exist", () => {
    const [table = ""] = /\| module \| exports \|[\s\S]*?\n\n/.exec(page) ?? [];
    const names = [...table.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !(name in library))).toEqual([]);
  });
});
