#!/usr/bin/env node
// Runs a command in the environment `npm run ros:setup` wrote: node scripts/ros/with-env.mjs COMMAND [ARGUMENT…]
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheFolder, repository } from "./paths.mjs";

const file = join(cacheFolder, "env.json");
if (!existsSync(file)) {
  process.stderr.write("there is no ROS 2 environment yet; run `npm run ros:setup`\n");
  process.exit(1);
}
const { set, prepend } = JSON.parse(readFileSync(file, "utf8"));
const env = { ...process.env, ...set };
for (const [name, value] of Object.entries(prepend))
  env[name] = [value, env[name]].filter(Boolean).join(delimiter);
env.PATH = [join(repository, "node_modules", ".bin"), env.PATH].join(delimiter);
const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  process.stderr.write(`${command}: ${error.message}\n`);
  process.exit(127);
});
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
