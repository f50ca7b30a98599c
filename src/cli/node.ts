import { Command } from "commander";
import { startConsole } from "../console/index.js";
import { usage } from "../errors/index.js";
import {
  type ConfiguredArm,
  type GroundingNode,
  missingEnvironment,
  runNode,
  useLargeImageProfile,
} from "../ros/index.js";
import { packageRoot, packageVersion, runInEnvironment } from "../system/index.js";
import { announce, type ServeOptions, serveFlags, serveOptions } from "./console.js";
import { consoleArm } from "./node/console-arm.js";
import { NodeSource } from "./node/node-source.js";
import { nodePipeline } from "./node/pipeline-options.js";

interface NodeCliOptions extends ServeOptions {
  readonly console?: boolean;
}

export const nodeCommand = (): Command =>
  serveFlags(
    new Command("node")
      .description("the ROS 2 node; arguments from --ros-args on go to ROS")
      .argument("[ros-args...]", "--ros-args …: parameters, remappings and log levels, as for any ROS 2 node")
      .option("--console", "serve the teleop console on the live camera; the options below are for it"),
  )
    .allowUnknownOption()
    .addHelpText(
      "after",
      "\nParameters: docs/ros-parameters.md; topics, service and action: docs/ros-api.md.",
    )
    .action(async (rosArgs: readonly string[], options: NodeCliOptions) => {
      refuseOthers(rosArgs);
      useLargeImageProfile(packageRoot);
      const env = missingEnvironment(packageRoot) ?? unlimitedHeaps();
      process.exitCode = env === undefined ? await run(rosArgs, options) : await runInEnvironment(env);
    });

/** glibc reads its settings when a process starts; the executable `bridge` has set them. */
const unlimitedHeaps = (): NodeJS.ProcessEnv | undefined =>
  process.platform === "linux" && process.env.MALLOC_ARENA_MAX === undefined ? process.env : undefined;

/** Options of the node come before `--ros-args`, those of ROS after it. @throws GraspGroundingError USAGE */
function refuseOthers(args: readonly string[]): void {
  let ros = false;
  for (const arg of args) {
    if (arg === "--ros-args") ros = true;
    else if (ros && arg === "--") ros = false;
    else if (!ros)
      throw usage(`the command node does not know ${arg}; arguments for ROS come after --ros-args`);
  }
}

function run(rosArgs: readonly string[], options: NodeCliOptions): Promise<number> {
  const source = options.console === true ? new NodeSource() : undefined;
  const serve = serveOptions(options);
  const arms = new ArmRelay();
  return runNode({
    rosArgs,
    version: packageVersion(),
    ...(source !== undefined && {
      observer: source,
      onArm: (arm: ConfiguredArm | undefined) => arms.changed(arm),
      startCompanion: (node: GroundingNode) => serveConsole(node, source, serve, arms, options.open === true),
    }),
    pipeline: (parameters) => ({
      module: new URL("./node/ros-pipeline.js", import.meta.url).href,
      options: nodePipeline(parameters),
    }),
  });
}

/** The console on a node that spins. @returns the call that ends it */
async function serveConsole(
  node: GroundingNode,
  source: NodeSource,
  serve: ReturnType<typeof serveOptions>,
  arms: ArmRelay,
  open: boolean,
): Promise<() => Promise<void>> {
  source.attach(node);
  const running = await startConsole({
    ...serve,
    source,
    pipeline: node.pipeline,
    provider: node.parameters.provider,
  });
  arms.attach((arm) => running.core.connectArm(arm === undefined ? undefined : consoleArm(arm)));
  announce(running, open);
  return async () => {
    arms.attach(undefined);
    await running.close();
  };
}

/** The arm may come before the console, or go and come again while it runs. */
class ArmRelay {
  #arm: ConfiguredArm | undefined;
  #listener: ((arm: ConfiguredArm | undefined) => void) | undefined;

  changed(arm: ConfiguredArm | undefined): void {
    this.#arm = arm;
    this.#listener?.(arm);
  }

  attach(listener: ((arm: ConfiguredArm | undefined) => void) | undefined): void {
    this.#listener = listener;
    listener?.(this.#arm);
  }
}
