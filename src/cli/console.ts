import { spawn } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { BagSource, startConsole } from "../console/index.js";
import { Metrics, type MetricsEndpoint, parseEndpoint, startMetrics } from "../metrics/index.js";
import { collect, nonNegative, openBridge, type PipelineOptions, pipelineFlags, usage } from "./pipeline.js";
import { packageRoot, packageVersion } from "./version.js";

export interface ConsoleCliOptions extends PipelineOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly allowOrigin?: readonly string[];
  /** False keeps none. */
  readonly audit?: string | false;
  readonly metrics?: string;
  readonly colour?: string;
  readonly depth?: string;
  readonly cameraInfo?: string;
  readonly paused?: boolean;
  readonly open?: boolean;
}

/** `console`: the teleop console without ROS, on a recording. */
export function consoleCommand(): Command {
  const command = new Command("console")
    .description("the teleop console on a recorded bag, without ROS")
    .argument("[bag]", "bag to play; the bundled demo by default")
    .option("--host <address>", "address to listen on; any but loopback needs a token", "127.0.0.1")
    .option("--port <n>", "port; 0 takes a free one", port, 8087)
    .option("--token-file <file>", "lines `operator TOKEN` and `viewer TOKEN`; also from the environment")
    .option("--tls-cert <file>", "certificate (PEM); with --tls-key the console is served over HTTPS")
    .option("--tls-key <file>", "its key (PEM)")
    .option("--allow-origin <origin>", "another origin whose pages may use it; may be repeated", collect)
    .option("--audit <file>", "audit log (JSON lines)", defaultAudit())
    .option("--no-audit", "keep no audit log")
    .option("--metrics <[host:]port>", "serve figures for Prometheus; on loopback unless a host is given")
    .option("--colour <topic>", "colour topic, when the guess is wrong")
    .option("--depth <topic>", "depth topic, when the guess is wrong")
    .option("--camera-info <topic>", "camera info topic, when the guess is wrong")
    .option("--paused", "start paused on the first picture")
    .option("--open", "open it in the browser");
  for (const flag of pipelineFlags()) command.addOption(flag);
  return command.action(async (bag: string | undefined, options: ConsoleCliOptions) => {
    await runConsole(bag ?? join(packageRoot, "demo", "demo.mcap"), options);
  });
}

/** Serves the console on a recording until a signal ends it. */
export async function runConsole(path: string, options: ConsoleCliOptions): Promise<void> {
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined))
    throw usage("--tls-cert and --tls-key belong together");
  const metrics = options.metrics === undefined ? undefined : new Metrics("console", packageVersion());
  const endpoint = options.metrics === undefined ? undefined : parseEndpoint(options.metrics);
  const { colour, depth, cameraInfo, paused } = options;
  const source = await BagSource.open(path, {
    ...(colour !== undefined && { colour }),
    ...(depth !== undefined && { depth }),
    ...(cameraInfo !== undefined && { cameraInfo }),
    ...(paused !== undefined && { paused }),
  });
  const bridge = await openBridge(options).catch(async (error) => {
    await source.close();
    throw error;
  });
  try {
    const running = await startConsole({
      source,
      bridge,
      version: packageVersion(),
      ...(options.host !== undefined && { host: options.host }),
      ...(options.port !== undefined && { port: options.port }),
      ...(options.tokenFile !== undefined && { tokenFile: options.tokenFile }),
      ...(options.tlsCert !== undefined &&
        options.tlsKey !== undefined && { tls: { cert: options.tlsCert, key: options.tlsKey } }),
      ...(options.allowOrigin !== undefined && { allowOrigins: options.allowOrigin }),
      ...(metrics !== undefined && { metrics }),
      ...(typeof options.audit === "string" && { audit: options.audit }),
    });
    process.stdout.write(
      `console: ${running.url}${running.needsToken ? " (sign in with a token)" : ""}; Ctrl-C ends it\n`,
    );
    if (options.open) openBrowser(running.url);
    const served = await serveMetrics(metrics, endpoint).catch(async (error) => {
      await running.close();
      throw error;
    });
    await interrupted();
    await served?.close();
    await running.close();
  } finally {
    await source.close();
    await bridge.close();
  }
}

async function serveMetrics(metrics: Metrics | undefined, endpoint: MetricsEndpoint | undefined) {
  if (metrics === undefined || endpoint === undefined) return undefined;
  const served = await startMetrics(metrics, endpoint);
  process.stdout.write(`metrics: ${served.url}\n`);
  return served;
}

/** Where the audit log is kept unless told otherwise: with the user's other state (XDG). */
export function defaultAudit(): string {
  const state = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  return join(state, "grasp-grounding", "console-audit.jsonl");
}

function port(text: string): number {
  const value = nonNegative(text);
  if (!Number.isInteger(value) || value > 65535) throw usage(`${text} is not a port`);
  return value;
}

/** A browser that cannot be opened is no failure: the address has been printed. */
function openBrowser(url: string): void {
  const program = { darwin: "open", win32: "explorer" }[process.platform as string] ?? "xdg-open";
  spawn(program, [url], { stdio: "ignore", detached: true })
    .on("error", () => undefined)
    .unref();
}

/** Resolves at the first SIGINT or SIGTERM; the second ends the process at once. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const stop = () => {
      if (++count > 1) process.exit(130);
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
