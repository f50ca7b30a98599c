import { createGraspPlanner, type GraspPlanner } from "../grasping/index.js";
import { GraspNetwork, LearnedGraspPlanner } from "../grasping/learned/index.js";
import { type Grounder, HifiCs, type HifiCsOptions } from "../grounding/index.js";
import { DepthClusters, GuidedGrounder, OnnxDetector } from "../grounding/proposals/index.js";
import { createBackend } from "../inference/index.js";
import { defaultModel, findGraspNetwork, findModel } from "../model-store/index.js";
import { backendChoice, inProcessOptions, type RemoteOptions } from "./backend.js";
import { readGripper } from "./gripper-file.js";
import { GraspPipeline } from "./pipeline.js";

export interface PipelineOptions extends RemoteOptions {
  readonly model?: string;
  readonly threshold?: number;
  /** `clusters`, or the folder of an exported open-set detector: its proposals are picked by the heat map. */
  readonly proposals?: string;
  /** Name of a known gripper, or a YAML file of its dimensions. Default: the Franka Hand. */
  readonly gripper?: string;
  /** Distance between the open fingers, in metres, instead of the gripper's own. */
  readonly gripperStroke?: number;
  /** Name or folder of a grasp network, which then proposes the grasps. */
  readonly graspModel?: string;
  /** Grasps of one query at most. Default 5. */
  readonly maxGrasps?: number;
  /** False leaves the grasp planner out. */
  readonly grasps?: boolean;
}

/** Loads a model by name or folder. */
export async function openGrounder(options: PipelineOptions): Promise<HifiCs> {
  const folder = await findModel(options.model ?? defaultModel);
  const choice = await backendChoice(options);
  const engine: HifiCsOptions = {
    ...(options.threshold !== undefined && { threshold: options.threshold }),
    runsElsewhere: choice.kind !== "in-process",
  };
  return HifiCs.open(folder, (model) => createBackend(model, choice), engine);
}

/**
 * Grounder and planner as one pipeline.
 * @throws GraspGroundingError MODEL_*, PROVIDER_UNAVAILABLE; USAGE for a gripper that is not known, also where no grasps are planned
 */
export async function createPipeline(options: PipelineOptions): Promise<GraspPipeline> {
  if (options.gripper !== undefined) await readGripper(options.gripper);
  if (options.graspModel !== undefined) await findGraspNetwork(options.graspModel);
  const grounder = await guided(await openGrounder(options), options);
  try {
    return new GraspPipeline({
      grounder,
      ...(options.maxGrasps !== undefined && { grasps: options.maxGrasps }),
      ...(options.grasps !== false && { planner: await openPlanner(options) }),
    });
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

async function guided(grounder: HifiCs, options: PipelineOptions): Promise<Grounder> {
  if (options.proposals === undefined) return grounder;
  if (options.proposals === "clusters") return new GuidedGrounder(grounder, new DepthClusters());
  const detector = await OnnxDetector.open(options.proposals, inProcessOptions(options));
  return new GuidedGrounder(grounder, detector);
}
