/** Every benchmark by name, for `grasp-grounding bench` and scripts. */
import { usage } from "../src/errors/index.js";
import { hubFamilies } from "../src/grounding/index.js";
import { backendChoice, type PipelineOptions } from "../src/pipeline/index.js";

export interface BenchOptions extends PipelineOptions {
  /** One family of the hub's layout instead of all. */
  readonly family?: string;
  /** Where models with random weights stay for another run. */
  readonly repositories?: string;
}

export type Bench = (options: BenchOptions, quick: boolean) => Promise<object>;

/** @throws GraspGroundingError USAGE for a family that does not exist */
function families({ family }: BenchOptions) {
  if (family === undefined) return hubFamilies;
  const chosen = hubFamilies.filter((each) => each === family);
  if (chosen.length === 0) throw usage(`no family ${family}; there are ${hubFamilies.join(", ")}`);
  return chosen;
}

/** Benches by name; each module is loaded only when it is run. */
export const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  ground: async () => {
    const { benchGround } = await import("./ground.js");
    const { benchGroundModel } = await import("./ground-model.js");
    return async (options, quick) => {
      const { model, proposals, refine } = options;
      return model === undefined && proposals === undefined && refine === undefined
        ? benchGround(await backendChoice(options), quick)
        : benchGroundModel(options, quick);
    };
  },
  replay: async () => {
    const { benchReplay } = await import("./replay.js");
    const { replay } = await import("../src/replay/run.js");
    return (options, quick) =>
      benchReplay((path) => replay(path, { ...options, query: ["the red mug"], quiet: true }), quick);
  },
  parity: async () => {
    const { benchParity } = await import("./parity.js");
    const { benchFamilies } = await import("./families/bench.js");
    return async (options) => {
      const chosen = families(options);
      return { ...(await benchParity()), families: await benchFamilies(chosen, options.repositories) };
    };
  },
  "parity-families": async () => {
    const { benchFamilies } = await import("./families/bench.js");
    return async (options) => benchFamilies(families(options), options.repositories);
  },
  "families-speed": async () => {
    const { benchFamilySpeed } = await import("./families/speed.js");
    return async (options) => benchFamilySpeed(families(options), options.repositories);
  },
  grasp: async () => {
    const { benchGrasp } = await import("./grasp.js");
    return (_, quick) => benchGrasp(quick);
  },
  arm: async () => {
    const { benchArm } = await import("./arm.js");
    return (_, quick) => benchArm(quick);
  },
  inference: async () => (await import("./inference.js")).benchInference,
  "inference-torch": async () => (await import("./inference-torch.js")).benchTorch,
  "inference-paths": async () => (await import("./inference.js")).benchPaths,
  gpu: async () => (await import("./gpu-streams.js")).benchGpu,
  workers: async () => (await import("./workers.js")).benchWorkers,
  ros: async () => {
    const { benchRos } = await import("./ros.js");
    return () => benchRos();
  },
  "ros-endurance": async () => {
    const { benchRosEndurance } = await import("./ros.js");
    return () => benchRosEndurance();
  },
};

/** Benches with a short form. */
export const quickBenches: readonly string[] = ["ground", "replay", "grasp", "arm", "gpu"];
