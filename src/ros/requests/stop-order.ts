import type { NodeArm } from "../arm/node-arm.js";

/** Goals that move the arm. */
export interface StoppableGoals {
  readonly active: number;
  /** Ends every running goal as aborted, with the reason. */
  stop(reason: string): void;
}

/**
 * Ends goals and motions because a query says so, as `~/stop` and a cancelled goal do: the arm comes to rest, and
 * nothing latches.
 * @param query the order, as it was said
 * @returns what was done, in words
 */
export function stopOnOrder(
  query: string,
  actions: readonly StoppableGoals[],
  arm: NodeArm | undefined,
): string {
  const goals = actions.reduce((sum, { active }) => sum + active, 0);
  const moves = arm?.stop() ?? false;
  for (const action of actions) action.stop(`stopped by the query "${query}"`);
  if (moves) return "the arm was told to stop";
  if (goals > 0) return "goals that had not moved the arm yet were ended";
  return "nothing moves, so nothing was stopped";
}
