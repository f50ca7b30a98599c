import { isMap, isScalar, isSeq, type Node, parseDocument, type Scalar } from "yaml";
import { GraspGroundingError } from "../../errors/index.js";

/** A parameter's value as YAML has it; integers are bigint, so that 1 and 1.0 differ. */
export type ParameterInput = boolean | bigint | number | string | readonly unknown[] | null;

export interface ParameterEntry {
  /** The key above `ros__parameters`: a node's name, or a pattern with wildcards. */
  readonly node: string;
  readonly name: string;
  readonly value: ParameterInput;
}

const parametersKey = "ros__parameters";
/** As rcl_yaml_param_parser, which reads YAML 1.1: `yes` and `on` are booleans too. */
const options = { version: "1.1", intAsBigInt: true, uniqueKeys: false } as const;

/**
 * The parameters of a ROS 2 parameter file, in its order. Namespaces may nest above and names below `ros__parameters`.
 * @param path for error texts
 * @throws GraspGroundingError ROS_PARAMETER_FILE
 */
export function parameterEntries(text: string, path: string): readonly ParameterEntry[] {
  const bad = (detail: string) => new GraspGroundingError("ROS_PARAMETER_FILE", { path, detail });
  const document = parseDocument(text, options);
  const error = document.errors[0];
  if (error !== undefined) throw bad(error.message.split("\n", 1)[0]!.replace(/:$/, ""));
  const entries: ParameterEntry[] = [];
  const addParameters = (content: unknown, node: string, prefix: string): void => {
    if (!isMap(content)) throw bad(`${parametersKey} of ${node} holds no names with values`);
    for (const { key, value } of content.items) {
      const name = `${prefix}${keyText(key)}`;
      if (isMap(value)) addParameters(value, node, `${name}.`);
      else entries.push({ node, name, value: inputOf(value) });
    }
  };
  const addNodes = (content: unknown, namespace: string): void => {
    if (!isMap(content))
      throw bad(namespace === "" ? "it holds no node" : `${namespace} has no ${parametersKey}`);
    for (const { key, value } of content.items) {
      const name = keyText(key);
      if (name !== parametersKey) addNodes(value, joined(namespace, name));
      else if (namespace === "") throw bad(`${parametersKey} stands under no node's name`);
      else addParameters(value, namespace, "");
    }
  };
  addNodes(document.contents, "");
  return entries;
}

/** A value as rcl reads it from `-p NAME:=VALUE`. */
export function parseScalar(text: string): ParameterInput {
  const document = parseDocument(text, options);
  return document.errors.length > 0 ? text : inputOf(document.contents);
}

function joined(namespace: string, name: string): string {
  if (namespace === "") return name;
  return `${namespace.replace(/\/$/, "")}/${name.replace(/^\//, "")}`;
}

const keyText = (key: unknown): string => (isScalar(key) ? String(key.source ?? key.value) : String(key));

function inputOf(value: unknown): ParameterInput {
  if (isSeq(value)) return value.items.map((each) => inputOf(each));
  if (isScalar(value)) return scalarInput(value);
  // A mapping, an alias, or nothing.
  return value === null || value === undefined ? null : String(value as Node);
}

/** Plain text that only YAML 1.1 takes for a date, a base-60 or a grouped number is text to rcl. */
function scalarInput({ value, source }: Scalar): ParameterInput {
  switch (typeof value) {
    case "boolean":
    case "string":
      return value;
    case "number":
    case "bigint":
      return /[:_]/.test(source ?? "") ? source! : value;
    default:
      return value === null ? null : String(source ?? value);
  }
}
