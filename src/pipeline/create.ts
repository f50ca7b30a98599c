import { usage } from "../errors/index.js";
import { createGraspPlanner, type GraspPlanner } from "../grasping/index.js";
import { GraspNetwork, LearnedGraspPlanner } from "../grasping/learned/index.js";
import {
  type AskPolicy,
  BoxProposals,
  CommandGrounder,
  type Effort,
  type Grounder,
  openDetector,
  openModel,
  RefinedGrounder,
  Sam,
} from "../grounding/index.js";
import {
  DepthClusters,
  GuidedGrounder,
  isExportedDetector,
  OnnxDetector,
  type ProposalSource,
} from "../grounding/proposals/index.js";
import { createBackend, InProcessBackend } from "../inference/index.js";
import { defaultModel, findGraspNetwork, findModel } from "../model-store/index.js";
import { backendChoice, inProcessOptions, type RemoteOptions } from "./backend.js";
import { readGripper } from "./gripper-file.js";
import { GraspPipeline } from "./pipeline.js";
import { translator } from "./translate.js";

/**
 * Options of a pipeline. All are optional: the default is the bundled model on this machine's CPU with the Franka
 * Hand.
 */
export interface PipelineOptions extends RemoteOptions {
  /**
   * `careful` takes a closer look at the best candidates, at the image's own resolution, and asks again without the
   * answer. Default `fast`.
   */
  readonly effort?: Effort;
  /** Name of an installed model, `NAME@PRECISION`, or the folder of a model. Default: `lite`, which is bundled. */
  readonly model?: string;
  /**
   * Probability, 0 to 1, from which a pixel belongs to the object; for a detector, the least score of a box. Default:
   * the model's own.
   */
  readonly threshold?: number;
  /**
   * Source of proposals among which the heat map chooses: `clusters` for clusters of the depth image, an installed
   * detector (OWLv2, Grounding DINO), or the folder of an exported one. It runs in this process. Default: none; objects
   * come from the model alone.
   */
  readonly proposals?: string;
  /** Name or folder of a SAM model that draws the masks anew. It runs in this process. Default: none. */
  readonly refine?: string;
  /** Name of a known gripper, or a YAML or JSON file of its dimensions. Default: `franka_hand`. */
  readonly gripper?: string;
  /** Distance between the open fingers in metres, above 0, instead of the gripper's own. */
  readonly gripperStroke?: number;
  /** Name or folder of a grasp network, which then proposes the grasps. Default: the geometric planner. */
  readonly graspModel?: string;
  /** Limit of grasps for each query, 1 or more. Default 5. */
  readonly maxGrasps?: number;
  /** When a question is asked back, where a call does not say. Default "never". */
  readonly ask?: AskPolicy;
  /** URL of a translation server for queries that are not English. Default: none; they are not understood. */
  readonly translate?: string;
  /** Whether to plan grasps. Default true; a frame without depth gets none. */
  readonly grasps?: boolean;
}

/**
 * Loads a model and its source of proposals, without a grasp planner. Close it when done.
 * @throws GraspGroundingError as createPipeline, but for errors of grippers and grasp networks
 */
export async function openGrounder(options: PipelineOptions = {}): Promise<Grounder> {
  const { threshold } = options;
  if (threshold !== undefined && !(threshold >= 0 && threshold <= 1))
    throw usage(`threshold ${threshold} is not a probability from 0 to 1`);
  const folder = await findModel(options.model ?? defaultModel);
  const choice = await backendChoice(options);
  const grounder = await openModel(folder, (model) => createBackend(model, choice), {
    ...(threshold !== undefined && { threshold }),
    runsElsewhere: choice.kind !== "in-process",
  });
  const guidedOne = await closingOnError(grounder, () => guided(grounder, options));
  return closingOnError(guidedOne, () => refined(guidedOne, options));
}

/**
 * Loads the model and the grasp planner: the one entry of the command line, the node, the console and a library user.
 * The pipeline takes frames with colour as RGB bytes, depth in metres and poses in the camera's optical frame (REP
 * 103). Close it when done: it holds worker threads or connections.
 * @throws GraspGroundingError USAGE for an option out of range; MODEL_MISSING, MODEL_MANIFEST, MODEL_CORRUPT,
 * MODEL_MISMATCH for a model; PROVIDER_UNAVAILABLE, WORKERS_UNAVAILABLE, SERVER_UNAVAILABLE, ENDPOINT_INVALID,
 * ENDPOINT_INSECURE, KEY_FILE for a back end; FILE_MISSING for a gripper's file
 */
export async function createPipeline(options: PipelineOptions = {}): Promise<GraspPipeline> {
  const { maxGrasps } = options;
  if (maxGrasps !== undefined && !(Number.isInteger(maxGrasps) && maxGrasps >= 1))
    throw usage(`maxGrasps ${maxGrasps} is not a whole number of 1 or more`);
  // A wrong gripper or grasp model is said before a model loads, also where no grasps are planned.
  if (options.gripper !== undefined) await readGripper(options.gripper);
  if (options.graspModel !== undefined) await findGraspNetwork(options.graspModel);
  const grounder = new CommandGrounder(await openGrounder(options), {
    ...(options.ask !== undefined && { ask: options.ask }),
    ...(options.translate !== undefined && { translate: translator(options.translate) }),
  });
  return closingOnError(
    grounder,
    async () =>
      new GraspPipeline({
        grounder,
        effort: options.effort,
        ...(maxGrasps !== undefined && { grasps: maxGrasps }),
        ...(options.grasps !== false && { planner: await openPlanner(options) }),
      }),
  );
}

/** Result of `work`; closes the grounder when it fails. */
async function closingOnError<T>(grounder: Grounder, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await grounder.close();
    throw error;
  }
}

async function openPlanner(options: PipelineOptions): Promise<GraspPlanner> {
  const named = await readGripper(options.gripper ?? "franka_hand");
  const { gripperStroke } = options;
  const gripper = gripperStroke === undefined ? named : { ...named, stroke: gripperStroke };
  const maxGrasps = Math.max(10, options.maxGrasps ?? 0);
  if (options.graspModel === undefined) return createGraspPlanner({ gripper, maxGrasps });
  const network = await GraspNetwork.open(
    await findGraspNetwork(options.graspModel),
    inProcessOptions(options),
  );
  return new LearnedGraspPlanner(network, { gripper, maxGrasps });
}

/** The grounder, guided by the source of proposals where one is named. */
async function guided(grounder: Grounder, options: PipelineOptions): Promise<Grounder> {
  const { proposals } = options;
  if (proposals === undefined) return grounder;
  return new GuidedGrounder(grounder, await proposalSource(proposals, options));
}

async function proposalSource(name: string, options: PipelineOptions): Promise<ProposalSource> {
  if (name === "clusters") return new DepthClusters();
  const here = inProcessOptions(options);
  if (await isExportedDetector(name)) return OnnxDetector.open(name, here);
  return new BoxProposals(
    await openDetector(await findModel(name), (model) => InProcessBackend.create(model, here)),
  );
}

/** The grounder, its masks refined where a model for that is named. */
async function refined(grounder: Grounder, options: PipelineOptions): Promise<Grounder> {
  const { refine } = options;
  if (refine === undefined) return grounder;
  const here = inProcessOptions(options);
  const sam = await Sam.open(await findModel(refine), (model) => InProcessBackend.create(model, here));
  return new RefinedGrounder(grounder, sam);
}
