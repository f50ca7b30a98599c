import { computed } from "@preact/signals";
import type { Answer } from "../protocol.js";
import { header } from "./images.js";
import { answers, state } from "./store.js";

/**
 * Seconds after which an answer to an earlier image is no longer drawn over the one shown now; longer while it is
 * followed.
 */
const hiddenAfter = 1;
const followedHiddenAfter = 3;
/** Ages are told in steps of so many seconds: not every image renders the page anew. */
const step = 0.2;

/** Seconds between the image an answer is about and the one shown now; 0 for the same image. */
function ageOf({ stamp, position }: Answer): number {
  const now = header.value;
  if (now === undefined || now.stamp === stamp) return 0;
  const apart =
    position !== undefined && now.position !== undefined
      ? Math.abs(now.position - position)
      : Math.abs(Number(BigInt(now.stamp) - BigInt(stamp)) / 1e9);
  return Math.max(step, Math.round(apart / step) * step);
}

/** Ages by answer as one text: equal texts render nothing anew. */
const told = computed(() => answers.value.map((answer) => `${answer.id}:${ageOf(answer)}`).join());
const ages = computed(
  () => new Map(told.value.split(",").map((each) => each.split(":").map(Number) as [number, number])),
);

/** Seconds an answer is older than the image shown now; 0 for one about this very image. */
export const age = ({ id }: Pick<Answer, "id">): number => ages.value.get(id) ?? 0;

/** How much of an answer is drawn over the image shown now: 1 for its own image, 0 for one that is too old. */
export function visibility(answer: Answer): number {
  const seconds = age(answer);
  if (seconds === 0) return 1;
  const end = state.value?.follow === answer.result.query ? followedHiddenAfter : hiddenAfter;
  return Math.max(0, 0.85 * (1 - seconds / end));
}
