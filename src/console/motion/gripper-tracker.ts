import type { TakenObject } from "../../arm/index.js";
import type { Metres } from "../../geometry/index.js";
import {
  emptyGripper,
  type GraspedObject,
  type GripperEvent,
  type GripperState,
  gripperText,
  nextGripperState,
  StageEvents,
} from "./gripper-state.js";

/** Fingers closer than this hold nothing, in metres. */
const closedBelow: Metres = 0.002;
/** Fingers that stand this much farther apart than they held the object no longer hold it, in metres. */
const openedBy: Metres = 0.008;
/** At the start, fingers this much closer than open may have something between them, in metres. */
const partlyClosed: Metres = 0.01;

/** Updates the gripper's state from the console's own motions and from the opening measured between them. */
export class GripperTracker {
  readonly #changed: (text: string) => void;
  readonly #maxOpening: Metres | undefined;
  #state: GripperState = emptyGripper;
  /** Opening with the object between the fingers, where it is measured. */
  #heldOpening: Metres | undefined;
  #seen = false;
  #ownMotion = false;

  /**
   * @param changed told when the state changes, with the new state in words
   * @param maxOpening opening of the open gripper in metres, where it is known
   */
  constructor(changed: (text: string) => void, maxOpening?: Metres) {
    this.#changed = changed;
    this.#maxOpening = maxOpening;
  }

  get state(): GripperState {
    return this.#state;
  }

  get text(): string {
    return gripperText(this.#state);
  }

  /** A motion of the console begins. @param object what it is about to take */
  motion(object?: GraspedObject): StageEvents {
    this.#ownMotion = true;
    this.#seen = true;
    return new StageEvents((event) => this.#take(event), object);
  }

  /** The object was taken by this grasp, from this place. Without an object in the gripper nothing changes. */
  taken(taken: TakenObject): void {
    this.#take({ type: "taken", taken });
  }

  /** The console's motion has ended. */
  rest(): void {
    this.#ownMotion = false;
    this.#heldOpening = undefined;
  }

  /** To be called regularly with the measured opening in metres, where there is one. */
  measured(opening: Metres | undefined): void {
    if (opening === undefined || this.#ownMotion) return;
    if (!this.#seen) {
      this.#seen = true;
      const closed = this.#maxOpening !== undefined && opening < this.#maxOpening - partlyClosed;
      if (closed && opening > closedBelow) this.#take({ type: "moved-by-others" });
    }
    if (this.#state.kind !== "holding") return;
    this.#heldOpening ??= opening;
    if (opening < closedBelow && this.#heldOpening > 2 * closedBelow) this.#take({ type: "lost" });
    else if (opening > this.#heldOpening + openedBy) this.#take({ type: "moved-by-others" });
  }

  /** Another client carried out a grasp or a placement with this arm. */
  movedByOthers(): void {
    if (!this.#ownMotion) this.#take({ type: "moved-by-others" });
  }

  #take(event: GripperEvent): void {
    const before = this.#state;
    this.#state = nextGripperState(before, event);
    if (gripperText(before) !== this.text) this.#changed(this.text);
  }
}
