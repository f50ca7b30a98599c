import { Option } from "commander";
import { askPolicies, type Effort, efforts } from "../grounding/index.js";
import { defaultModel } from "../model-store/index.js";
import { probability } from "../system/index.js";
import { backendFlags } from "./backend-flags.js";

/**
 * Options every command that runs the model has.
 * @param effort what the command takes an answer to be worth when nobody says
 */
export const pipelineFlags = (effort: Effort): Option[] => [
  new Option("--model <name>", "model name or folder").default(defaultModel),
  new Option(
    "--effort <kind>",
    "fast looks at the image once; careful takes a closer look at the best candidates, at the image's own resolution, and asks again without the answer",
  )
    .choices(efforts)
    .default(effort),
  ...backendFlags(),
  new Option(
    "--proposals <source>",
    "objects come from depth clusters (clusters) or from a detector (an installed owlv2 or grounding-dino, or the folder of an exported one), picked by the heat map",
  ),
  new Option("--refine <model>", "a SAM model draws the masks anew: an installed one, or its folder"),
  new Option(
    "--ask <when>",
    "ask back which object is meant: never, when_unsure (several fit equally well), always",
  ).choices(askPolicies),
  new Option(
    "--translate <url>",
    "translation server (LibreTranslate's protocol) for queries that are not English; without it only English is understood",
  ),
  new Option(
    "--threshold <p>",
    "object probability from which a pixel counts; for a detector, least score of a box",
  ).argParser(probability),
];

/** Options of the commands that plan grasps. */
export const graspFlags = (): Option[] => [
  new Option("--gripper <name>", "franka_hand, robotiq_2f85, or a YAML file of dimensions").default(
    "franka_hand",
  ),
  new Option(
    "--grasp-model <name>",
    "a GR-ConvNet-style network (name or folder; models import-grasp) proposes the grasps, instead of the geometric search",
  ),
];

/** Exit code of {@link failIfNotFoundFlag}. A partial result (3) and an interruption (130) come first. */
export const notFoundExitCode = 4;

export const failIfNotFoundFlag = (when: string): Option =>
  new Option("--fail-if-not-found", `end with exit code ${notFoundExitCode} when ${when}`);

/** Collects an option that may be given several times. */
export const collect = (value: string, previous: readonly string[] = []): readonly string[] => [
  ...previous,
  value,
];
