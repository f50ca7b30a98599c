/** How two objects stand to each other; `from` is in or on the landmark, to be taken away from it. */
export type RelationKind =
  | "left of"
  | "right of"
  | "next to"
  | "in front of"
  | "behind"
  | "between"
  | "in"
  | "on"
  | "under"
  | "above"
  | "closest to"
  | "farthest from"
  | "from";

/**
 * A relation to objects that the query names: `between` has two landmarks or a plural one, every other kind has one.
 */
export interface Relation {
  readonly kind: RelationKind;
  readonly landmarks: readonly string[];
}

/**
 * What a phrase refers back to: the last answer, another object like it, or another object of its kind ("the red
 * one").
 */
export type Reference = "last" | "other" | "kind";

/** How many objects are meant: a number, all of them, or any one of them. */
export type Count = number | "all" | "any";

/** One noun phrase of a command. */
export interface Target {
  /** The phrase without quantity, exclusions and relation, as it was said. */
  readonly phrase: string;
  readonly count: Count;
  /** Phrases that name what is not meant. */
  readonly exclude?: readonly string[];
  readonly relation?: Relation;
  readonly reference?: Reference;
  /** Phrases that would do instead ("or a mug"). */
  readonly alternatives?: readonly string[];
}

/** Where an object is put. `back` is where it was; `here` and `there` name no place that the camera could find. */
export interface Destination {
  readonly relation: RelationKind | "back" | "here" | "there";
  readonly landmarks?: readonly string[];
}

/** A move relative to where an object is, or to the last answer. A number is metres. */
export interface Shift {
  readonly direction: "left" | "right" | "forward" | "back" | "up" | "down";
  readonly amount: "little" | "some" | "much" | number;
}

export type Act = "find" | "pick" | "place" | "pick-and-place" | "stop" | "undo";

/** A query taken apart. */
export interface Command {
  readonly act: Act;
  /** In the order in which they were said. */
  readonly targets: readonly Target[];
  readonly destination?: Destination;
  readonly shift?: Shift;
  /** What is to be done after it. */
  readonly next?: readonly Command[];
}

/** A question back: several objects fit a query equally well, or another object has to be taken first. */
export interface Question {
  /** "The mug on the left or the one on the right?" */
  readonly text: string;
  /**
   * What each candidate is called in the question, in the order of the answer's first detections. Empty for a question
   * that is answered with yes or no.
   */
  readonly labels: readonly string[];
}

/** Another object in place of the one that was asked for. */
export interface Offer {
  /** "the box" */
  readonly phrase: string;
  /** Where it is: a pixel of the image. */
  readonly at: readonly [number, number];
  /** What the client is asked: "yes" takes the offer, "no" declines it. */
  readonly question: string;
}
