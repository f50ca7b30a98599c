// Makes a source checkout ready to run: packages installed, TypeScript compiled. Each step is skipped while its
// inputs are what they were when it last succeeded. Node's own modules only: it runs before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { slimOnnxRuntime } from "./onnx-runtime.mjs";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const stamps = join(root, ".cache", "setup");

/** SHA-256 over the names and contents of files and of folders' files. */
export function fingerprint(paths) {
  const hash = createHash("sha256").update(process.version);
  const visit = (path) => {
    const full = join(root, path);
    if (!existsSync(full)) return;
    const entries = safeReaddir(full);
    if (entries === undefined) hash.update(path).update(readFileSync(full));
    else for (const name of entries.sort()) if (name !== "node_modules") visit(join(path, name));
  };
  paths.forEach(visit);
  return hash.digest("hex");
}

function safeReaddir(path) {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
}

/** Runs a step unless `inputs` are unchanged since it last succeeded and `output` exists. Steps may run at the same time. */
export async function step(name, { inputs, output, run }) {
  const stamp = join(stamps, name);
  const now = fingerprint(inputs);
  if (existsSync(join(root, output)) && existsSync(stamp) && readFileSync(stamp, "utf8") === now) return;
  const started = Date.now();
  process.stderr.write(`set-up: ${name} …\n`);
  await run();
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, now);
  process.stderr.write(`set-up: ${name} done in ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
}

/** Runs a program in the checkout, its output on stderr; ends this process with one clear line when it fails. */
export function sh(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
  if (result.status === 0) return;
  stop(command, args, result.error ? result.error.message : `exit code ${result.status ?? result.signal}`);
}

/** `sh` for a program of Node.js that runs next to others. */
function shNode(...args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", 2, 2] });
  return new Promise((done) =>
    child.once("exit", (code, signal) => {
      if (code !== 0) stop("node", args, `exit code ${code ?? signal}`);
      done();
    }),
  );
}

function stop(command, args, why) {
  process.stderr.write(`set-up: \`${command} ${args.join(" ")}\` failed (${why}); see its output above\n`);
  process.exit(1);
}

/** Packages and compiled program. GRASP_GROUNDING_SETUP=skip trusts what is there (the tests' child processes do). */
export async function setUp() {
  if (process.env.GRASP_GROUNDING_SETUP === "skip") return;
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 20)) {
    process.stderr.write(`set-up: Node.js ${process.versions.node} is too old; install 20.20 or later\n`);
    process.exit(1);
  }
  await step("packages", {
    inputs: ["package-lock.json", ".npmrc", "scripts/lib/onnx-runtime.mjs"],
    output: "node_modules/typescript",
    // `npm ci` would delete what ros:setup compiled inside node_modules; a tree that is there is brought up to date.
    run: () => {
      const command = existsSync(join(root, "node_modules")) ? ["install", "--no-save"] : ["ci"];
      const flags = ["--no-audit", "--no-fund", "--loglevel=error"];
      sh("npm", [...command, ...flags], { shell: process.platform === "win32" });
      slimOnnxRuntime(root);
    },
  });
  const compiler = "node_modules/typescript/bin/tsc";
  // The three write different files. Types are checked by `npm run typecheck` and `npm test`: that takes as long again.
  await Promise.all([
    step("compile", {
      inputs: ["src", "tsconfig.json", "tsconfig.build.json"],
      output: "dist/src/cli/main.js",
      run: () =>
        Promise.all([
          shNode(compiler, "-p", "tsconfig.build.json", "--noCheck"),
          shNode(compiler, "-p", "src/report/client", "--noCheck"),
        ]),
    }),
    step("console-page", {
      inputs: ["src/console/web", "package-lock.json"],
      output: "dist/console/web/index.html",
      run: () => shNode("node_modules/vite/bin/vite.js", "build", "src/console/web", "--logLevel", "warn"),
    }),
  ]);
}
