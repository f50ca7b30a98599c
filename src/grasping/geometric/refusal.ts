import type { Metres } from "../../geometry/index.js";
import type { Blocker, GraspRefusal, GripperModel } from "../types.js";

/** Reason for no grasp, as a code and in words. */
export interface Refusal {
  readonly refusal: GraspRefusal;
  readonly reason: string;
  /** The object without which there would be a grasp. */
  readonly blocker?: Blocker;
}

export const refuse = (refusal: GraspRefusal, reason: string): Refusal => ({ refusal, reason });

const millimetres = (length: Metres): number => Math.round(length * 1000);

/** The reason where another object keeps the gripper away. */
export const blockedReason = ({ side, name = "object" }: Blocker): string =>
  `no grasp is free: the ${name} ${side} it blocks them; take that one first?`;

/** What a person is asked where the blocker has a name. */
export const blockedQuestion = ({ side, name = "object" }: Blocker): string =>
  `The ${name} ${side} it blocks every grasp. Take the ${name} first?`;

/** Numbers of rejected candidates by reason. */
export interface Rejections {
  /** Collided. */
  readonly blocked: number;
  /** Would not have held. */
  readonly loose: number;
  /** Out of the arm's reach. */
  readonly unreachable: number;
}

/**
 * The reason when every candidate was rejected. `width`: narrowest horizontal width of the object; `blocker`: the
 * object without which there would be a grasp.
 */
export function explain(
  rejections: Rejections,
  width: Metres,
  gripper: GripperModel,
  blocker: Blocker | undefined,
): Refusal {
  if (rejections.unreachable > 0)
    return refuse("unreachable", "the arm reaches none of the grasps that were found");
  if (blocker !== undefined) return { ...refuse("no-free-grasp", blockedReason(blocker)), blocker };
  if (width > gripper.stroke * 0.95)
    return refuse(
      "too-wide",
      `the object is ${millimetres(width)} mm wide, the gripper opens ${millimetres(gripper.stroke)} mm, and it has no part that can be taken`,
    );
  if (rejections.blocked + rejections.loose === 0)
    return refuse(
      "no-free-grasp",
      "the fingers find no hold: too little of the object stands above the table",
    );
  if (rejections.loose > rejections.blocked)
    return refuse("no-free-grasp", "the fingers would not hold safely wherever they fit");
  return refuse(
    "no-free-grasp",
    "every grasp that fits the object would touch the table, the object or another object next to it",
  );
}
