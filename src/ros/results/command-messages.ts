import { type Command, type Count, describeCommand, type Target } from "../../grounding/index.js";

/** grasp_grounding_interfaces/msg/Command, one a step; none for a query that was asked as it was said. */
export function commandMessages(command: Command | undefined): readonly object[] {
  if (command === undefined) return [];
  const { next = [], ...first } = command;
  return [first, ...next].map(commandMessage);
}

function commandMessage(command: Command) {
  const { act, targets, destination, shift } = command;
  const length = shift?.amount;
  return {
    act,
    targets: targets.map(targetMessage),
    destination: destination?.relation ?? "",
    destination_landmarks: [...(destination?.landmarks ?? [])],
    shift_direction: shift?.direction ?? "",
    shift_amount: typeof length === "string" ? length : "",
    shift_length: typeof length === "number" ? length : Number.NaN,
    text: describeCommand({ ...command, next: [] }),
  };
}

const targetMessage = ({ phrase, count, exclude, relation, reference, alternatives }: Target) => ({
  phrase,
  count: countValue(count),
  exclude: [...(exclude ?? [])],
  relation: relation?.kind ?? "",
  landmarks: [...(relation?.landmarks ?? [])],
  reference: reference ?? "",
  alternatives: [...(alternatives ?? [])],
});

/** COUNT_ANY and COUNT_ALL of the message. */
const countValue = (count: Count): number => (count === "all" ? -1 : count === "any" ? 0 : count);
