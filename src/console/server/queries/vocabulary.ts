/** Names tried when an operator points at the image: objects that stand on tables, the most usual first. */
export const vocabulary: readonly string[] = [
  "mug",
  "bottle",
  "can",
  "bowl",
  "box",
  "plate",
  "banana",
  "apple",
  "scissors",
  "spoon",
  "fork",
  "knife",
  "pen",
  "book",
  "remote control",
  "ball",
];

/** Queries offered before anything was asked. */
export const suggestions: readonly string[] = [
  "the red mug on the left",
  "the banana",
  "something to cut with",
  "the object on the right",
];
