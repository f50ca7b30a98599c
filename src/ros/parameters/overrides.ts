import { GraspGroundingError } from "../../errors/index.js";
import { type ParameterName, type ParameterSpec, parameterProblem, parameterSpecs } from "./index.js";
import type { ParameterInput } from "./parameter-file.js";
import type { GivenParameter } from "./ros-arguments.js";

export type OverrideValue = boolean | bigint | number | string;

/** Parameters that every ROS 2 node has, or that a dump of one holds. */
const commonTypes: Readonly<Record<string, ParameterSpec["type"]>> = {
  use_sim_time: "boolean",
  start_type_description_service: "boolean",
};
/** QoS of single topics, declared with their publishers and subscriptions. */
const qosPrefix = "qos_overrides.";

/**
 * The values given at start, each of its parameter's type; the last one given for a name counts.
 * @throws GraspGroundingError ROS_PARAMETER for an unknown name, a wrong type or a value that is not allowed
 */
export function parameterOverrides(given: readonly GivenParameter[]): ReadonlyMap<string, OverrideValue> {
  const values = new Map<string, OverrideValue>();
  for (const { name, value, from } of given) {
    const where = from === "-p" ? "" : ` (${from})`;
    const fail = (detail: string) =>
      new GraspGroundingError("ROS_PARAMETER", { name, detail: `${detail}${where}` });
    const type = typeOf(name);
    if (type === undefined && !name.startsWith(qosPrefix)) throw fail("the node has no such parameter");
    const typed = type === undefined ? untyped(value) : typedValue(type, value);
    if (typed === undefined) throw fail(`${name} must be ${wording[type ?? "string"]}, not ${shown(value)}`);
    const problem = parameterProblem(name, typed);
    if (problem !== undefined) throw fail(problem);
    values.set(name, typed);
  }
  return values;
}

/** A value of a parameter's type; an integer counts as a double. Undefined when it is of another type. */
export function typedValue(type: ParameterSpec["type"], value: ParameterInput): OverrideValue | undefined {
  switch (type) {
    case "double":
      return typeof value === "bigint" ? Number(value) : typeof value === "number" ? value : undefined;
    case "integer":
      return typeof value === "bigint" ? value : undefined;
    default:
      return typeof value === type ? (value as boolean | string) : undefined;
  }
}

export const wording: Readonly<Record<ParameterSpec["type"], string>> = {
  boolean: "true or false",
  integer: "an integer",
  double: "a number",
  string: "a string (in quotes where YAML would read a number or a boolean)",
};

function typeOf(name: string): ParameterSpec["type"] | undefined {
  return Object.hasOwn(parameterSpecs, name)
    ? parameterSpecs[name as ParameterName].type
    : Object.hasOwn(commonTypes, name)
      ? commonTypes[name]
      : undefined;
}

const untyped = (value: ParameterInput): OverrideValue | undefined =>
  value === null || typeof value === "object" ? undefined : value;

const shown = (value: ParameterInput): string =>
  value === null ? "empty" : typeof value === "object" ? "a list" : JSON.stringify(String(value));
