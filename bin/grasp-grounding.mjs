#!/usr/bin/env node
// In a source checkout the program sets itself up on first use; an installed package comes built.
import { existsSync } from "node:fs";

const root = new URL("..", import.meta.url);
if (existsSync(new URL("src", root))) {
  const { setUp } = await import(new URL("scripts/lib/setup.mjs", root).href);
  await setUp();
}
try {
  const { main } = await import(new URL("dist/src/cli/main.js", root).href);
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // The program itself could not be loaded: a damaged installation, or no file descriptors left.
  const remedy = error?.code === "EMFILE" ? "raise the limit of open files (ulimit -n)" : "install it again";
  process.stderr.write(
    `grasp-grounding: cannot be started (${String(error?.message).split("\n")[0]}); ${remedy}\n`,
  );
  process.exitCode = 1;
}
