import { type ParameterSpec, parameterNames, parameterSpecs } from "./index.js";

const specOf = (name: (typeof parameterNames)[number]): ParameterSpec => parameterSpecs[name];

/** docs/ros-parameters.md */
export function parameterPage(): string {
  const rows = parameterNames.map((name) => {
    const spec = specOf(name);
    const changes = spec.readOnly === true ? "configure" : "any time";
    return `| \`${name}\` | ${spec.type} | \`${yamlValue(spec)}\` | ${allowed(spec)} | ${changes} | ${spec.description} |`;
  });
  return `# Parameters of the node \`grasp_grounding\`

Generated from src/ros/parameters by \`npm run ros:docs\`; a test compares both. "configure" parameters are
read-only while the node runs: give them at start. The node also has \`use_sim_time\`, as every ROS 2 node.
[Forms of parameter files](ros-api.md#parameters-at-start) are those of rcl; an integer counts as a double.

| name | type | default | allowed | changes | meaning |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

/** launch/config/defaults.yaml */
export function parameterYaml(): string {
  const lines = parameterNames.map((name) => {
    const spec = specOf(name);
    return `    # ${spec.description} Allowed: ${allowed(spec)}.\n    ${name}: ${yamlValue(spec)}`;
  });
  return `# Every parameter with its default. Generated from src/ros/parameters by \`npm run ros:docs\`.
/**:
  ros__parameters:
${lines.join("\n")}
`;
}

/** launch/parameters.json: what bridge.launch.py makes its arguments from. */
export function parameterJson(): string {
  const entries = parameterNames.map((name) => {
    const { type, default: value, description } = specOf(name);
    return [name, { type, default: value, description }];
  });
  return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`;
}

function allowed(spec: ParameterSpec): string {
  if (spec.type === "boolean") return "true, false";
  if (spec.type === "string") return spec.options?.join(", ") ?? "any text";
  return `${spec.range[0]} to ${spec.range[1]}`;
}

function yamlValue(spec: ParameterSpec): string {
  if (spec.type === "string") return JSON.stringify(spec.default);
  if (spec.type === "double" && Number.isInteger(spec.default)) return spec.default.toFixed(1);
  return String(spec.default);
}
