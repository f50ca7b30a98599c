import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resultSchema } from "../../src/pipeline/index.js";
import { consoleAddress } from "../support/console-address.js";
import { type Packed, pack } from "../support/packed.js";
import { repository } from "../support/python.js";

const npmrc = spawnSync("npm", ["config", "get", "userconfig"], { encoding: "utf8" }).stdout.trim();
const cache = spawnSync("npm", ["config", "get", "cache"], { encoding: "utf8" }).stdout.trim();

/** The user that owns nothing. */
const nobody = 65534;

/** The console of the installed program says where it is, and its page is there. */
async function consoleAnswers(program: string, home: string, cwd: string): Promise<void> {
  const child = spawn(process.execPath, [program, "console", "--port", "0"], {
    cwd,
    env: { HOME: home, PATH: process.env.PATH },
  });
  let said = "";
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      said += chunk;
      const found = consoleAddress(said);
      if (found !== undefined) resolve(found);
    });
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    child.once("exit", () => reject(new Error(`the console ended: ${said}`)));
  });
  const page = await fetch(address);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain("<script");
  child.removeAllListeners("exit");
  const ended = once(child, "exit");
  child.kill("SIGINT");
  expect((await ended)[0]).toBe(0);
}

let packed: Packed;

beforeAll(() => {
  packed = pack();
});
afterAll(() => rmSync(packed.folder, { recursive: true, force: true }));

describe("the npm package, installed", () => {
  it("installs into an empty folder, its packages' scripts allowed, and works from another as another user", async () => {
    const { folder, home, tarball, run } = packed;
    const user = join(folder, "user");
    mkdirSync(user);
    writeFileSync(join(user, "package.json"), '{"private": true}');
    const flags = ["--prefer-offline", "--no-audit", "--no-fund"];
    const installed = run(
      "npm",
      ["install", ...flags, "--cache", cache, "--userconfig", npmrc, tarball],
      user,
    );
    expect(installed.stderr).not.toMatch(/npm error/);
    expect(installed.status).toBe(0);

    const elsewhere = join(folder, "elsewhere");
    mkdirSync(elsewhere);
    // As somebody without rights on the installation, where the tests may change to such a one.
    const root = process.getuid?.() === 0;
    if (root) for (const path of [elsewhere, home]) chownSync(path, nobody, nobody);
    chmodSync(folder, 0o755);
    const program = join(user, "node_modules", ".bin", "grasp-grounding");
    const call = (...args: string[]) =>
      spawnSync(process.execPath, [program, ...args], {
        cwd: elsewhere,
        env: { HOME: home, PATH: process.env.PATH },
        encoding: "utf8",
        maxBuffer: 2 ** 26,
        ...(root && { uid: nobody, gid: nobody }),
      });
    const done = (...args: string[]) => {
      const { status, stderr, stdout } = call(...args);
      expect({ args, status, stderr }).toMatchObject({ args, status: 0 });
      return stdout;
    };

    expect(done("demo", "--samples", ".")).toContain("color.png");
    const image = ["--image", "color.png", "--depth", "depth.png", "--camera", "intrinsics.json"];
    const result = resultSchema.parse(
      JSON.parse(done("ground", ...image, "--query", "the banana", "--json", "--overlay", "answer.png")),
    );
    expect(result.found).toBe(true);
    expect(result.grasps.length).toBeGreaterThan(0);
    expect(
      done("replay", "demo.mcap", "--query", "the banana", "--every", "10", "--out", "r.mcap"),
    ).toContain("the banana");
    expect(done("demo", "--once")).toContain("overlay.png");
    for (const name of ["answer.png", "r.mcap", "out/demo/result.jsonl"])
      expect(statSync(join(elsewhere, name)).size, name).toBeGreaterThan(1000);
    expect(done("models", "list")).toContain("lite");
    expect(done("doctor")).toContain("model lite");
    expect(done("calibrate", "--help")).toContain("intrinsics");
    await consoleAnswers(program, home, elsewhere);
    const imported = run(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        'const m = await import("grasp-grounding"); console.log(Object.keys(m).length)',
      ],
      user,
    );
    expect(Number(imported.stdout)).toBeGreaterThan(10);
    expect(done("--version").trim()).toBe(
      JSON.parse(readFileSync(join(repository, "package.json"), "utf8")).version,
    );
  }, 900_000);
});
