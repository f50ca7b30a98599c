import { GraspGroundingError } from "../../errors/index.js";
import { type HubFamily, type HubRole, hubFamilies, requiredRoles } from "../../grounding/index.js";
import type { ModelPrecision } from "../convert.js";

/** Suffixes of ONNX files by precision, as Transformers.js names them, best first. */
const suffixes: Readonly<Record<ModelPrecision, readonly string[]>> = {
  fp32: [""],
  fp16: ["_fp16"],
  int8: ["_quantized", "_int8", "_uint8"],
};

const graphs: Readonly<Partial<Record<HubRole, string>>> = {
  model: "model",
  vision: "vision_encoder",
  "prompt-decoder": "prompt_encoder_mask_decoder",
};
const settings: Readonly<Partial<Record<HubRole, string>>> = {
  config: "config.json",
  preprocessor: "preprocessor_config.json",
  tokenizer: "tokenizer.json",
  "tokenizer-config": "tokenizer_config.json",
};

export interface Selection {
  /** Suffix of the ONNX files without its underscore; empty for fp32. */
  readonly label: string;
  /** Path in the repository by role. */
  readonly files: ReadonlyMap<HubRole, string>;
}

/** The family that a repository's config.json names. @throws GraspGroundingError HUB_UNFIT */
export function familyOf(config: unknown, repository: string): HubFamily {
  const kind = (config as { readonly model_type?: unknown } | null)?.model_type;
  const family = hubFamilies.find((name) => name === kind);
  if (family !== undefined) return family;
  const detail = `config.json names the architecture ${typeof kind === "string" ? kind : "none"}; wanted ${hubFamilies.join(", ")}`;
  throw new GraspGroundingError("HUB_UNFIT", { repository, detail });
}

/**
 * The files of a precision among a repository's paths. SAM's small decoder may stay fp32.
 * @throws GraspGroundingError HUB_UNFIT with the path that is missing, and what is there instead
 */
export function selectFiles(
  paths: ReadonlySet<string>,
  family: HubFamily,
  precision: ModelPrecision,
  repository: string,
): Selection {
  const files = new Map<HubRole, string>();
  const missing = (path: string) => {
    const near = [...paths].filter((name) => name.endsWith(".onnx")).slice(0, 6);
    const instead = near.length > 0 ? `it has ${near.join(", ")}` : "it has no ONNX files";
    return new GraspGroundingError("HUB_UNFIT", { repository, detail: `${path} is missing; ${instead}` });
  };
  let label: string | undefined;
  for (const role of requiredRoles[family]) {
    const stem = graphs[role];
    if (stem === undefined) {
      const path = settings[role] ?? role;
      if (!paths.has(path)) throw missing(path);
      files.set(role, path);
      continue;
    }
    const wanted = label === undefined ? suffixes[precision] : [`${label && "_"}${label}`, ""];
    const suffix = wanted.find((end) => paths.has(`onnx/${stem}${end}.onnx`));
    if (suffix === undefined) throw missing(`onnx/${stem}${wanted[0]}.onnx`);
    label ??= suffix.slice(1);
    files.set(role, `onnx/${stem}${suffix}.onnx`);
    const data = `onnx/${stem}${suffix}.onnx_data`;
    if (paths.has(data)) files.set(`${role}-data` as HubRole, data);
  }
  if (files.has("tokenizer") && paths.has("tokenizer_config.json"))
    files.set("tokenizer-config", "tokenizer_config.json");
  return { label: label ?? "", files };
}
