import type { Relation, RelationKind } from "../types.js";
import { sceneWords, sideWords } from "./lexicon.js";
import { anywhere, atEnd, atStart, type Words } from "./tokens.js";

const side = (word: string): string =>
  `(?:to|on|at) the ${word}(?:-hand)? side of|(?:to|on|at) the ${word} of|to ${word} of|${word} of`;

/** Prepositions by relation, longest first within a relation. */
const prepositions: readonly (readonly [RelationKind, string])[] = [
  ["left of", side("left")],
  ["right of", side("right")],
  ["in front of", "in front of|before"],
  ["behind", "in back of|at the back of|behind"],
  ["between", "in between|between"],
  ["closest to", "(?:closest|nearest) to|closest|nearest"],
  ["farthest from", "(?:farthest|furthest)(?: away)? from"],
  ["next to", "right next to|next to|close to|near to|adjacent to|alongside|beside|near|by"],
  ["under", "underneath|under|below|beneath"],
  ["above", "above|over"],
  ["from", "out of|from inside|from|off of|off"],
  ["on", "on top of|on to|onto|atop|upon|on"],
  ["in", "inside of|inside|into|within|in"],
];
const patterns = prepositions.map(([kind, source]) => ({ kind, pattern: anywhere(source) }));

export interface PrepositionMatch {
  readonly kind: RelationKind;
  readonly start: number;
  readonly end: number;
}

/** The first preposition at or after a word; the longest of those that begin there. */
export function findPreposition(words: Words, from: number): PrepositionMatch | undefined {
  let best: PrepositionMatch | undefined;
  for (const { kind, pattern } of patterns) {
    const match = words.find(pattern, from);
    if (match === undefined) continue;
    if (
      best === undefined ||
      match.start < best.start ||
      (match.start === best.start && match.end > best.end)
    )
      best = { kind, ...match };
  }
  return best;
}

/** Words between an object and the preposition that say no more than that it is there. */
const linking = atEnd(
  "(?:,? ?(?:that|which) (?:is|are) |(?:that|which) )?(?:standing|stands|lying|lies|sitting|sits|resting|rests|placed|located|right|just|directly|immediately)|(?:that|which) (?:is|are)",
);
/** "something to put on a hot dog": no relation to a hot dog. */
const byPurpose = atStart(
  "(?:something|anything|(?:the|a) (?:thing|tool|object)) (?:to|for|i|you|we|that i)",
);
const closestFirst = atStart("(?:the )?(?:closest|nearest)");
const closestTarget = anywhere("to|from");

/** A phrase parted from the relation that it holds. */
export function takeRelation(phrase: Words): { readonly phrase: Words; readonly relation?: Relation } {
  if (phrase.lead(byPurpose) > 0) return { phrase };
  const superlative = closestBefore(phrase);
  if (superlative !== undefined) return superlative;
  const attribute = phrase.find(anywhere("with|without"));
  for (let from = 1; from < phrase.length; ) {
    const match = findPreposition(phrase, from);
    if (match === undefined) break;
    from = match.end;
    const landmark = phrase.slice(match.end);
    const ofAttribute =
      attribute !== undefined && attribute.start < match.start && /^(?:in|on)$/.test(match.kind);
    if (ofAttribute || !isLandmark(landmark, match.kind)) continue;
    let head = phrase.slice(0, match.start);
    for (let taken = head.tail(linking); taken > 0; taken = head.tail(linking)) {
      head = head.slice(0, head.length - taken);
    }
    if (head.length === 0) break;
    return { phrase: head, relation: { kind: match.kind, landmarks: landmarksOf(landmark, match.kind) } };
  }
  return { phrase };
}

/** "the closest mug to the can". */
function closestBefore(phrase: Words): { readonly phrase: Words; readonly relation: Relation } | undefined {
  const lead = phrase.lead(closestFirst);
  if (lead === 0) return undefined;
  const to = phrase.find(closestTarget, lead + 1);
  if (to === undefined) return undefined;
  const landmark = phrase.slice(to.end);
  if (!isLandmark(landmark, "closest to")) return undefined;
  const head = phrase.slice(0, to.start);
  return {
    phrase: head.without(lead - 1, lead),
    relation: { kind: "closest to", landmarks: [landmark.text] },
  };
}

/** Objects that a landmark names; "between" has one for each end. */
export function landmarksOf(landmark: Words, kind: RelationKind): string[] {
  if (kind !== "between") return [landmark.text];
  const and = landmark.find(anywhere("and"));
  if (and === undefined || and.start === 0 || and.end >= landmark.length) return [landmark.text];
  return [landmark.slice(0, and.start).text, landmark.slice(and.end).text];
}

/** Whether a phrase can be a landmark: a noun phrase that names no place of the scene itself. */
export function isLandmark(landmark: Words, kind: RelationKind): boolean {
  if (landmark.length === 0) return false;
  const first = landmark.tokens[0]!;
  if (/^(?:,|and|or|not|that|which|with|of)$/.test(first.low) && first.low !== "that") return false;
  const end = landmark.find(anywhere("of|with|that|which|in|on|next to|by|near|behind|,"));
  const core = end === undefined || end.start === 0 ? landmark : landmark.slice(0, end.start);
  const head = core.tokens.at(-1)!.low;
  return kind === "from" ? !sideWords.has(head) : !sceneWords.has(head);
}
