import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { repository } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "offline-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const attempts = join(folder, "attempts.txt");
const preload = join(repository, "test", "support", "no-network.cjs");
const program = join(repository, "bin", "grasp-grounding.mjs");
/** A network namespace without interfaces also binds native code; not every machine lets one be made. */
const namespace = spawnSync("unshare", ["--map-root-user", "--net", "true"]).status === 0;

function offline(args: readonly string[]) {
  rmSync(attempts, { force: true });
  const command = [process.execPath, "--require", preload, ...args];
  const [first = "", ...rest] = namespace ? ["unshare", "--map-root-user", "--net", ...command] : command;
  const result = spawnSync(first, rest, {
    cwd: repository,
    encoding: "utf8",
    env: { ...process.env, GRASP_GROUNDING_SETUP: "skip", NETWORK_ATTEMPTS: attempts },
  });
  return { ...result, attempts: existsSync(attempts) ? readFileSync(attempts, "utf8") : "" };
}

it("the demo, model and grasps included, needs no network and asks for none", () => {
  const { status, stdout, attempts } = offline([program, "demo", "--once", "--out", join(folder, "out")]);
  expect(stdout).toContain("give me the red mug on the left");
  expect(status).toBe(0);
  expect(attempts).toBe("");
});

it("nor does what only looks: doctor, models list, models verify", () => {
  for (const args of [["doctor"], ["models", "list"], ["models", "verify"]]) {
    const { status, attempts } = offline([program, ...args]);
    expect([args, status, attempts]).toEqual([args, 0, ""]);
  }
});

it("and an attempt would be seen", () => {
  const { attempts } = offline(["-e", 'fetch("http://192.0.2.1:8000/").catch(() => {})']);
  expect(attempts).toContain("connect 192.0.2.1:8000");
  expect(offline(["-e", 'fetch("http://example.invalid/").catch(() => {})']).attempts).toContain(
    "example.invalid",
  );
});
