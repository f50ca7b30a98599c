import { readFileSync } from "node:fs";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { type ParameterInput, parameterEntries, parseScalar } from "./parameter-file.js";

/** A value that the command line or a parameter file gives. */
export interface GivenParameter {
  readonly name: string;
  readonly value: ParameterInput;
  /** Where it was given, for error texts: an option or a file. */
  readonly from: string;
}

export interface RosArguments {
  /** The node's fully qualified name, remappings applied. */
  readonly node: string;
  /** In the order they count: a later value replaces an earlier one. */
  readonly parameters: readonly GivenParameter[];
  /** What is left for rcl: remappings, log levels, enclaves. */
  readonly rest: readonly string[];
}

type Rule =
  | { readonly file: string }
  | { readonly node: string; readonly name: string; readonly value: ParameterInput };

/**
 * Takes parameters and parameter files out of a node's command line, because rclnodejs 2.2 reads only files keyed `/**`
 * or by the bare node name and ignores the rest without a word. Files are read as rcl and rclcpp read them: keys are
 * `name`, `/name`, `/ns/name` or nested namespaces, with the wildcards `*` for one and `**` for any number of names.
 * @param args the command line from `--ros-args` on.
 * @param name the node's name without remapping.
 * @throws GraspGroundingError ROS_PARAMETER_FILE for a file that cannot be read or has no entry for this node,
 * ROS_PARAMETER for an option that is not NAME:=VALUE
 */
export function readRosArguments(args: readonly string[], name: string): RosArguments {
  const { rules, remappings, rest } = split(args);
  const node = fullName(remappings, name);
  const parameters = rules.flatMap((rule): GivenParameter[] => {
    if ("file" in rule) return fromFile(rule.file, node);
    return matches(rule.node, node) ? [{ name: rule.name, value: rule.value, from: "-p" }] : [];
  });
  return { node, parameters, rest };
}

/** Parameter rules and remappings in their order, and all arguments but the parameter rules. */
function split(args: readonly string[]) {
  const rules: Rule[] = [];
  const remappings: string[] = [];
  const rest: string[] = [];
  let ros = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--ros-args") ros = true;
    else if (ros && arg === "--") ros = false;
    const next = args[i + 1];
    if (!ros || next === undefined) rest.push(arg);
    else if (arg === "-p" || arg === "--param") rules.push(parameterRule(args[++i]!));
    else if (arg === "--params-file") rules.push({ file: args[++i]! });
    else {
      if (arg === "-r" || arg === "--remap") remappings.push(next);
      rest.push(arg);
    }
  }
  return { rules, remappings, rest };
}

/** `[NODE:]NAME:=VALUE` */
function parameterRule(text: string): Rule {
  const at = text.indexOf(":=");
  const left = text.slice(0, Math.max(0, at));
  const colon = left.lastIndexOf(":");
  const name = left.slice(colon + 1);
  if (name === "")
    throw new GraspGroundingError("ROS_PARAMETER", { name: text, detail: "write -p NAME:=VALUE" });
  return {
    node: colon < 0 ? "/**" : left.slice(0, colon),
    name,
    value: parseScalar(text.slice(at + 2)),
  };
}

/** The first `__node` (or `__name`) and the first `__ns` rule that is for this node count, as in rcl. */
function fullName(remappings: readonly string[], name: string): string {
  const first = (...keys: readonly string[]): string | undefined => {
    for (const rule of remappings) {
      const at = rule.indexOf(":=");
      const left = rule.slice(0, Math.max(0, at));
      const colon = left.lastIndexOf(":");
      const isMine = colon < 0 || left.slice(0, colon) === name;
      if (isMine && keys.includes(left.slice(colon + 1))) return rule.slice(at + 2);
    }
    return undefined;
  };
  const namespace = first("__ns") ?? "/";
  return `${namespace.replace(/\/+$/, "")}/${first("__node", "__name") ?? name}`.replace(/^(?!\/)/, "/");
}

function fromFile(path: string, node: string): GivenParameter[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new GraspGroundingError("ROS_PARAMETER_FILE", { path, detail: describe(error) }, { cause: error });
  }
  const entries = parameterEntries(text, path);
  const mine = entries.filter((entry) => matches(entry.node, node));
  if (mine.length === 0) {
    const others = [...new Set(entries.map((entry) => entry.node))].join(", ") || "nothing";
    throw new GraspGroundingError("ROS_PARAMETER_FILE", {
      path,
      detail: `no entry is for ${node}; it has entries for ${others}`,
    });
  }
  return mine.map(({ name, value }) => ({ name, value, from: path }));
}

/** Whether a file's key stands for a node: `/*` is one name, `/**` any number of them, also none, as in rclcpp. */
export function matches(key: string, node: string): boolean {
  const absolute = key.startsWith("/") ? key : `/${key}`;
  const pattern = absolute
    .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll("/**", "(?:/\\w+){0,}")
    .replaceAll("/*", "/\\w+");
  return new RegExp(`^${pattern}$`).test(node);
}
