// Compiles rclnodejs's addon against the ROS prefix and generates its JavaScript messages.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { exists, Problem, progress, run } from "./run.mjs";

const require = createRequire(import.meta.url);

/** Builds build/Release/rclnodejs.node, unless the package brings one for exactly this distribution. */
export function compileAddon(rclnodejs, base, environment) {
  if (!exists("make")) throw new Problem("make was not found", "install make (Debian: apt install make)");
  progress("rclnodejs: compiling its addon (about half a minute)");
  const python = base.wheels ? join(base.wheels, "bin", "python") : "python3";
  const env = {
    ...environment,
    npm_config_yes: "true",
    PYTHON: python,
    JOBS: String(availableParallelism()),
  };
  if (base.wheels) {
    // Some ROS libraries of the wheels need libpython's symbols, and this process is no Python.
    const ask = (name) =>
      run("asking for libpython", python, [
        "-c",
        `import sysconfig; print(sysconfig.get_config_var('${name}') or '')`,
      ]).trim();
    const libraryFolder = ask("LIBDIR");
    const library = `python${ask("LDVERSION")}`;
    if (
      !existsSync(join(libraryFolder, `lib${library}.so`)) &&
      !existsSync(join(libraryFolder, `lib${library}.so.1.0`))
    )
      throw new Problem(
        `lib${library}.so was not found in ${libraryFolder}`,
        "install python3.11-dev, or a Python built with --enable-shared",
      );
    env.LDFLAGS = `-L${join(base.wheels, "lib")} -L${libraryFolder} -Wl,-rpath,${libraryFolder} -Wl,--no-as-needed -l${library} -Wl,--as-needed`;
  }
  // Headers that are installed next to the running Node.js match it, and save a download.
  const nodePrefix = dirname(dirname(process.execPath));
  const local = existsSync(join(nodePrefix, "include", "node", "node_api.h"))
    ? [`--nodedir=${nodePrefix}`]
    : [];
  const nodeGyp = require.resolve("node-gyp/bin/node-gyp.js");
  run("compiling rclnodejs", process.execPath, [nodeGyp, "rebuild", "--release", ...local], {
    env,
    cwd: rclnodejs,
  });
}

/** Generates the JavaScript of every message package on AMENT_PREFIX_PATH. */
export function generateMessages(rclnodejs, environment) {
  progress("messages: generating JavaScript for the message packages");
  run("generating messages", process.execPath, [join(rclnodejs, "scripts", "generate_messages.cjs")], {
    env: environment,
    cwd: rclnodejs,
  });
  if (!existsSync(join(rclnodejs, "generated", "grasp_grounding_interfaces")))
    throw new Problem(
      "rclnodejs generated no grasp_grounding_interfaces",
      "remove .cache/ros and run `npm run ros:setup` again",
    );
}
