import { type Box, boxCentre } from "../../geometry/index.js";
import type { Detection } from "../types.js";
import { withNoun } from "./parse/exclusions.js";
import { readWords } from "./parse/parse.js";
import type { Command, Offer, Question, Shift, Target } from "./types.js";

/** Milliseconds for which "it" means the last answer. */
const memoryMs = 300_000;
/** Clients that are remembered; the one that was silent longest is forgotten first. */
const maxAskers = 32;
/** Answers that "another one" leaves out. */
const maxShown = 20;

/** An offer, and what was asked for before it. */
export interface MadeOffer extends Offer {
  readonly insteadOf: Pick<LastAnswer, "phrase" | "box">;
}

/** The last answer that somebody got. */
export interface LastAnswer {
  /** The target's phrase, without what referred back. */
  readonly phrase: string;
  /** Its noun, singular. */
  readonly noun: string;
  /** The query that led to it: after a reply, the one that was asked about. */
  readonly query: string;
  /** A reply has chosen the object: the same query means it again and is not asked about. */
  readonly settled?: boolean;
  readonly box: Box;
  /** Every object of the kind that was shown, the last one first. */
  readonly shown: readonly Box[];
  /** A question that waits for a reply. */
  readonly pending?: {
    /** What was asked about: the reply is part of it. */
    readonly command: Command;
    readonly question: Question;
    readonly candidates: readonly Detection[];
  };
  /** Another object that was offered in its place. */
  readonly offer?: MadeOffer;
  /** The client has said no to an offer: it is not made again. */
  readonly declined?: boolean;
}

/** What clients were answered last; by the name of each, of bounded size and age. */
export class Dialogues {
  readonly #answers = new Map<string, { readonly at: number; readonly answer: LastAnswer }>();
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never decreases */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  last(client: string): LastAnswer | undefined {
    const found = this.#answers.get(client);
    return found === undefined || this.#now() - found.at > memoryMs ? undefined : found.answer;
  }

  remember(client: string, answer: LastAnswer): void {
    this.#answers.delete(client);
    this.#answers.set(client, {
      at: this.#now(),
      answer: { ...answer, shown: answer.shown.slice(0, maxShown) },
    });
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= maxAskers) break;
      this.#answers.delete(oldest);
    }
  }

  forget(client: string): void {
    this.#answers.delete(client);
  }
}

/** How the last answer narrows a target: near it, none of those shown, or on one side of it. */
export interface Narrowing {
  readonly near?: Box;
  readonly not?: readonly Box[];
  readonly towards?: { readonly direction: Shift["direction"]; readonly from: Box };
}

/** A command whose references are replaced by what they mean after the last answer; unchanged without one. */
export function resolveReferences(
  command: Command,
  last: LastAnswer | undefined,
): { readonly command: Command; readonly narrowing: readonly Narrowing[] } {
  if (last === undefined) return { command, narrowing: command.targets.map(() => ({})) };
  if (command.act === "find" && command.shift !== undefined && command.targets.length === 0) {
    const target: Target = { phrase: `the ${last.noun}`, count: 1 };
    const towards = { direction: command.shift.direction, from: last.box };
    return { command: { ...command, targets: [target] }, narrowing: [{ towards }] };
  }
  const resolved = command.targets.map((target) => resolveTarget(target, last));
  return {
    command: { ...command, targets: resolved.map(({ target }) => target) },
    narrowing: resolved.map(({ narrowing }) => narrowing),
  };
}

function resolveTarget(
  target: Target,
  last: LastAnswer,
): { readonly target: Target; readonly narrowing: Narrowing } {
  const { reference, ...rest } = target;
  const named = (phrase: string) => withNoun(readWords(phrase), last.noun).text;
  switch (reference) {
    case "last":
      return { target: { ...rest, phrase: last.phrase }, narrowing: { near: last.box } };
    case "other": {
      const bare = /\bones?$|^(?:the )?other$|^one more$/.test(target.phrase);
      const phrase = bare
        ? `the ${last.noun}`
        : target.phrase.replace(/^(?:the )?(?:other|another|a different|next)\b/, "the");
      return {
        target: { ...rest, phrase: phrase.replace(/^the the\b/, "the") },
        narrowing: { not: last.shown },
      };
    }
    case "kind": {
      const exclude = target.exclude?.map(named);
      const phrase = named(target.phrase);
      return {
        target: { ...rest, phrase, ...(exclude !== undefined && { exclude }) },
        narrowing: {},
      };
    }
    default:
      return { target, narrowing: {} };
  }
}

/** Share of the image's width within which an object is still the one that was shown. */
const maxTravel = 0.25;

/** Detections as the last answer narrows them, best first. @param width the image's width in pixels */
export function narrow(
  detections: readonly Detection[],
  { near, not, towards }: Narrowing,
  width: number,
  isSame: (a: Box, b: Box) => boolean,
): readonly Detection[] {
  let left = detections;
  if (not !== undefined) left = left.filter(({ box }) => !not.some((shown) => isSame(box, shown)));
  if (near !== undefined) {
    const close = (detection: Detection) => apart(detection.box, near);
    const [nearest] = [...left].sort((a, b) => close(a) - close(b));
    left = nearest !== undefined && close(nearest) <= maxTravel * width ? [nearest] : [];
  }
  if (towards !== undefined) {
    const { direction, from } = towards;
    left = left
      .filter(({ box }) => !isSame(box, from) && steps(direction, from, box) > 0)
      .sort((a, b) => apart(a.box, from) - apart(b.box, from));
  }
  return left;
}

const apart = (a: Box, b: Box): number => {
  const [ax, ay] = boxCentre(a);
  const [bx, by] = boxCentre(b);
  return Math.hypot(ax - bx, ay - by);
};

/** How far a box lies in a direction from another, in pixels, as the viewer sees it. */
function steps(direction: Shift["direction"], from: Box, to: Box): number {
  const [fx, fy] = boxCentre(from);
  const [tx, ty] = boxCentre(to);
  switch (direction) {
    case "left":
      return fx - tx;
    case "right":
      return tx - fx;
    case "forward":
    case "down":
      return ty - fy;
    default:
      return fy - ty;
  }
}
