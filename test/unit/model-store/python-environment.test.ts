import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it, vi } from "vitest";
import { importCheckpoint } from "../../../src/model-store/index.js";
import { pythonFor, runLines } from "../../../src/model-store/python.js";

const folder = mkdtempSync(join(tmpdir(), "model-python-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  vi.stubEnv("GRASP_GROUNDING_PYTHON", "");
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** A `models` folder whose export needs what the list says. */
function needing(name: string, list: string): string {
  const packages = join(folder, name);
  mkdirSync(join(packages, "export"), { recursive: true });
  writeFileSync(join(packages, "export", "requirements.txt"), list);
  return packages;
}
const environments = () => {
  const cache = join(folder, "cache", "grasp-grounding");
  return existsSync(cache) ? readdirSync(cache) : [];
};

it("is the one that is named", async () => {
  expect(await pythonFor({ packages: folder, interpreter: "/opt/python" })).toBe("/opt/python");
  vi.stubEnv("GRASP_GROUNDING_PYTHON", "/usr/local/python");
  expect(await pythonFor({ packages: folder })).toBe("/usr/local/python");
});

it("is an environment that is made once for a list of packages, and again when its making was broken off", async () => {
  const said: string[] = [];
  const packages = needing("nothing", "# nothing\n");
  const interpreter = await pythonFor({ packages, onLine: (line) => said.push(line) });
  expect(said[0]).toMatch(/^making a Python environment in /);
  const { code, last } = await runLines(
    interpreter,
    ["-c", "import sys; print(sys.prefix != sys.base_prefix)"],
    {},
  );
  expect([code, last]).toEqual([0, "True"]);
  said.length = 0;
  expect(await pythonFor({ packages, onLine: (line) => said.push(line) })).toBe(interpreter);
  expect(said).toEqual([]);
  rmSync(join(interpreter, "..", "..", ".ready"));
  expect(await pythonFor({ packages, onLine: (line) => said.push(line) })).toBe(interpreter);
  expect(said[0]).toMatch(/^making /);
});

it("packages that cannot be had are named, and nothing half-made stays", async () => {
  const before = environments().length;
  const packages = needing("much", "--no-index\nthere-is-no-such-object==1.0\n");
  await expect(pythonFor({ packages })).rejects.toThrow(/there-is-no-such-object/);
  expect(environments()).toHaveLength(before);
});

it("where there is none, that is said", async () => {
  vi.stubEnv("PATH", folder);
  await expect(pythonFor({ packages: needing("other", "# other\n") })).rejects.toMatchObject({
    code: "PYTHON_MISSING",
  });
  await expect(runLines("no-such-python", [], {})).rejects.toMatchObject({ code: "PYTHON_MISSING" });
});

it("is not made for a checkpoint that is missing or is none", async () => {
  const packages = needing("unused", "# nothing\n");
  const before = environments();
  const store = join(folder, "store");
  const from = (checkpoint: string) => importCheckpoint({ checkpoint, name: "x", store, packages });
  await expect(from(join(folder, "none.pth"))).rejects.toThrow(/none\.pth.*no such file/);
  writeFileSync(join(folder, "empty.pth"), "");
  await expect(from(join(folder, "empty.pth"))).rejects.toThrow(/empty\.pth does not begin .*it is empty/);
  writeFileSync(join(folder, "page.pth"), "<!doctype html><html><body>Sign in</body></html>");
  await expect(from(join(folder, "page.pth"))).rejects.toThrow(/page\.pth does not begin as PyTorch weights/);
  mkdirSync(join(folder, "hub-folder"));
  await expect(from(join(folder, "hub-folder"))).rejects.toThrow(/config\.json.*no such file/);
  expect(environments()).toEqual(before);
});
