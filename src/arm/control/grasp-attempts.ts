import type { Metres } from "../../geometry/index.js";
import type { StageName } from "../planning/sequence-types.js";
import { safetyText } from "../safety/supervisor-types.js";
import type { Arm } from "./arm.js";
import type { ArmResult, ExecuteOptions } from "./arm-types.js";
import type { AttemptStage, GraspView } from "./attempt-types.js";
import { centreOf, type FailedGrasp, type RankedGrasp, rankGrasps, stillInPlace } from "./grasp-ranking.js";
import { cancelled, failure } from "./outcomes.js";
import { type SecondViewOptions, type SeenTwice, takeSecondView } from "./second-view.js";

export interface AttemptOptions extends Omit<ExecuteOptions, "frameAt" | "scene" | "home" | "onStage"> {
  /** Tries at most. 1 is one grasp without a look afterwards. */
  readonly maxAttempts: number;
  /** Looks at the object again, in an image taken after this call. Rejects where there is no such image. */
  readonly look: () => Promise<GraspView>;
  /** A look from elsewhere before the first try, for an arm that carries the camera. Default: none. */
  readonly secondView?: SecondViewOptions;
  /** Whether another image decides after the fingers report an object. Default true. */
  readonly verify?: boolean;
  /** Distance between the fingers now, where it is measured. */
  readonly opening?: () => Metres | undefined;
  /** Fingers closer than this hold no object. Default 0.002 m. */
  readonly emptyBelow?: Metres;
  /** A try has ended; what follows moves the empty gripper back, or nothing. */
  readonly onAttempt?: (result: ArmResult) => void;
  /** @param attempt from 1 on */
  readonly onStage?: (stage: AttemptStage, progress: number, attempt: number) => void;
}

export interface AttemptsResult extends ArmResult {
  /** One line for each try, in order. */
  readonly attempts: readonly string[];
  /** What the look from elsewhere came to, in words; undefined where none was wanted. */
  readonly secondView?: string;
  /** What the last try was planned from. */
  readonly view: GraspView;
  /** The grasp that the last try was made with, its pose as the arm reached it; undefined when none was reached. */
  readonly taken?: RankedGrasp;
}

/** An object whose earlier points are covered to this share has not left its place. */
const inPlace = 0.5;

/**
 * Takes an object in at most `maxAttempts` tries. A try carries out the best grasp that can be reached and checks
 * it: the fingers hold something, and the next image does not show the object in its place. After a try that failed
 * with the fingers empty, the arm moves back to where it began, the object is detected again, and another grasp is
 * tried. A stop, a refusal by the supervisor, and a fault of arm or gripper end it: they are for a person to look
 * at. Before the first try the arm looks from elsewhere where `secondView` asks for it. Every motion is granted by the
 * arm's supervisor on its own. A failure of the arm is a result; the promise is not rejected.
 */
export async function attemptGrasps(
  arm: Arm,
  first: GraspView,
  options: AttemptOptions,
): Promise<AttemptsResult> {
  const start = arm.supervisor.snapshot.reading?.positions;
  const attempts: string[] = [];
  const failed: FailedGrasp[] = [];
  const seen = await seenTwice(arm, first, start, options);
  let { view } = seen;
  const sum = (result: ArmResult): AttemptsResult => summed(result, attempts, view, seen.note);
  const comeBack = (result: ArmResult, attempt: number) =>
    moveBack(arm, start, view, seen.opening, result, options, attempt);
  if (seen.failed !== undefined) {
    if (!seen.away || options.signal?.aborted === true) return sum(seen.failed);
    const back = await comeBack(seen.failed, 1);
    return sum(back.success ? seen.failed : { ...back, message: `${seen.failed.message}; ${back.message}` });
  }
  let before: ArmResult | undefined;
  for (let attempt = 1; ; attempt++) {
    const ranked = rankGrasps(view.grasps, failed, centreOf(view.scene.target));
    let result = await carryOut(arm, view, ranked, { ...options, home: start }, attempt);
    if (result.outcome === "dropped" && options.maxAttempts > 1)
      result = await gripped(arm, start, view, result, options, attempt);
    if (result.success && options.maxAttempts > 1 && options.verify !== false)
      result = await verified(result, view, options, attempt);
    attempts.push(`${attempt}: ${result.message}`);
    options.onAttempt?.(result);
    const taken = result.grasp === undefined ? undefined : ranked[result.grasp];
    // Without a motion the arm still stands where it took the second image.
    if (result.outcome === "no-plan" && seen.away && attempt === 1) {
      const back = await comeBack(result, attempt);
      if (!back.success) return sum({ ...back, message: `${result.message}; ${back.message}` });
    }
    if (options.maxAttempts === 1 || !mayRepeat(result, before))
      return {
        ...sum(result),
        ...(taken !== undefined && { taken: { ...taken, pose: result.pose ?? taken.pose } }),
      };
    before = result;
    if (taken !== undefined) {
      failed.push({ grasp: taken, centre: centreOf(view.scene.target) });
      const back = await moveBack(arm, start, view, taken.width, result, options, attempt);
      if (!back.success) return sum({ ...back, message: `${result.message}; ${back.message}` });
    }
    if (attempt >= options.maxAttempts) return sum(result);
    const next = await freshView(options, attempt + 1);
    if ("success" in next) return sum({ ...next, message: `${result.message}; ${next.message}` });
    view = next;
  }
}

/** Whether another try may help. Twice in a row without a plan: another image will not change it. */
function mayRepeat({ outcome }: ArmResult, before: ArmResult | undefined): boolean {
  if (outcome === "no-plan") return before?.outcome !== "no-plan";
  return outcome === "nothing-held" || outcome === "dropped";
}

