/**
 * Every parameter of the node, in groups: the one schema that descriptors, validation, launch files and docs are made
 * from.
 */
import { armParameters } from "./arm.js";
import { cameraParameters } from "./camera.js";
import { healthParameters } from "./health.js";
import { modelParameters } from "./model.js";
import { motionParameters } from "./motion.js";
import { resultsParameters } from "./results.js";
import type { ParameterGroup, ParameterSpec } from "./spec.js";
import { workParameters } from "./work.js";

export type { ParameterSpec } from "./spec.js";

export const parameterSpecs = {
  ...modelParameters,
  ...workParameters,
  ...cameraParameters,
  ...resultsParameters,
  ...armParameters,
  ...motionParameters,
  ...healthParameters,
} as const satisfies ParameterGroup;

type Specs = typeof parameterSpecs;
export type ParameterName = keyof Specs;

type ValueOf<S extends ParameterSpec> = S extends { options: readonly (infer O)[] }
  ? O
  : S["type"] extends "boolean"
    ? boolean
    : S["type"] extends "string"
      ? string
      : number;

/** Values of all parameters, typed. */
export type Parameters = { readonly [Name in ParameterName]: ValueOf<Specs[Name]> };

export const parameterNames = Object.keys(parameterSpecs) as readonly ParameterName[];

export const defaultParameters = (): Parameters =>
  Object.fromEntries(
    parameterNames.map((name) => [name, parameterSpecs[name].default]),
  ) as unknown as Parameters;

/** Why a value is refused, in one line with the allowed values; undefined when it is allowed. */
export function parameterProblem(name: string, value: unknown): string | undefined {
  if (!Object.hasOwn(parameterSpecs, name)) return undefined;
  const spec: ParameterSpec = parameterSpecs[name as ParameterName];
  switch (spec.type) {
    case "boolean":
      return typeof value === "boolean" ? undefined : `${name} must be true or false`;
    case "string":
      if (typeof value !== "string") return `${name} must be a string`;
      if (spec.options !== undefined && !spec.options.includes(value))
        return `${name} must be one of ${spec.options.join(", ")}, not "${value}"`;
      return undefined;
    default: {
      const [low, high] = spec.range;
      const number = typeof value === "bigint" ? Number(value) : value;
      if (typeof number !== "number" || !(number >= low && number <= high))
        return `${name} must be between ${low} and ${high}, not ${String(value)}`;
      return undefined;
    }
  }
}
