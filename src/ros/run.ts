import { describe } from "../errors/index.js";
import { GroundingNode, type GroundingNodeOptions } from "./node.js";
import { loadRcl } from "./rcl.js";

export interface RunOptions extends Omit<GroundingNodeOptions, "rcl"> {
  /** The command line from `--ros-args` on. */
  readonly rosArgs?: readonly string[];
  /** Ends the node, as a signal does. */
  readonly signal?: AbortSignal;
  /** Called when the node spins. */
  readonly onReady?: (node: GroundingNode) => void;
  /** Starts what runs beside the node once it spins; what it gives ends it, before the node ends. */
  readonly startCompanion?: (node: GroundingNode) => Promise<() => Promise<void>>;
}

/**
 * Runs the node until SIGINT, SIGTERM or an abort, and leaves nothing behind: rclnodejs's waiting thread ends before
 * the process takes Fast DDS down under it.
 * @returns the exit code.
 * @throws GraspGroundingError ROS_MISSING, ROS_PARAMETER
 */
export async function runNode(options: RunOptions): Promise<number> {
  const rcl = await loadRcl();
  // Its own handler ends ROS under our feet, before the session has let go of its entities.
  rcl.removeSignalHandlers();
  await rcl.init(undefined, [process.argv[0]!, "grasp_grounding", ...(options.rosArgs ?? [])]);
  const end = stopRequest(options.signal);
  let node: GroundingNode | undefined;
  let endCompanion: (() => Promise<void>) | undefined;
  let exitCode = 0;
  const leave = (): void => {
    if (!rcl.isShutdown()) rcl.shutdown();
  };
  process.once("exit", leave);
  try {
    node = new GroundingNode({ ...options, rcl });
    node.spin();
    if (node.parameters.autostart) node.start();
    endCompanion = await options.startCompanion?.(node);
    options.onReady?.(node);
    await end.requested;
  } catch (error) {
    exitCode = 1;
    throw error;
  } finally {
    end.dispose();
    await endCompanion?.();
    await node?.close().catch((error) => process.stderr.write(`grasp_grounding: ${describe(error)}\n`));
    leave();
    process.off("exit", leave);
  }
  return exitCode;
}

/** Resolves at the first SIGINT, SIGTERM or abort; a second one, a second later, ends the process at once. */
function stopRequest(signal: AbortSignal | undefined) {
  let stop = (): void => {};
  const requested = new Promise<void>((resolve) => {
    stop = resolve;
  });
  let asked: number | undefined;
  const onSignal = (): void => {
    // Terminals and launch systems send one stop twice; a person who insists takes longer than this.
    if (asked !== undefined && performance.now() - asked > 1_000) process.exit(130);
    asked ??= performance.now();
    stop();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  return {
    requested,
    dispose: (): void => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
      signal?.removeEventListener("abort", stop);
    },
  };
}