async function carryOut(
  arm: Arm,
  { grasps, reason, scene, frameAt }: GraspView,
  ranked: readonly RankedGrasp[],
  { onStage, planned, home, ...options }: AttemptOptions & { readonly home: readonly number[] | undefined },
  attempt: number,
): Promise<ArmResult> {
  if (grasps.length === 0 && reason !== undefined) return failure("no-plan", reason);
  return arm.execute(ranked, {
    ...options,
    ...(home !== undefined && { home }),
    // A planned motion is for the grasps in the order of the first image.
    ...(planned !== undefined && attempt === 1 && { planned }),
    scene,
    frameAt,
    onStage: (stage, progress) => onStage?.(stage, progress, attempt),
  });
}

/**
 * Fingers that came closer than the object's seen width may hold a thinner part of it, or nothing: they close once
 * more. With the object the arm goes on to where it began.
 */
async function gripped(
  arm: Arm,
  start: readonly number[] | undefined,
  { scene }: GraspView,
  result: ArmResult,
  options: AttemptOptions,
  attempt: number,
): Promise<ArmResult> {
  const { operator, lease, signal, onStage, opening, emptyBelow = 0.002 } = options;
  if (start === undefined || signal?.aborted === true) return result;
  const motion = {
    operator,
    ...(lease !== undefined && { lease }),
    ...(signal !== undefined && { signal }),
    scene,
    onStage: (name: StageName, progress: number) => onStage?.(name, progress, attempt),
  };
  const closed = await arm.moveGripper("close", 0, motion);
  const apart = opening?.();
  if (!closed.success || apart === undefined || apart <= emptyBelow) return result;
  if (options.verify !== false) {
    const back = await arm.moveTo(start, { ...motion, opening: apart, leave: "raise" });
    if (!back.success) return { ...result, ...back };
  }
  return {
    ...result,
    success: true,
    outcome: "done",
    message: "the object was taken, and slid in the fingers",
  };
}

/** Looks whether the object has left its place. Without an image the fingers decide. */
async function verified(
  result: ArmResult,
  { scene, fromStart = scene.target }: GraspView,
  { look, onStage, opening, emptyBelow = 0.002, signal }: AttemptOptions,
  attempt: number,
): Promise<ArmResult> {
  onStage?.("verify", 0, attempt);
  const after = await look().catch((error: Error) => error);
  if (after instanceof Error)
    return signal?.aborted === true ? result : { ...result, message: `${result.message}; no image shows it` };
  const { target } = after.scene;
  if (target === undefined || fromStart === undefined || stillInPlace(fromStart, target) < inPlace)
    return result;
  const apart = opening?.();
  const still = "the object is still in its place";
  if (apart === undefined || apart <= emptyBelow)
    return { ...result, ...failure("nothing-held", `the fingers are empty: ${still}`) };
  return { ...result, ...failure("other-held", `the fingers hold something else: ${still}`) };
}

/** Moves the empty gripper back to where the first try began, so that the camera sees the object. */
async function moveBack(
  arm: Arm,
  start: readonly number[] | undefined,
  { scene }: GraspView,
  opening: Metres,
  { stage }: ArmResult,
  { operator, lease, signal, onStage }: AttemptOptions,
  attempt: number,
): Promise<ArmResult> {
  if (start === undefined) return failure("refused", safetyText["no-feedback"]);
  const among = stage === "approach" || stage === "close" || stage === "lift";
  return arm.moveTo(start, {
    operator,
    ...(lease !== undefined && { lease }),
    ...(signal !== undefined && { signal }),
    scene,
    opening,
    ...(among && { leave: "back-off" as const }),
    onStage: (name, progress) => onStage?.(name, progress, attempt),
  });
}

/** The look from elsewhere where it is wanted; otherwise the first view. */
async function seenTwice(
  arm: Arm,
  view: GraspView,
  start: readonly number[] | undefined,
  options: AttemptOptions,
): Promise<SeenTwice> {
  const { secondView, operator, lease, signal, onStage } = options;
  if (secondView === undefined || start === undefined) return { view, away: false, opening: 0 };
  const goal = {
    operator,
    ...(lease !== undefined && { lease }),
    ...(signal !== undefined && { signal }),
    onStage: (name: AttemptStage, progress: number) => onStage?.(name, progress, 1),
  };
  const seen = await takeSecondView(arm, view, secondView, goal);
  // The search for a place to look from takes its time: what is planned from must be fresh.
  if (seen.away || seen.failed !== undefined || !seen.searched) return seen;
  const next = await freshView(options, 1);
  return "success" in next ? { ...seen, failed: next } : { ...seen, view: next };
}

async function freshView(
  { look, onStage, signal }: AttemptOptions,
  attempt: number,
): Promise<GraspView | ArmResult> {
  onStage?.("look", 0, attempt);
  const seen = await look().catch((error: Error) => error);
  if (signal?.aborted === true) return cancelled();
  return seen instanceof Error ? failure("refused", seen.message) : seen;
}

/** One line for all tries; that of the only one is unchanged. @param note what the look from elsewhere came to */
function summed(
  result: ArmResult,
  attempts: readonly string[],
  view: GraspView,
  note: string | undefined,
): AttemptsResult {
  const count = attempts.length;
  const tries = count < 2 ? "" : result.success ? ` at attempt ${count}` : ` (${count} attempts)`;
  const message = `${result.message}${tries}${note === undefined ? "" : `; ${note}`}`;
  return { ...result, message, attempts, view, ...(note !== undefined && { secondView: note }) };
}
