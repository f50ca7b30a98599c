import type { ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { modelFiles, readManifest } from "../src/grounding/index.js";
import { startChild } from "./children.js";
import { checkout } from "./python.js";

/**
 * The interpreter with test/servers/requirements.txt: GRASP_GROUNDING_SERVERS_PYTHON, or what `npm test` made.
 * @throws Error when there is none
 */
export function serversPython(): string {
  const made = join(checkout, ".cache", "venv-servers", "bin", "python");
  const path = process.env.GRASP_GROUNDING_SERVERS_PYTHON ?? made;
  if (existsSync(path)) return path;
  throw new Error("no MLServer: run `npm test` once to set it up, or set GRASP_GROUNDING_SERVERS_PYTHON");
}

export interface RunningServer {
  readonly url: string;
  /** Where it speaks gRPC, when it does. */
  readonly grpcUrl?: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** `mlserver start` with the parts of a model, below `folder`. It may not be ready yet. */
export async function startMlserver(model: string, folder: string): Promise<RunningServer> {
  const { name, files } = modelFiles(model, await readManifest(model));
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(checkout, "bench", "reference", "parts_runtime.py"), join(folder, "parts_runtime.py"));
  const settings = {
    http_port: http,
    grpc_port: grpc,
    metrics_port: metrics,
    host: "127.0.0.1",
    debug: false,
    parallel_workers: 0,
    // Its default of 4 MiB is less than the features of an image.
    grpc_max_message_length: 64 * 2 ** 20,
  };
  writeFileSync(join(folder, "settings.json"), JSON.stringify(settings));
  for (const [part, uri] of Object.entries(files)) {
    const path = join(folder, part);
    mkdirSync(path);
    const about = { name: `${name}-${part}`, implementation: "parts_runtime.OnnxPart", parameters: { uri } };
    writeFileSync(join(path, "model-settings.json"), JSON.stringify(about));
  }
  const child = startChild(serversPython(), ["-c", "from mlserver.cli import main; main()", "start", "."], {
    cwd: folder,
    env: { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  return { ...serverOf(child, `http://127.0.0.1:${http}`), grpcUrl: `grpc://127.0.0.1:${grpc}` };
}

export function serverOf(child: ChildProcess, url: string): RunningServer {
  let stderr = "";
  child.stderr?.on("data", (chunk) => {
    stderr = (stderr + chunk).slice(-4000);
  });
  child.on("exit", (code) => {
    if (code !== 0 && code !== null) process.stderr.write(`server ended (${code}): ${stderr}\n`);
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await exit;
  };
  return { url, process: child, stop };
}
