import { parseXml, XmlElement } from "@rgrove/parse-xml";
import { describe, GraspGroundingError } from "../../errors/index.js";

/** Largest description read, in characters. */
const LARGEST = 4 * 1024 * 1024;

/**
 * The named joint positions of an SRDF text: its `group_state` elements, as MoveIt's setup assistant writes them
 * (https://wiki.ros.org/srdf). States that leave out a joint of the chain, or name a value that is no number, are
 * skipped.
 * @param joints the chain's joints, in order
 * @returns joint positions in the order of `joints`, radians (metres for prismatic joints), by name; the first of a
 * name counts
 * @throws GraspGroundingError ROBOT_DESCRIPTION for text that is no SRDF
 */
export function namedPositions(
  text: string,
  joints: readonly string[],
): Readonly<Record<string, readonly number[]>> {
  const unusable = (detail: string) =>
    new GraspGroundingError("ROBOT_DESCRIPTION", { detail: `SRDF: ${detail}` });
  if (text.length > LARGEST) throw unusable("it is larger than 4 MB");
  const { root } = parsed(text, unusable);
  if (root?.name !== "robot") throw unusable("its root element is not <robot>");
  const named: Record<string, readonly number[]> = {};
  for (const state of elements(root, "group_state")) {
    const name = state.attributes.name ?? "";
    const values = new Map(
      elements(state, "joint").map(({ attributes }) => [
        attributes.name,
        Number.parseFloat(attributes.value ?? ""),
      ]),
    );
    const positions = joints.map((joint) => values.get(joint) ?? Number.NaN);
    if (name !== "" && !(name in named) && positions.every(Number.isFinite)) named[name] = positions;
  }
  return named;
}

function parsed(text: string, unusable: (detail: string) => Error) {
  try {
    return parseXml(text);
  } catch (error) {
    throw unusable(describe(error));
  }
}

const elements = (parent: XmlElement, name: string): XmlElement[] =>
  parent.children.filter((child): child is XmlElement => child instanceof XmlElement && child.name === name);
