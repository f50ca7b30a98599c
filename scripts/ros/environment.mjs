// The environment a ROS 2 process needs, as data: written once by the set-up, read by tests and by the command line.
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheFolder } from "./paths.mjs";

const changed = ["AMENT_PREFIX_PATH", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "ROS_DISTRO", "ROS_VERSION"];

/** The ROS 2 a person has sourced, or undefined. What this set-up made itself does not count. */
export function sourcedRos(env = process.env) {
  const prefixes = (env.AMENT_PREFIX_PATH ?? "")
    .split(delimiter)
    .filter((prefix) => prefix && existsSync(prefix) && !prefix.startsWith(cacheFolder));
  if (!env.ROS_DISTRO || prefixes.length === 0) return undefined;
  return { distro: env.ROS_DISTRO, prefixes };
}

/** The complete environment of a process that uses `base` and the built interface folders. */
export function composeEnvironment(base, interfaces, env = process.env) {
  const site = (prefix) =>
    ["site-packages", "dist-packages"].flatMap((kind) =>
      existsSync(join(prefix, "lib"))
        ? readdirSync(join(prefix, "lib"))
            .filter((name) => /^python3\.\d+$/.test(name))
            .map((name) => join(prefix, "lib", name, kind))
        : [],
    );
  const own = [...interfaces, ...(base.wheels ? [base.wheels] : [])];
  const libraries = own.map((prefix) => join(prefix, "lib"));
  if (base.wheels) {
    const packages = site(base.wheels)[0];
    for (const name of readdirSync(packages).sort())
      if (/^ros_.*\.libs$/.test(name)) libraries.push(join(packages, name));
  }
  const prepend = (values, existing) =>
    [...new Set([...values, ...(existing ?? "").split(delimiter)])].filter(Boolean).join(delimiter);
  return {
    ...env,
    ROS_DISTRO: base.distro,
    ROS_VERSION: "2",
    AMENT_PREFIX_PATH: prepend([...interfaces, ...base.prefixes], undefined),
    LD_LIBRARY_PATH: prepend(libraries, env.LD_LIBRARY_PATH),
    PYTHONPATH: prepend(own.flatMap(site).filter(existsSync), base.wheels ? undefined : env.PYTHONPATH),
    PATH: base.wheels ? prepend([join(base.wheels, "bin")], env.PATH) : env.PATH,
  };
}

/** Writes env.json (read by programs) and env.sh (for a shell: `. .cache/ros/env.sh`). */
export function writeEnvironment(environment) {
  const prepended = new Set(["LD_LIBRARY_PATH", "PATH"]);
  const entries = changed.map((name) => {
    const value = environment[name] ?? "";
    if (!prepended.has(name)) return [name, value];
    const before = new Set((process.env[name] ?? "").split(delimiter));
    return [
      name,
      value
        .split(delimiter)
        .filter((part) => part.startsWith(cacheFolder) || !before.has(part))
        .join(delimiter),
    ];
  });
  const json = { set: {}, prepend: {} };
  const lines = ["# Made by `npm run ros:setup`: the environment of this checkout's ROS 2."];
  for (const [name, value] of entries) {
    if (!value) continue;
    if (prepended.has(name)) {
      json.prepend[name] = value;
      lines.push(`export ${name}='${value}'"\${${name}:+:$${name}}"`);
    } else {
      json.set[name] = value;
      lines.push(`export ${name}='${value}'`);
    }
  }
  writeFileSync(join(cacheFolder, "env.json"), `${JSON.stringify(json, undefined, 2)}\n`);
  writeFileSync(join(cacheFolder, "env.sh"), `${lines.join("\n")}\n`);
}
