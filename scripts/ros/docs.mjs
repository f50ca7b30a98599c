#!/usr/bin/env node
// Writes what is generated from the table of parameters: npm run ros:docs (after npm run build).
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./paths.mjs";

const { parameterJson, parameterPage, parameterYaml } = await import(
  new URL("../../dist/src/ros/parameters/parameter-docs.js", import.meta.url)
);
for (const [path, text] of [
  ["docs/ros-parameters.md", parameterPage()],
  ["launch/config/defaults.yaml", parameterYaml()],
  ["launch/parameters.json", parameterJson()],
]) {
  writeFileSync(join(repository, path), text);
  process.stdout.write(`wrote ${path}\n`);
}
