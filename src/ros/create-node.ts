import type { OverrideValue } from "./parameters/overrides.js";
import { parameterTypes, type Rcl, type RclNode, type RclParameter } from "./rcl.js";

export interface CreateNodeOptions {
  readonly rcl: Rcl;
  /** Before remapping. */
  readonly name: string;
  /** Values given at start, each of its parameter's type. */
  readonly overrides?: ReadonlyMap<string, OverrideValue>;
}

/** The node, without simulated time: the node follows its clock by a subscription of its own. */
export function createNode({ rcl, name, overrides = new Map() }: CreateNodeOptions): {
  readonly node: RclNode;
  readonly simTime: boolean;
} {
  const parameterOverrides: RclParameter[] = [];
  for (const [parameter, value] of overrides)
    if (parameter !== "use_sim_time")
      parameterOverrides.push(new rcl.Parameter(parameter, typeOf(value), value));
  const node = new rcl.lifecycle.LifecycleNode(name, undefined, undefined, { parameterOverrides });
  return { node, simTime: overrides.get("use_sim_time") === true };
}

function typeOf(value: OverrideValue): number {
  switch (typeof value) {
    case "boolean":
      return parameterTypes.boolean;
    case "bigint":
      return parameterTypes.integer;
    case "number":
      return parameterTypes.double;
    default:
      return parameterTypes.string;
  }
}
