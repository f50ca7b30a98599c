import { Command } from "commander";
import { usage } from "../../errors/index.js";
import { knownHubModels, knownWeights, type ModelPrecision } from "../../model-store/index.js";
import { type PullFlags, pullHubModel } from "./pull-hub.js";
import { pullWeights } from "./pull-weights.js";

const kinds: readonly ModelPrecision[] = ["fp32", "fp16", "int8"];

/** `models pull`. */
export function pullCommand(): Command {
  const names = [...knownHubModels, ...knownWeights].map(({ name }) => name);
  return new Command("pull")
    .description("fetches published models and weights; a broken download is taken up where it stopped")
    .argument("<name>", `${names.join(", ")}, or owner/name of a repository on the hub`)
    .option("--as <name>", "what the model will be called (default: the repository's name)")
    .option("--from <where>", "a mirror's address, or a folder or file on this machine")
    .option("--precision <kinds>", "fp32, fp16, int8, or several with commas (default: fp32)", parseKinds)
    .option("--revision <commit>", "commit, tag or branch of the repository")
    .action(async (name: string, flags: PullFlags) => {
      const weights = knownWeights.find((known) => known.name === name);
      if (weights !== undefined) {
        if (flags.as ?? flags.precision ?? flags.revision)
          throw usage(`--as, --precision and --revision do not go with ${name}: it is one file of weights`);
        return pullWeights(weights, flags.from);
      }
      const known = knownHubModels.find((model) => model.name === name);
      if (known === undefined && !/^[\w.-]+\/[\w.-]+$/.test(name))
        throw usage(
          `nothing is published as ${name}; there are ${names.join(", ")}, and owner/name of any repository (a checkpoint of your own: models import)`,
        );
      return pullHubModel(known ?? name, flags);
    });
}

function parseKinds(list: string): ModelPrecision[] {
  const named = list.split(",").map((kind) => kinds.find((one) => one === kind.trim()));
  const found = named.filter((kind) => kind !== undefined);
  if (found.length === 0 || found.length < named.length)
    throw usage(`--precision ${list}: fp32, fp16, int8, or several with commas`);
  return [...new Set(found)];
}
