import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, describe as suite } from "vitest";
import {
  asCatalogued,
  type CatalogueEntry,
  catalogue,
  describe,
  type ErrorCode,
  GraspGroundingError,
  levelOf,
  sections,
} from "../../../src/errors/index.js";
import { repository } from "../../support/python.js";
import { sourceFiles } from "../../support/sources.js";

const entries = Object.entries(catalogue) as [ErrorCode, CatalogueEntry][];
const files = [...sourceFiles("src"), ...sourceFiles("bench")];

suite("the catalogue", () => {
  it("gives every error a message, a cause, a remedy, codes and a level", () => {
    expect(entries.length).toBeGreaterThan(60);
    for (const [code, { message, cause, remedy, exitCode, httpStatus, level }] of entries) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      for (const text of [message, cause, remedy]) {
        expect(text.length, code).toBeGreaterThan(5);
        expect(text, code).not.toMatch(/[\n|]|\.$/);
      }
      expect([1, 2, 3], code).toContain(exitCode);
      expect(httpStatus, code).toBeGreaterThanOrEqual(400);
      expect(httpStatus, code).toBeLessThan(600);
      expect(["warn", "error", "stale"], code).toContain(level);
      // Wrong usage is the caller's fault on every surface.
      if (exitCode === 2 && httpStatus !== 500) expect(httpStatus, code).toBeLessThan(500);
    }
  });

  it("has each code in one section only", () => {
    const codes = Object.values(sections).flatMap((section) => Object.keys(section));
    expect(codes.length).toBe(new Set(codes).size);
    expect(new Set(codes)).toEqual(new Set(Object.keys(catalogue)));
  });

  it("holds no code that nothing raises", () => {
    const text = files
      .filter((path) => !path.startsWith("src/errors/"))
      .map((path) => readFileSync(join(repository, path), "utf8"))
      .join("\n");
    expect(entries.map(([code]) => code).filter((code) => !text.includes(`"${code}"`))).toEqual([]);
  });
});

suite("an error", () => {
  it("is one line: what happened, then what to do", () => {
    const error = new GraspGroundingError("FILE_MISSING", { path: "a\nb\u0007" });
    expect(error.message).toBe("a: no such file or folder; check the path");
    expect(error.entry.httpStatus).toBe(404);
  });

  it("of any other kind becomes INTERNAL with its first line and its cause", () => {
    const cause = new TypeError("x is not a function\n  at y");
    const error = asCatalogued(cause);
    expect(error.code).toBe("INTERNAL");
    expect(error.cause).toBe(cause);
    expect(error.message).toContain("x is not a function;");
    expect(asCatalogued(error)).toBe(error);
    for (const odd of [undefined, null, 7, "text", {}, { message: 7 }])
      expect(describe(odd)).toBe(String(odd));
  });

  it("has a diagnostic level by its code, whichever thread it comes from", () => {
    expect(levelOf(new GraspGroundingError("QUERY_EMPTY"))).toBe("warn");
    expect(levelOf({ code: "FRAME_TIMEOUT", message: "" })).toBe("stale");
    expect(levelOf({ code: "INFERENCE_FAILED", message: "" })).toBe("error");
    for (const odd of [undefined, "text", { code: "toString" }, { code: "ENOENT" }])
      expect(levelOf(odd)).toBe("error");
  });
});

/**
 * Files that may throw plain errors: decoders and the like, whose callers add the file, the topic or the model and raise an
 * error of the catalogue; and pure functions whose RangeErrors mean a fault of the caller's code.
 */
const wrapped =
  /^bench\/|^src\/(arm|bags|evaluation|geometry|inference|messages|model-store|net|workers)\/|^src\/grounding\/hifics\/(npy|frame-cache)|^src\/ros\/(topics\/cdr|cdr|pipeline-host|node)|^src\/calibration\/poses|^src\/pipeline\/camera-file|^src\/cli\/eval\.ts|^src\/console\/(web\/|session-file)/;

it("plain errors are thrown only where somebody wraps them", () => {
  const raw = files.filter(
    (path) =>
      /\bnew (Range|Type)?Error\(/.test(readFileSync(join(repository, path), "utf8")) && !wrapped.test(path),
  );
  expect(raw).toEqual([]);
});
