import { Command } from "commander";
import { startConsole } from "../console/index.js";
import { isProvider } from "../inference/index.js";
import { type BridgeNode, missingEnvironment, type ReadyArm, runNode } from "../ros/index.js";
import { announce, type ServeOptions, serveFlags, serveOptions } from "./console.js";
import { consoleArm } from "./console-arm.js";
import { NodeSource } from "./node-source.js";
import type { PipelineOptions } from "./pipeline.js";
import { runInEnvironment } from "./ros-again.js";
import { packageRoot, packageVersion } from "./version.js";

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
      const env = missingEnvironment(packageRoot);
      process.exitCode = env === undefined ? await run(rosArgs, options) : await runInEnvironment(env);
    });

function run(rosArgs: readonly string[], options: NodeCliOptions): Promise<number> {
  const source = options.console === true ? new NodeSource() : undefined;
  const serve = serveOptions(options);
  const arms = new ArmRelay();
  return runNode({
    rosArgs,
    version: packageVersion(),
    ...(source !== undefined && {
      observer: source,
      onArm: (arm: ReadyArm | undefined) => arms.changed(arm),
      beside: (node: BridgeNode) => serveConsole(node, source, serve, arms, options.open === true),
    }),
    pipeline: (parameters) => ({
      module: new URL("./ros-pipeline.js", import.meta.url).href,
      options: {
        model: parameters.model,
        backend: parameters.backend,
        ...(parameters.endpoints.trim() !== "" && {
          endpoint: parameters.endpoints.split(",").map((each) => each.trim()),
        }),
        ...(parameters.key_file !== "" && { key: parameters.key_file }),
        ...(parameters.server_key !== "" && { serverKey: parameters.server_key }),
        insecurePlainTcp: parameters.insecure_plain_tcp,
        requestTimeout: Math.round(parameters.request_timeout * 1000),
        provider: parameters.provider,
        ...(isProvider(parameters.require_provider) && { requireProvider: parameters.require_provider }),
        device: parameters.device,
        ...(parameters.gpu_memory > 0 && { gpuMemory: parameters.gpu_memory }),
        fp16: parameters.fp16,
        ...(parameters.threads > 0 && { threads: parameters.threads }),
        ...(parameters.threshold > 0 && { threshold: parameters.threshold }),
        grasps: parameters.plan_grasps,
        maxGrasps: parameters.max_grasps,
        gripper: parameters.gripper_model || gripperNames[parameters.gripper_preset],
        ...(parameters.gripper_model === "" &&
          parameters.gripper_preset === "custom" && { gripperStroke: parameters.gripper_stroke }),
        ...(parameters.grasp_model !== "" && { graspModel: parameters.grasp_model }),
      } satisfies PipelineOptions,
    }),
  });
}

/** The console on a node that spins. @returns what ends it */
async function serveConsole(
  node: BridgeNode,
  source: NodeSource,
  serve: ReturnType<typeof serveOptions>,
  arms: ArmRelay,
  open: boolean,
): Promise<() => Promise<void>> {
  source.attach(node);
  const running = await startConsole({
    ...serve,
    source,
    bridge: node.bridge,
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
  #arm: ReadyArm | undefined;
  #listener: ((arm: ReadyArm | undefined) => void) | undefined;

  changed(arm: ReadyArm | undefined): void {
    this.#arm = arm;
    this.#listener?.(arm);
  }

  attach(listener: ((arm: ReadyArm | undefined) => void) | undefined): void {
    this.#listener = listener;
    listener?.(this.#arm);
  }
}

/** The planner's gripper of each preset; a custom one is a Franka Hand of its own stroke, unless gripper_model says more. */
const gripperNames = {
  franka_hand: "franka_hand",
  robotiq_2f_85: "robotiq_2f85",
  custom: "franka_hand",
} as const;
