import type { Command, Destination, Shift, Target } from "./types.js";

/** A command in one line, as the console and the command line show it: "pick: the mug, not: the red mug". */
export function describeCommand(command: Command): string {
  const { act, targets, destination, shift, next = [] } = command;
  const objects = targets.map(describeTarget).join("; ");
  const place = [destination && describeDestination(destination), shift && describeShift(shift)];
  const rest = place.filter((part) => part !== undefined && part !== "").join(", ");
  const line = `${act}${objects === "" ? "" : `: ${objects}`}${rest === "" ? "" : ` → ${rest}`}`;
  return [line, ...next.map(describeCommand)].join(", then ");
}

function describeTarget({ phrase, count, exclude, relation, alternatives }: Target): string {
  const quantity =
    count === 1 ? "" : count === "any" && /^(?:an?|any|some)/i.test(phrase) ? "" : ` (${count})`;
  return [
    `${phrase}${quantity}`,
    ...(relation === undefined ? [] : [`${relation.kind}: ${relation.landmarks.join(" and ")}`]),
    ...(exclude === undefined ? [] : [`not: ${exclude.join(", ")}`]),
    ...(alternatives === undefined ? [] : [`or: ${alternatives.join(", ")}`]),
  ].join(", ");
}

const describeDestination = ({ relation, landmarks = [] }: Destination): string =>
  [relation, landmarks.join(" and ")].filter((part) => part !== "").join(" ");

const describeShift = ({ direction, amount }: Shift): string =>
  `${typeof amount === "number" ? `${amount} m` : amount} ${direction}`;

/** Name of a language in English, its code where it has none. */
export function languageName(code: string): string {
  if (code === "") return "another language";
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}
