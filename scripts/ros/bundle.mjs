#!/usr/bin/env node
// `npm run ros:bundle -- TARGET`: copies everything that the ROS node runs from into a folder, or into an archive when TARGET
// ends in .tar.gz: the compiled program, models and the packages that package-lock.json does not mark as development.
// Node builtins and tar only, and no network.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { repository } from "./paths.mjs";
import { Problem } from "./run.mjs";

const json = (name) => JSON.parse(readFileSync(join(repository, name), "utf8"));

/** Folders of the packages that run; those inside another package are listed on their own. */
function packages() {
  return Object.entries(json("package-lock.json").packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true)
    .map(([path]) => path)
    .filter((path) => existsSync(join(repository, path, "package.json")));
}

/** Copies a package without the packages inside it, and of one compiled here the addon without what it was made from. */
function copyPackage(path, target) {
  const from = realpathSync(join(repository, path));
  const compiled = existsSync(join(from, "binding.gyp"));
  cpSync(from, join(target, path), {
    recursive: true,
    dereference: true,
    filter: (file) => {
      const inside = relative(from, file);
      if (/^node_modules(\/|$)/.test(inside)) return false;
      return !compiled || !/^build\/(?!Release(\/[^/]+\.node)?$)/.test(inside);
    },
  });
}

function stage(target) {
  if (!existsSync(join(repository, "dist", "src", "cli", "main.js")))
    throw new Problem("the program is not compiled", "run `npm run build`");
  if (!existsSync(join(repository, "node_modules", "rclnodejs", "package.json")))
    throw new Problem("rclnodejs is not installed", "run `npm ci` and `npm run ros:setup`");
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const files = json("package.json").files.filter((each) => !each.startsWith("!"));
  for (const name of [...files, "package.json", "LICENSE"])
    cpSync(join(repository, name), join(target, name), {
      recursive: true,
      filter: (file) => !/(^|\/)(__pycache__|\.tsbuildinfo)$/.test(file),
    });
  for (const path of packages()) copyPackage(path, target);
}

try {
  const given = process.argv[2];
  if (given === undefined)
    throw new Problem("the target is missing", "npm run ros:bundle -- FOLDER|FILE.tar.gz");
  const target = resolve(given);
  if (!target.endsWith(".tar.gz")) stage(target);
  else {
    const folder = mkdtempSync(join(tmpdir(), "grasp-grounding-bundle-"));
    try {
      stage(folder);
      mkdirSync(dirname(target), { recursive: true });
      const { status, stderr } = spawnSync("tar", ["-czf", target, "-C", folder, "."], { encoding: "utf8" });
      if (status !== 0) throw new Problem(`tar failed (${stderr.trim()})`, "check the disk's free space");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  process.stdout.write(`${given}: ${packages().length} packages and the program\n`);
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  process.stderr.write(`ros:bundle: ${error.message}\n`);
  process.exitCode = 1;
}
