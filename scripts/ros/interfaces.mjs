// Builds the interface packages the ROS prefix lacks, with CMake, as colcon would.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { composeEnvironment } from "./environment.mjs";
import { hashFolder, repository } from "./paths.mjs";
import { exists, Problem, progress, run } from "./run.mjs";

/** Packages that a ROS distribution has and the wheels lack; built only where the prefix has none. */
const upstream = ["tf2_msgs", "vision_msgs", "control_msgs", "foxglove_msgs"];

/** What MoveGroup's action needs: built only when asked for (`npm run ros:setup -- --moveit`), each after what it needs. */
const moveit = ["octomap_msgs", "object_recognition_msgs", "moveit_msgs"];

const described = (name, source) => ({ name, source, digest: hashFolder(source) });

/** The upstream packages that none of `prefixes` has: name, source folder and digest of the sources. */
export const missingUpstream = (prefixes, names = upstream) =>
  names
    .filter((name) => !prefixes.some((prefix) => existsSync(join(prefix, "share", name, "package.xml"))))
    .map((name) => described(name, join(repository, "third_party", name)));

/** Of MoveIt's packages, those that none of `prefixes` has. */
export const missingMoveIt = (prefixes) => missingUpstream(prefixes, moveit);

/** The package of this repository. */
export const ownInterfaces = () => [described("grasp_grounding_interfaces", join(repository, "interfaces"))];

export const installed = (packages, prefix) =>
  packages.every(({ name }) => existsSync(join(prefix, "share", name, "package.xml")));

/** Builds `packages` and puts them in place of the folder `install` at once, so that nobody meets half of them. */
export function buildInterfaces(packages, base, install, build) {
  if (!exists("cmake")) throw new Problem("cmake was not found", "install cmake (Debian: apt install cmake)");
  if (!exists("c++"))
    throw new Problem("a C++ compiler was not found", "install g++ (Debian: apt install g++)");
  const generator = exists("ninja") ? ["-G", "Ninja"] : exists("make") ? [] : undefined;
  if (!generator)
    throw new Problem("neither ninja nor make was found", "install one (Debian: apt install make)");
  const fresh = `${install}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const env = composeEnvironment(base, [fresh]);
  // These carry small messages: compiling them fast matters more than running them fast.
  const flags = ["-DCMAKE_C_FLAGS=-O0", "-DCMAKE_CXX_FLAGS=-O0", "-DBUILD_TESTING=OFF", "-Wno-dev"];
  flags.push(`-DCMAKE_PROJECT_INCLUDE=${join(repository, "scripts/ros/unite.cmake")}`);
  if (base.wheels) flags.push(`-DPython3_EXECUTABLE=${join(base.wheels, "bin", "python")}`);
  for (const { name, source } of packages) {
    progress(`interfaces: building ${name}`);
    const folder = join(build, name);
    rmSync(folder, { recursive: true, force: true });
    const where = [
      `-DCMAKE_PREFIX_PATH=${[fresh, ...base.prefixes].join(";")}`,
      `-DCMAKE_INSTALL_PREFIX=${fresh}`,
    ];
    run(`configuring ${name}`, "cmake", ["-S", source, "-B", folder, ...generator, ...where, ...flags], {
      env,
    });
    run(`building ${name}`, "cmake", ["--build", folder, "--parallel", String(availableParallelism())], {
      env,
    });
    run(`installing ${name}`, "cmake", ["--install", folder], { env });
  }
  rmSync(install, { recursive: true, force: true });
  renameSync(fresh, install);
}
