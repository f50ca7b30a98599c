// node scripts/ros/stand-in.mjs FOLDER: makes FOLDER a ROS 2 that a shell can source, of the Python wheels of requirements.txt and of
// the message packages that a distribution has and the wheels lack. `npm run rehearse:docker` uses it where the Dockerfile has an
// image of ROS 2. Node builtins only.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildInterfaces, missingUpstream } from "./interfaces.mjs";
import { repository } from "./paths.mjs";
import { makePrefix, patchPrefix } from "./prefix.mjs";
import { Problem, run } from "./run.mjs";

/** The message packages that the Dockerfile installs. */
const packages = ["tf2_msgs", "vision_msgs", "control_msgs"];

const folder = process.argv[2];
if (folder === undefined) throw new Problem("the folder is missing", "node scripts/ros/stand-in.mjs FOLDER");
makePrefix(folder, join(repository, "scripts", "ros", "requirements.txt"));
patchPrefix(folder);
const base = { distro: "jazzy", prefixes: [folder], wheels: folder };
const messages = join(folder, "messages");
mkdirSync(folder, { recursive: true });
buildInterfaces(missingUpstream(base.prefixes, packages), base, messages, join(folder, "build"));

const python = run("asking for Python's version", join(folder, "bin", "python"), [
  "-c",
  "import sys; print('python%d.%d' % sys.version_info[:2])",
]).trim();
const site = join(folder, "lib", python, "site-packages");
const libraries = readdirSync(site).filter((name) => /^ros_.*\.libs$/.test(name));
const [libraryFolder, library] = run("asking for libpython", join(folder, "bin", "python"), [
  "-c",
  "import sysconfig as s; print(s.get_config_var('LIBDIR'), 'python' + s.get_config_var('LDVERSION'))",
])
  .trim()
  .split(" ");
const values = {
  ROS_DISTRO: base.distro,
  ROS_VERSION: "2",
  AMENT_PREFIX_PATH: [messages, folder].join(":"),
  CMAKE_PREFIX_PATH: [messages, folder].join(":"),
  LD_LIBRARY_PATH: [
    join(messages, "lib"),
    join(folder, "lib"),
    ...libraries.map((name) => join(site, name)),
  ].join(":"),
  PYTHONPATH: [join(messages, "lib", python, "site-packages"), site].join(":"),
  // CMake takes the Python of an active virtual environment.
  VIRTUAL_ENV: folder,
  // Some ROS libraries of the wheels need libpython's symbols.
  LDFLAGS: `-L${join(folder, "lib")} -L${libraryFolder} -Wl,--no-as-needed -l${library} -Wl,--as-needed`,
};
const text = Object.entries(values)
  .map(([name, value]) =>
    name === "LD_LIBRARY_PATH" || name === "PYTHONPATH"
      ? `export ${name}='${value}'"\${${name}:+:$${name}}"\n`
      : `export ${name}='${value}'\n`,
  )
  .join("");
for (const name of ["setup.sh", "setup.bash"])
  writeFileSync(join(folder, name), `${text}export PATH='${folder}/bin'"\${PATH:+:$PATH}"\n`);
