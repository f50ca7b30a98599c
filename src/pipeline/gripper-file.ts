import { parse } from "yaml";
import { z } from "zod";
import { describe, GraspGroundingError } from "../errors/index.js";
import { type GripperModel, gripperProblem, grippers } from "../grasping/index.js";
import { readText } from "../system/index.js";

const metres = z.number();

const gripperSchema = z.strictObject({
  name: z.string().min(1).default("custom"),
  stroke: metres,
  finger_length: metres,
  finger_width: metres,
  finger_thickness: metres,
  palm: z.tuple([metres, metres, metres]),
  max_force: z.number().positive().optional(),
});

/**
 * A gripper by name, or by a YAML or JSON file of its dimensions: {name, stroke, finger_length, finger_width,
 * finger_thickness, palm: [x, y, z], max_force} in metres and newtons.
 * @throws GraspGroundingError USAGE, FILE_MISSING
 */
export async function readGripper(nameOrFile: string): Promise<GripperModel> {
  const known = grippers[nameOrFile];
  if (known !== undefined) return known;
  const refuse = (detail: string) =>
    new GraspGroundingError("USAGE", { detail: `gripper ${nameOrFile}: ${detail}` });
  if (!/\.(ya?ml|json)$/i.test(nameOrFile))
    throw refuse(
      `not known; there are ${Object.keys(grippers).join(", ")}, or give a YAML file of dimensions`,
    );
  const text = await readText(nameOrFile);
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    throw refuse(describe(cause));
  }
  const parsed = gripperSchema.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(`${issue?.path.join(".") || "the file"}: ${issue?.message}`);
  }
  const { name, stroke, finger_length, finger_width, finger_thickness, palm, max_force } = parsed.data;
  const gripper: GripperModel = {
    ...{ name, stroke, palm },
    fingerLength: finger_length,
    fingerWidth: finger_width,
    fingerThickness: finger_thickness,
    ...(max_force !== undefined && { maxForce: max_force }),
  };
  const problem = gripperProblem(gripper);
  if (problem !== undefined) throw refuse(problem);
  return gripper;
}
