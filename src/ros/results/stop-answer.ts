import type { Origin } from "../requests/origin.js";

/** grasp_grounding_interfaces/msg/Grounding that answers an order to stop: no image, no object; `reason`: the words. */
export const stopAnswer = (query: string, { source, id }: Origin, words: string) => ({
  query,
  found: false,
  reason: words,
  depth_skew: Number.NaN,
  source,
  query_id: id,
});
