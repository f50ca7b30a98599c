import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

interface EnvironmentFile {
  readonly set: Readonly<Record<string, string>>;
  readonly prepend: Readonly<Record<string, string>>;
}

/**
 * The environment a ROS process of this checkout has to be started with, where `npm run ros:setup` made one and the
 * present environment lacks our interfaces; undefined when the present one will do. The dynamic linker reads its path
 * when a process starts, so a process cannot give it to itself.
 * @param root the project's root folder.
 */
export function missingEnvironment(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv | undefined {
  const hasInterfaces = (env.AMENT_PREFIX_PATH ?? "")
    .split(delimiter)
    .some((prefix) => prefix !== "" && existsSync(join(prefix, "share", "grasp_grounding_interfaces")));
  const file = join(env.GRASP_GROUNDING_ROS_CACHE ?? join(root, ".cache", "ros"), "env.json");
  if (hasInterfaces || !existsSync(file)) return undefined;
  const { set, prepend } = JSON.parse(readFileSync(file, "utf8")) as EnvironmentFile;
  const joined = Object.entries(prepend).map(([name, value]) => [
    name,
    [value, env[name]].filter(Boolean).join(delimiter),
  ]);
  return { ...env, ...set, ...Object.fromEntries(joined) };
}
