/** Queries offered before anything was asked. */
export const suggestions: readonly string[] = [
  "the red mug on the left",
  "the banana",
  "something to cut with",
  "the object on the right",
];
