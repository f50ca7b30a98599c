import { positionsOf } from "./arm-reading.js";
import type { ArmState, ConsoleArm } from "./console-arm.js";
import type { Act, GripperState } from "./gripper-state.js";

export interface ArmFacts {
  readonly moving: boolean;
  /** The stage of the running motion; undefined while it is planned. */
  readonly doing: { readonly text: string; readonly stage: string; readonly progress?: number } | undefined;
  /** How the last motion ended, in words; empty before the first. */
  readonly last: string;
  readonly gripper: GripperState;
  readonly gripperText: string;
  readonly acts: readonly Act[];
}

/** The arm as the page shows it. */
export function armStateOf(console: ConsoleArm, facts: ArmFacts): ArmState {
  const { arm, name, robot, teleop, named } = console;
  const { moving, doing, last, gripper, acts } = facts;
  const refusal = moving ? undefined : arm.refusal();
  const rest = refusal ?? (last === "" ? "ready" : `ready; last: ${last}`);
  const opening = console.reading?.()?.opening;
  const joints = robot === undefined ? undefined : positionsOf(console);
  const object = gripper.kind === "empty" ? undefined : gripper.object;
  const { tool } = arm;
  return {
    available: refusal === undefined,
    text: `${name}: ${moving ? (doing?.text ?? "planning") : rest}`,
    moving,
    jogs: teleop !== undefined,
    robot: robot !== undefined,
    holding: gripper.kind === "holding",
    gripper: {
      state: gripper.kind,
      text: facts.gripperText,
      ...(object !== undefined && { object: object.name }),
      ...(object?.thumbnailId !== undefined && { thumbnail: object.thumbnailId }),
    },
    acts: [...acts],
    named: Object.keys(named ?? {}).filter((each) => each !== "home"),
    ...(moving && { stage: doing?.stage ?? "planning" }),
    ...(doing?.progress !== undefined && moving && { progress: doing.progress }),
    ...(joints !== undefined && { joints: joints.map((q) => rounded(q, 1e4)) }),
    ...(opening !== undefined && { opening: rounded(opening, 1e4) }),
    ...(tool !== undefined && {
      tool: {
        position: tool.position.map((v) => rounded(v, 1e4)) as [number, number, number],
        orientation: tool.orientation.map((v) => rounded(v, 1e4)) as [number, number, number, number],
      },
    }),
  };
}

const rounded = (value: number, by: number): number => Math.round(value * by) / by;
