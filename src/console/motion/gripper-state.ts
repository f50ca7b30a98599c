import type { TakenObject } from "../../arm/index.js";

/**
 * What is between the fingers, as far as the console can know: a pure state machine. It never claims "empty" from
 * the moment
 * the fingers begin to close until the arm has reported that nothing is between them, or that they are open.
 */

/** An object that the gripper took, or may have taken. */
export interface GraspedObject {
  /** What the operator asked for, e.g. "the green apple". */
  readonly name: string;
  /** What is needed to put it down again; absent for an object that was not taken by a planned grasp. */
  readonly taken?: TakenObject;
  /** JPEG. */
  readonly thumbnail?: Promise<Buffer>;
  /** Number of the image; each object that is taken has its own. */
  readonly thumbnailId?: number;
}

export type GripperState =
  | { readonly kind: "empty" }
  | { readonly kind: "holding"; readonly object: GraspedObject }
  | { readonly kind: "unsure"; readonly object?: GraspedObject };

export type GripperEvent =
  /** The fingers begin to close, on this object where one is meant. */
  | { readonly type: "closing"; readonly object?: GraspedObject }
  /** The fingers have closed; the arm says whether something is between them. */
  | { readonly type: "closed"; readonly holds: boolean }
  /** How the object was taken in the end: by another grasp, or from another place, than was meant first. */
  | { readonly type: "taken"; readonly taken: TakenObject }
  /** The fingers begin to open. */
  | { readonly type: "opening" }
  /** The fingers are open. */
  | { readonly type: "opened" }
  /** The fingers were measured closed: the object is gone. */
  | { readonly type: "lost" }
  /** Another client moved the fingers or carried out a grasp. */
  | { readonly type: "moved-by-others" };

export const emptyGripper: GripperState = { kind: "empty" };

/** An object that was not asked for by name. */
export const unnamed: GraspedObject = { name: "an object" };

export function nextGripperState(state: GripperState, event: GripperEvent): GripperState {
  const object = state.kind === "empty" ? undefined : state.object;
  switch (event.type) {
    case "closing":
      return unsure(event.object ?? object);
    case "closed":
      return event.holds ? { kind: "holding", object: object ?? unnamed } : emptyGripper;
    case "taken":
      return state.kind === "empty" || object === undefined
        ? state
        : { ...state, object: { ...object, taken: event.taken } };
    case "opening":
      return state.kind === "empty" ? state : unsure(object);
    case "opened":
    case "lost":
      return emptyGripper;
    case "moved-by-others":
      return unsure(object);
  }
}

const unsure = (object: GraspedObject | undefined): GripperState => ({
  kind: "unsure",
  ...(object !== undefined && { object }),
});

/** What an operator can do with the arm without jogging. */
export type Act = "pick" | "put-back" | "put-here" | "put-at" | "open" | "close" | "home";

/**
 * The acts that make sense in a state, the most useful first. Each list has an act that leads towards an empty
 * gripper and
 * the arm at home: opening the fingers needs no free path and no knowledge of the object.
 * @param atHome whether the arm stands at its home position
 */
export function offeredActs(state: GripperState, atHome: boolean): readonly Act[] {
  const home: readonly Act[] = atHome ? [] : ["home"];
  if (state.kind === "empty") return ["pick", ...home, "close"];
  const places: readonly Act[] = state.object?.taken === undefined ? [] : ["put-here", "put-back", "put-at"];
  return state.kind === "holding"
    ? [...places, "open", ...home]
    : // Closing finds out whether something is there; opening makes sure that nothing is.
      ["open", ...places, "close", ...home];
}

/** The state in words, for the operator. */
export function gripperText(state: GripperState): string {
  if (state.kind === "empty") return "the gripper is empty";
  const name = state.object?.name ?? "something";
  return state.kind === "holding" ? `the gripper holds ${name}` : `the gripper may be holding ${name}`;
}

/** Turns the stages of one motion, as the arm begins them, and its outcome into events of the gripper. */
export class StageEvents {
  readonly #emit: (event: GripperEvent) => void;
  readonly #object: GraspedObject | undefined;
  #under: "closing" | "opening" | undefined;

  /** @param object what the motion is about to take */
  constructor(emit: (event: GripperEvent) => void, object?: GraspedObject) {
    this.#emit = emit;
    this.#object = object;
  }

  /** @param stage name of the stage that begins: the one before it has succeeded */
  begin(stage: string): void {
    this.#settle(true);
    if (stage === "close") {
      this.#under = "closing";
      this.#emit({ type: "closing", ...(this.#object !== undefined && { object: this.#object }) });
    } else if (stage === "release" || stage === "open") {
      this.#under = "opening";
      this.#emit({ type: "opening" });
    }
  }

  /** @param outcome of the arm: a motion that was stopped or failed leaves open what the fingers did */
  end(outcome: string): void {
    if (outcome === "done") this.#settle(true);
    else if (outcome === "nothing-held" && this.#under === "closing") this.#settle(false);
    else if (outcome === "dropped") this.#emit({ type: "lost" });
    this.#under = undefined;
  }

  #settle(holds: boolean): void {
    if (this.#under === "closing") this.#emit({ type: "closed", holds });
    else if (this.#under === "opening") this.#emit({ type: "opened" });
    this.#under = undefined;
  }
}
