import { type Chain, type ChainOptions, parseUrdf, selectChain } from "../../../src/arm/index.js";
import type { Random } from "../../../src/geometry/index.js";
import { runPython } from "../../support/python.js";

/** Franka's hand closes along y of its frame; the tool frame closes along x. */
const closingAlongY = { position: [0, 0, 0], orientation: [0, 0, Math.SQRT1_2, Math.SQRT1_2] } as const;

const options: Readonly<Record<string, ChainOptions>> = {
  panda: { tip: "panda_hand_tcp", tool: closingAlongY },
  panda_collision: {
    tip: "panda_hand_tcp",
    tool: closingAlongY,
    rest: { panda_finger_joint1: 0.04, panda_finger_joint2: 0.04 },
  },
};

/** URDF texts by name, of test/unit/arm/reference/robots.py. */
export const descriptions = (names: readonly string[]): Record<string, string> =>
  JSON.parse(runPython("test/unit/arm/reference/robots.py", names));

export const chainOf = (name: string, urdf: string): Chain => selectChain(parseUrdf(urdf), options[name]);

/** A joint configuration drawn evenly from within the limits (one turn for joints without). */
export const randomConfiguration = ({ lower, upper }: Chain, random: Random): number[] =>
  lower.map((low, i) => {
    const [from, to] = Number.isFinite(low) ? [low, upper[i]!] : [-Math.PI, Math.PI];
    return from + (to - from) * random();
  });

/** A joint configuration in which each arm stands bent over its table, away from limits and singular places. */
export const home: Readonly<Record<string, readonly number[]>> = {
  panda: [0, -0.785, 0, -2.356, 0, 1.571, 0.785],
  panda_collision: [0, -0.785, 0, -2.356, 0, 1.571, 0.785],
  gen3: [0, 0.26, Math.PI, -2.27, 0, 0.96, 1.57],
  iiwa: [0, 0.5, 0, -1.5, 0, 1.1, 0],
  xarm7: [0, -0.3, 0, 1, 0, 1.3, 0],
};
