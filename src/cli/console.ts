import { spawn } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { BagSource, type ConsoleOptions, startConsole } from "../console/index.js";
import { usage } from "../errors/index.js";
import { Metrics, type MetricsEndpoint, parseEndpoint, startMetrics } from "../metrics/index.js";
import { createPipeline, type PipelineOptions } from "../pipeline/index.js";
import { interrupted, nonNegative, packageRoot, packageVersion } from "../system/index.js";
import { demoArm } from "./console/demo-arm.js";
import { collect, graspFlags, pipelineFlags } from "./pipeline-flags.js";

/** Options of the console with any image source. */
export interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly allowOrigin?: readonly string[];
  /** False writes none. */
  readonly audit?: string | false;
  readonly open?: boolean;
}

export interface ConsoleCliOptions extends PipelineOptions, ServeOptions {
  readonly metrics?: string;
  readonly colour?: string;
  readonly depth?: string;
  readonly cameraInfo?: string;
  readonly depthCameraInfo?: string;
  readonly depthRegistered?: boolean;
  readonly rectified?: boolean;
  readonly paused?: boolean;
}

/** `console`: the teleop console without ROS, on a recording. */
export function consoleCommand(): Command {
  const command = new Command("console")
    .description("the teleop console on a recorded bag, without ROS")
    .argument("[bag]", "bag to play; the bundled demo, with a simulated arm, by default")
    .option("--colour <topic>", "colour topic, when the guess is wrong")
    .option("--depth <topic>", "depth topic, when the guess is wrong")
    .option("--camera-info <topic>", "camera info topic, when the guess is wrong")
    .option("--depth-camera-info <topic>", "camera info of depth that is not aligned to colour")
    .option("--depth-registered", "depth is aligned to colour, whatever its frame says")
    .option("--no-depth-registered", "register depth through TF and both camera infos in any case")
    .option("--rectified", "the images are rectified: P of the camera info describes them")
    .option("--no-rectified", "the images are not rectified: K and D describe them")
    .option("--paused", "start paused on the first image")
    .option("--metrics <[host:]port>", "serve figures for Prometheus; on loopback unless a host is given");
  serveFlags(command);
  for (const flag of [...pipelineFlags("careful"), ...graspFlags()]) command.addOption(flag);
  return command.action(async (bag: string | undefined, options: ConsoleCliOptions) => {
    await runConsole(bag, options);
  });
}

/** Options of every command that serves the console. */
export function serveFlags(command: Command): Command {
  return command
    .option("--host <address>", "address the console listens on; any but loopback needs a token", "127.0.0.1")
    .option("--port <n>", "port of the console; 0 takes a free one", port, 8087)
    .option("--token-file <file>", "lines `operator TOKEN` and `viewer TOKEN`; also from the environment")
    .option("--tls-cert <file>", "certificate (PEM); with --tls-key the console is served over HTTPS")
    .option("--tls-key <file>", "its key (PEM)")
    .option("--allow-origin <origin>", "another origin whose pages may use it; may be repeated", collect)
    .option("--audit <file>", "audit log of the console (JSON lines)", defaultAudit())
    .option("--no-audit", "keep no audit log")
    .option("--open", "open it in the browser");
}

/** @throws GraspGroundingError USAGE */
export function serveOptions(options: ServeOptions): Omit<ConsoleOptions, "source" | "pipeline"> {
  const { host, port: at, tokenFile, tlsCert, tlsKey, allowOrigin, audit } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw usage("--tls-cert and --tls-key belong together");
  return {
    version: packageVersion(),
    ...(host !== undefined && { host }),
    ...(at !== undefined && { port: at }),
    ...(tokenFile !== undefined && { tokenFile }),
    ...(tlsCert !== undefined && tlsKey !== undefined && { tls: { cert: tlsCert, key: tlsKey } }),
    ...(allowOrigin !== undefined && { allowOrigins: allowOrigin }),
    ...(typeof audit === "string" && { audit }),
  };
}

/** Prints the console's address, and opens it on request. */
export function announce({ url, needsToken }: { url: string; needsToken: boolean }, open = false): void {
  process.stdout.write(`console: ${url} (${needsToken ? "sign in with a token; " : ""}Ctrl-C ends it)\n`);
  if (open) openBrowser(url);
}

/** Serves the console on a recording, or on the bundled demo with its arm, until a signal ends it. */
export async function runConsole(bag: string | undefined, options: ConsoleCliOptions): Promise<void> {
  const serve = serveOptions(options);
  const path = bag ?? join(packageRoot, "demo", "demo.mcap");
  const metrics = options.metrics === undefined ? undefined : new Metrics("console", packageVersion());
  const endpoint = options.metrics === undefined ? undefined : parseEndpoint(options.metrics);
  const { colour, depth, cameraInfo, depthCameraInfo, depthRegistered, rectified, paused } = options;
  const source = await BagSource.open(path, {
    ...(colour !== undefined && { colour }),
    ...(depth !== undefined && { depth }),
    ...(cameraInfo !== undefined && { cameraInfo }),
    ...(depthCameraInfo !== undefined && { depthInfo: depthCameraInfo }),
    ...(depthRegistered !== undefined && { depthRegistered }),
    ...(rectified !== undefined && { rectified }),
    ...(paused !== undefined && { paused }),
  });
  const pipeline = await createPipeline(options).catch(async (error) => {
    await source.close();
    throw error;
  });
  try {
    const running = await startConsole({
      ...serve,
      source,
      pipeline,
      provider: options.provider ?? "cpu",
      ...(bag === undefined && { arm: await demoArm(path) }),
      ...(metrics !== undefined && { metrics }),
    });
    // Before the address is printed: a program that waits for it may send the signal at once.
    const ended = interrupted();
    announce(running, options.open);
    const served = await serveMetrics(metrics, endpoint).catch(async (error) => {
      await running.close();
      throw error;
    });
    await ended;
    await served?.close();
    await running.close();
  } finally {
    await source.close();
    await pipeline.close();
  }
}

async function serveMetrics(metrics: Metrics | undefined, endpoint: MetricsEndpoint | undefined) {
  if (metrics === undefined || endpoint === undefined) return undefined;
  const served = await startMetrics(metrics, endpoint);
  process.stdout.write(`metrics: ${served.url}\n`);
  return served;
}

/** Default place of the audit log: with the user's other state (XDG). */
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
