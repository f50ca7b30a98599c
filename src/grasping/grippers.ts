import type { GripperModel } from "./types.js";

/**
 * Franka Hand: 0.08 m stroke, fingers 54 mm beyond the hand, hand 204 × 63 mm (its long side along the closing
 * direction).
 */
export const frankaHand: GripperModel = {
  name: "franka_hand",
  stroke: 0.08,
  fingerLength: 0.054,
  fingerWidth: 0.02,
  fingerThickness: 0.012,
  palm: [0.204, 0.063, 0.066],
  maxForce: 70,
};

/** Robotiq 2F-85 with its standard flat fingertips: 0.085 m stroke. The linkage counts as part of the palm. */
export const robotiq2f85: GripperModel = {
  name: "robotiq_2f85",
  stroke: 0.085,
  fingerLength: 0.05,
  fingerWidth: 0.022,
  fingerThickness: 0.014,
  palm: [0.14, 0.075, 0.1],
  maxForce: 130,
};

/** Grippers by name. */
export const grippers: Readonly<Record<string, GripperModel>> = {
  [frankaHand.name]: frankaHand,
  [robotiq2f85.name]: robotiq2f85,
};

/** Reason why a gripper's dimensions are unusable; undefined when they are usable. */
export function gripperProblem(gripper: GripperModel): string | undefined {
  const { stroke, fingerLength, fingerWidth, fingerThickness, palm } = gripper;
  const sizes = { stroke, fingerLength, fingerWidth, fingerThickness, palmX: palm[0], palmY: palm[1] };
  for (const [name, size] of Object.entries(sizes))
    if (!(size > 0 && size < 1)) return `its ${name} is ${size} m; it must be above 0 and below 1`;
  if (!(palm[2] >= 0 && palm[2] < 1)) return `its palmZ is ${palm[2]} m; it must be from 0 to below 1`;
  return undefined;
}
