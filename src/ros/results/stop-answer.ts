import type { Origin } from "../requests/origin.js";

/** grasp_grounding_interfaces/msg/Grounding that answers an order to stop: no image, no object, the words in `reason`. */
export const stopAnswer = (query: string, { source, id }: Origin, words: string) => ({
  query,
  found: false,
  reason: words,
  depth_skew: Number.NaN,
  source,
  query_id: id,
});
