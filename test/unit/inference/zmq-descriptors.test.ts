import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { repository } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "descriptors-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("a connection that finds too few descriptors is not made, takes none, and lets the process end", () => {
  const script = join(repository, "test", "support", "few-descriptors.mjs");
  const { status, stdout, stderr } = spawnSync(
    "bash",
    ["-c", 'ulimit -n 128; exec "$@"', "bash", process.execPath, script, `ipc://${join(folder, "nobody")}`],
    // A process whose sockets can no longer be closed does not end.
    { encoding: "utf8", timeout: 30_000, killSignal: "SIGKILL" },
  );
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const { made, before, after } = JSON.parse(stdout) as { made: boolean[]; before: number; after: number };
  expect(made[0]).toBe(false);
  expect(made.at(-1)).toBe(true);
  // One that is not given back takes three.
  expect(after).toBeLessThan(before + 3);
});
