import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { ReferenceProcess } from "../../../bench/reference-process.js";
import { cli } from "../../support/cli.js";
import { repository } from "../../support/python.js";

afterEach(() => vi.unstubAllEnvs());

it.each(["SIGINT", "SIGTERM"] as const)(
  "bench replay leaves no folder when it is ended by %s",
  async (signal) => {
    const folder = mkdtempSync(join(tmpdir(), "bench-ends-"));
    const made = () => readdirSync(folder).filter((name) => name.startsWith("bench-replay-"));
    const child = spawn(
      process.execPath,
      [join(repository, "bin", "grasp-grounding.mjs"), "bench", "replay"],
      {
        env: { ...process.env, GRASP_GROUNDING_SETUP: "skip", TMPDIR: folder },
        stdio: "ignore",
      },
    );
    try {
      const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
      // Its peer writes recordings there.
      await vi.waitFor(
        () => expect(made().some((name) => readdirSync(join(folder, name)).length > 0)).toBe(true),
        { timeout: 40_000, interval: 20 },
      );
      child.kill(signal);
      expect(await ended).toBe(signal === "SIGINT" ? 130 : 143);
      expect(made()).toEqual([]);
    } finally {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

it("a bench without Python ends with the catalogue's error, and no folder is left", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-ends-"));
  const env = { GRASP_GROUNDING_PYTHON: join(folder, "no-python"), TMPDIR: folder };
  const { code, stderr } = await cli(["bench", "replay"], { env });
  expect(stderr).toMatch(
    /^grasp-grounding: the bench's reference bench\/reference\/replay_peer\.py cannot be started \(.*ENOENT\); run `npm test` .*\n$/,
  );
  expect(code).toBe(1);
  expect(readdirSync(folder).filter((name) => name.startsWith("bench-"))).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

it("a peer that cannot be started, or is gone, answers every question with an error", async () => {
  vi.stubEnv("GRASP_GROUNDING_PYTHON", "/no/such/python");
  const missing = new ReferenceProcess("bench/reference/replay_peer.py");
  const failed = { code: "BENCH_REFERENCE", message: expect.stringContaining("cannot be started") };
  await expect(missing.ask({ read: "x" })).rejects.toMatchObject(failed);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(missing.ask({ read: "x" })).rejects.toMatchObject(failed);
  missing.close();

  vi.stubEnv("GRASP_GROUNDING_PYTHON", "/bin/false");
  expect(existsSync("/bin/false")).toBe(true);
  const gone = new ReferenceProcess("bench/reference/replay_peer.py");
  await new Promise((resolve) => setTimeout(resolve, 200));
  await expect(gone.ask({ read: "x" })).rejects.toMatchObject({ code: "BENCH_REFERENCE" });
  await expect(gone.ask({ read: "x" })).rejects.toMatchObject({ code: "BENCH_REFERENCE" });
});
