import type { NodeArm } from "../arm/node-arm.js";
import type { GraspAction } from "./grasp-action.js";

/**
 * Ends goals and motions because a query says so, as `~/stop` and a cancelled goal do: the arm comes to rest, and
 * nothing latches.
 * @param query the order, as it was said
 * @returns what was done, in words
 */
export function stopOnOrder(query: string, action: GraspAction, arm: NodeArm | undefined): string {
  const goals = action.active;
  const moves = arm?.stop() ?? false;
  action.stop(`stopped by the query "${query}"`);
  if (moves) return "the arm was told to stop";
  if (goals > 0) return "goals that had not moved the arm yet were ended";
  return "nothing moves, so nothing was stopped";
}
