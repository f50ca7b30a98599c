#!/usr/bin/env node
// In a source checkout the program sets itself up on first use; an installed package comes built.
import { existsSync } from "node:fs";

const root = new URL("..", import.meta.url);
if (existsSync(new URL("src", root))) {
  const { setUp } = await import(new URL("scripts/lib/setup.mjs", root).href);
  await setUp();
}
const { main } = await import(new URL("dist/cli/main.js", root).href);
process.exitCode = await main(process.argv.slice(2));
