import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { GraspGroundingError } from "../errors/index.js";

interface EnvironmentFile {
  readonly set: Readonly<Record<string, string>>;
  readonly prepend: Readonly<Record<string, string>>;
}

/**
 * The environment a ROS process of this checkout has to be started with, where `npm run ros:setup` made one and the
 * present environment lacks our interfaces; undefined when the present one will do. The dynamic linker reads its path
 * when a process starts, so a process cannot give it to itself.
 * @param root the project's root folder.
 * @throws GraspGroundingError ROS_MISSING for an environment whose folders are gone.
 */
export function missingEnvironment(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv | undefined {
  const file = join(env.GRASP_GROUNDING_ROS_CACHE ?? join(root, ".cache", "ros"), "env.json");
  if (hasInterfaces(env) || !existsSync(file)) return undefined;
  const { set, prepend } = JSON.parse(readFileSync(file, "utf8")) as EnvironmentFile;
  const joined = Object.entries(prepend).map(([name, value]) => [
    name,
    [value, env[name]].filter(Boolean).join(delimiter),
  ]);
  const made = { ...env, ...set, ...Object.fromEntries(joined) };
  // A process started in it would look for another one, and so on for ever.
  if (!hasInterfaces(made))
    throw new GraspGroundingError("ROS_MISSING", {
      detail: `${file} names folders that are gone: was this folder moved?`,
    });
  return made;
}

/** Whether our interfaces are in a prefix of this environment. */
const hasInterfaces = (env: NodeJS.ProcessEnv): boolean =>
  (env.AMENT_PREFIX_PATH ?? "")
    .split(delimiter)
    .some((prefix) => prefix !== "" && existsSync(join(prefix, "share", "grasp_grounding_interfaces")));

const profileVariables = ["FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"] as const;
/** Files that Fast DDS reads from the working directory by itself. */
const profileFiles = ["DEFAULT_FASTRTPS_PROFILES.xml", "DEFAULT_FASTDDS_PROFILES.xml"];

/**
 * Chooses launch/config/fastdds.xml, whose shared memory holds images of megabytes, unless the user has a profile,
 * another
 * middleware, or GRASP_GROUNDING_FASTDDS_PROFILE=none. To be called before ROS is initialised.
 * @param root the project's root folder.
 * @param env is changed.
 * @returns whether the profile was set.
 */
export function useLargeImageProfile(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
  folder: string = process.cwd(),
): boolean {
  const isFastDds = (env.RMW_IMPLEMENTATION ?? "rmw_fastrtps_cpp").startsWith("rmw_fastrtps");
  const hasProfile =
    profileVariables.some((name) => env[name] !== undefined) ||
    profileFiles.some((name) => existsSync(join(folder, name)));
  if (!isFastDds || hasProfile || env.GRASP_GROUNDING_FASTDDS_PROFILE === "none") return false;
  for (const name of profileVariables) env[name] = join(root, "launch", "config", "fastdds.xml");
  return true;
}
