import { describe } from "../errors/index.js";
import { stopRequest } from "../system/index.js";
import { defaultName, GroundingNode, type GroundingNodeOptions } from "./node.js";
import { parameterOverrides } from "./parameters/overrides.js";
import { readRosArguments } from "./parameters/ros-arguments.js";
import { loadRcl } from "./rcl.js";

export interface RunOptions extends Omit<GroundingNodeOptions, "rcl" | "overrides"> {
  /** The command line from `--ros-args` on. */
  readonly rosArgs?: readonly string[];
  /** Ends the node, as a signal does. */
  readonly signal?: AbortSignal;
  /** Called when the node spins. */
  readonly onReady?: (node: GroundingNode) => void;
  /** Starts a companion of the node once it spins. @returns what ends it, before the node ends */
  readonly startCompanion?: (node: GroundingNode) => Promise<() => Promise<void>>;
}

/**
 * Runs the node until SIGINT, SIGTERM, SIGHUP, an abort, or the end of the program that started it; the arm is stopped
 * first. Leaves nothing behind: rclnodejs's waiting thread ends before the process takes Fast DDS down under it.
 * @returns the exit code.
 * @throws GraspGroundingError ROS_MISSING, ROS_PARAMETER, ROS_PARAMETER_FILE
 */
export async function runNode(options: RunOptions): Promise<number> {
  // Before anything that takes time: a signal while the node starts ends it as one later does.
  const stop = stopRequest(options.signal);
  const name = options.name ?? defaultName;
  const given = readRosArguments(options.rosArgs ?? [], name);
  const overrides = parameterOverrides(given.parameters);
  const rcl = await loadRcl();
  // Its own handler ends ROS under our feet, before the node has let go of its entities.
  rcl.removeSignalHandlers();
  await rcl.init(undefined, [process.argv[0]!, name, ...given.rest]);
  let node: GroundingNode | undefined;
  let endCompanion: (() => Promise<void>) | undefined;
  const leave = (): void => {
    if (!rcl.isShutdown()) rcl.shutdown();
  };
  process.once("exit", leave);
  try {
    node = new GroundingNode({ ...options, rcl, overrides });
    node.spin();
    if (node.parameters.autostart && !stop.asked) node.start();
    if (!stop.asked) endCompanion = await options.startCompanion?.(node);
    if (!stop.asked) options.onReady?.(node);
    await stop.requested;
  } finally {
    node?.stop();
    await endCompanion?.();
    await node?.close().catch((error) => process.stderr.write(`${name}: ${describe(error)}\n`));
    leave();
    process.off("exit", leave);
  }
  return 0;
}
