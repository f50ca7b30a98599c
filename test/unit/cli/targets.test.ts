import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { parse } from "yaml";
import { cli } from "../../support/cli.js";

const folder = mkdtempSync(join(tmpdir(), "cli-targets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ["charuco", "svg", [], { columns: 7, rows: 5, square: 0.032 }, "A4"],
  [
    "chessboard",
    "pdf",
    ["--columns", "8", "--rows", "6"],
    { columns: 8, rows: 6, square: 0.022 },
    "half a turn",
  ],
  ["apriltag", "svg", ["--tag", "0.08", "--gap", "0.024"], { columns: 6, rows: 4, tag: 0.08 }, "A1"],
])(
  "calibrate target %s: a %s to scale, and the YAML that describes it",
  async (type, kind, flags, wanted, words) => {
    const out = join(folder, `${type}.${kind}`);
    const { code, stdout, stderr } = await cli(["calibrate", "target", type, ...flags, "--out", out]);
    expect(code).toBe(0);
    expect(stdout + stderr).toContain(words);
    expect(parse(readFileSync(join(folder, `${type}.yaml`), "utf8"))).toMatchObject({ type, ...wanted });
    const drawing = readFileSync(out, "latin1");
    if (kind === "pdf") expect(drawing).toMatch(/^%PDF-/);
    // Millimetres, as a printer at 100 % takes them.
    else expect(drawing).toMatch(/<svg[^>]*width="[\d.]+mm"/);
  },
);

it.each([
  [["charuco", "--out", "target.png"], /--out must end in \.pdf or \.svg/],
  [["chessboard", "--columns", "1", "--out", "board.pdf"], /columns/],
  [["pentagram", "--out", "a.pdf"], /charuco, chessboard, apriltag/],
])("%j is refused in one line", async (args, message) => {
  const { code, stderr } = await cli(["calibrate", "target", ...args], { cwd: folder });
  expect(code).toBe(2);
  expect(stderr.trim().split("\n")[0]).toMatch(message);
});
