import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, GraspGroundingError } from "../errors/index.js";

export interface PythonOptions {
  /** Folder of the `export` package (models/), with export/requirements.txt. */
  readonly packages: string;
  /** List of other packages. Default: export/requirements.txt. */
  readonly list?: string;
  /** An interpreter that has the requirements already; default GRASP_GROUNDING_PYTHON. */
  readonly interpreter?: string;
  /** Called with each line of progress. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * An interpreter with the packages of a list: the one named, else an environment made once in the cache folder, one
 * for each version of the list.
 * @throws GraspGroundingError PYTHON_MISSING, PYTHON_PACKAGES
 */
export async function pythonFor(options: PythonOptions): Promise<string> {
  const named = options.interpreter ?? process.env.GRASP_GROUNDING_PYTHON;
  if (named) return named;
  const list = options.list ?? join(options.packages, "export", "requirements.txt");
  const digest = createHash("sha256")
    .update(await readFile(list))
    .digest("hex")
    .slice(0, 12);
  const folder = join(cacheFolder(), `python-${digest}`);
  const interpreter = join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const ready = join(folder, ".ready");
  if (await exists(ready)) return interpreter;
  await rm(folder, { recursive: true, force: true });
  await mkdir(cacheFolder(), { recursive: true });
  options.onLine?.(`making a Python environment in ${folder}`);
  const base = process.platform === "win32" ? "python" : "python3";
  const made = await runLines(base, ["-m", "venv", folder], options);
  if (made.code !== 0) {
    await rm(folder, { recursive: true, force: true });
    throw new GraspGroundingError("PYTHON_MISSING", {
      detail: made.last || `${base} -m venv failed (${made.code})`,
    });
  }
  const arguments_ = [
    "-m",
    "pip",
    "install",
    "--disable-pip-version-check",
    "--progress-bar",
    "off",
    "-r",
    list,
  ];
  const installed = await runLines(interpreter, arguments_, options);
  if (installed.code !== 0) {
    await rm(folder, { recursive: true, force: true });
    throw new GraspGroundingError("PYTHON_PACKAGES", { detail: installed.last, list });
  }
  // Written last and at once: an environment with an incomplete set-up is made again.
  await writeFile(`${ready}.part`, digest);
  await rename(`${ready}.part`, ready);
  return interpreter;
}

export interface Run {
  readonly code: number;
  /** Last printed line, of stderr before stdout. */
  readonly last: string;
}

/** Runs a program and passes on its output line by line. */
export async function runLines(
  program: string,
  args: readonly string[],
  options: Pick<PythonOptions, "onLine" | "signal"> & {
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
  },
): Promise<Run> {
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.env && { env: options.env }),
    ...(options.cwd && { cwd: options.cwd }),
    ...(options.signal && { signal: options.signal }),
  });
  let last = "";
  let lastError = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    last = line.trim() || last;
    options.onLine?.(line);
  });
  createInterface({ input: child.stderr }).on("line", (line) => {
    lastError = line.trim() || lastError;
  });
  return new Promise((resolve, reject) => {
    child.once("error", (cause) =>
      reject(
        new GraspGroundingError("PYTHON_MISSING", { detail: `${program}: ${describe(cause)}` }, { cause }),
      ),
    );
    child.once("close", (code, signal) =>
      resolve({ code: code ?? (signal ? 130 : 1), last: lastError || last }),
    );
  });
}

function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(base, "grasp-grounding");
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
