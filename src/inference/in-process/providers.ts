/** Execution providers of ONNX Runtime that this program supports. */
export const executionProviders = ["cpu", "cuda", "tensorrt", "webgpu"] as const;
export type ExecutionProvider = (typeof executionProviders)[number];

export const isProvider = (name: string): name is ExecutionProvider =>
  (executionProviders as readonly string[]).includes(name);

/** `tensorrt,cuda` -> both, in that order; undefined when a name is unknown or repeated, or there is none. */
export function parseProviders(text: string): readonly ExecutionProvider[] | undefined {
  const names = text.split(",").map((name) => name.trim());
  return names.length > 0 && names.every(isProvider) && new Set(names).size === names.length
    ? names
    : undefined;
}

/** Names ONNX Runtime has for providers in its profiles. */
const profileNames: Readonly<Record<string, string>> = {
  CPUExecutionProvider: "cpu",
  CUDAExecutionProvider: "cuda",
  TensorrtExecutionProvider: "tensorrt",
  WebGpuExecutionProvider: "webgpu",
};

/** Output below which a CPU operator is bookkeeping of shapes, which every provider leaves to the CPU. */
const bookkeepingBytes = 16_384;

/** Operators of a model by provider, counted in a profile of a real run. */
export interface Placement {
  /** Operators by provider. */
  readonly operators: Readonly<Record<string, number>>;
  /** Kinds of operators that ran on the CPU and are more than bookkeeping, e.g. `DynamicQuantizeMatMul`. */
  readonly leftToCpu: readonly string[];
}

interface ProfileEvent {
  readonly cat?: string;
  readonly name?: string;
  readonly args?: { readonly provider?: string; readonly op_name?: string; readonly output_size?: string };
}

/** Reads a profile of ONNX Runtime: a JSON array of trace events, one for each kernel that ran. */
export function placementOf(profile: string): Placement {
  const operators: Record<string, number> = {};
  const leftToCpu = new Set<string>();
  for (const { cat, name, args } of JSON.parse(profile) as ProfileEvent[]) {
    if (cat !== "Node" || args?.provider === undefined || !name?.endsWith("_kernel_time")) continue;
    const provider = profileNames[args.provider] ?? args.provider;
    operators[provider] = (operators[provider] ?? 0) + 1;
    if (provider === "cpu" && Number(args.output_size) > bookkeepingBytes)
      leftToCpu.add(args.op_name ?? "an operator");
  }
  return { operators, leftToCpu: [...leftToCpu] };
}

export function joinPlacements(placements: readonly Placement[]): Placement {
  const operators: Record<string, number> = {};
  for (const placement of placements)
    for (const [provider, n] of Object.entries(placement.operators))
      operators[provider] = (operators[provider] ?? 0) + n;
  return { operators, leftToCpu: [...new Set(placements.flatMap((placement) => placement.leftToCpu))] };
}

/**
 * Why a model does not run on `provider`, by what a profiled run shows; undefined when it does. ONNX Runtime places
 * operator by operator: a session that was created "on CUDA" may silently compute on the CPU.
 */
export function placementProblem(provider: ExecutionProvider, placement: Placement): string | undefined {
  if (provider === "cpu") return undefined;
  if ((placement.operators[provider] ?? 0) === 0) return `no operator ran on ${provider}`;
  if (placement.leftToCpu.length === 0) return undefined;
  return `these ran on the CPU: ${placement.leftToCpu.join(", ")}`;
}

/** Provider of a loaded model, as shown to the user: `cuda`, `cuda+cpu (19 of 412 operators on the CPU)`. */
export function describePlacement(provider: ExecutionProvider, placement: Placement | undefined): string {
  if (placement === undefined || placementProblem(provider, placement) === undefined) return provider;
  const total = Object.values(placement.operators).reduce((sum, n) => sum + n, 0);
  return `${provider}+cpu (${placement.operators.cpu ?? 0} of ${total} operators on the CPU)`;
}
