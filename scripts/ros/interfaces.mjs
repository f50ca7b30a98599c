// Builds the interface packages the ROS prefix lacks, with CMake, as colcon would.
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { composeEnvironment } from "./environment.mjs";
import { hashFolder, repository } from "./paths.mjs";
import { exists, Problem, progress, run } from "./run.mjs";

/** Packages that a ROS distribution has and the wheels lack; built only where the prefix has none. */
const upstream = ["tf2_msgs", "vision_msgs", "control_msgs", "foxglove_msgs"];

/** What has to be built against `prefixes`: name, source folder and digest of the sources. */
export function interfacePackages(prefixes) {
  const missing = upstream.filter(
    (name) => !prefixes.some((prefix) => existsSync(join(prefix, "share", name, "package.xml"))),
  );
  return [
    ...missing.map((name) => ({ name, source: join(repository, "scripts", "ros", "upstream", name) })),
    { name: "grasp_grounding_interfaces", source: join(repository, "interfaces") },
  ].map((each) => ({ ...each, digest: hashFolder(each.source) }));
}

/** Builds and installs `packages` into `interfaces`, all in one CMake run so that every core has work. */
export function buildInterfaces(packages, base, interfaces, build) {
  if (!exists("cmake")) throw new Problem("cmake was not found", "install cmake (Debian: apt install cmake)");
  if (!exists("c++"))
    throw new Problem("a C++ compiler was not found", "install g++ (Debian: apt install g++)");
  const generator = exists("ninja") ? ["-G", "Ninja"] : exists("make") ? [] : undefined;
  if (!generator)
    throw new Problem("neither ninja nor make was found", "install one (Debian: apt install make)");
  rmSync(interfaces, { recursive: true, force: true });
  rmSync(build, { recursive: true, force: true });
  const env = composeEnvironment(base, interfaces);
  for (const { name, source } of packages) {
    progress(`interfaces: building ${name}`);
    const copy = join(build, "src", name);
    mkdirSync(copy, { recursive: true });
    cpSync(source, copy, { recursive: true });
    const folder = join(build, name);
    const python = base.wheels ? [`-DPython3_EXECUTABLE=${join(base.wheels, "bin", "python")}`] : [];
    run(
      `configuring ${name}`,
      "cmake",
      [
        "-S",
        copy,
        "-B",
        folder,
        ...generator,
        `-DCMAKE_PREFIX_PATH=${[interfaces, ...base.prefixes].join(";")}`,
        `-DCMAKE_INSTALL_PREFIX=${interfaces}`,
        "-DBUILD_TESTING=OFF",
        "-DCMAKE_C_FLAGS=-O0",
        "-DCMAKE_CXX_FLAGS=-O0",
        "-Wno-dev",
        ...python,
      ],
      { env },
    );
    run(`building ${name}`, "cmake", ["--build", folder, "--parallel", String(availableParallelism())], {
      env,
    });
    run(`installing ${name}`, "cmake", ["--install", folder], { env });
  }
}
