// `npm run rehearse:docker [-- --chroot FOLDER --folder FOLDER --mirror URL]`: carries out docker/Dockerfile, instruction by instruction, in fresh systems
// by debootstrap, where no container engine and no image is at hand. As root. ROS 2's image is Debian with the ROS 2 of Python wheels
// (scripts/ros/stand-in.mjs), and CUDA's image is left out. The result starts as the image would: its entry point runs the demo and the
// node as its user without rights. Writes docs/results/rehearsal-docker.json. --chroot keeps the fresh Debian for another run, and
// --folder all systems: a run with the same folder goes on after the last instruction that succeeded.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import {
  copyNode,
  fail,
  inside,
  makeSystem,
  nodeHeaders,
  npmSettings,
  release,
  requireDebootstrap,
  shareNetwork,
  systemOptions,
  temporaryFolder,
  timed,
  user,
} from "./lib/chroot.mjs";
import { dockerfile } from "./lib/dockerfile.mjs";
import { root } from "./lib/setup.mjs";
import { findPython } from "./ros/prefix.mjs";

const { values } = parseArgs({ options: { ...systemOptions, folder: { type: "string" } } });
requireDebootstrap();
const load = Math.round(loadavg()[0] * 10) / 10;
const folder = values.folder ?? temporaryFolder("rehearsal-docker-");

/** Debian's packages of what ROS 2's image brings, and of the wheels' own needs. */
const basePackages = "ca-certificates cmake g++ make python3 python3-dev python3-venv";
/** Packages of ROS 2's repository: the stand-in has their content. */
const ofRos = /^"?(ros-|python3-colcon-)/;
/** No image of CUDA: `docker build --build-arg CUDA=0`. */
const buildArguments = { CUDA: "0" };

const settings = npmSettings();
/** Runs a command in a system as its root, or as `uid`. */
function execute(name, system, command, { env = {}, uid = 0, at = "/", home = "/root" } = {}) {
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const all = { ...shareNetwork(system), LANG: "C.UTF-8", HOME: home, PATH: path, ...env };
  return timed(name, "unshare", inside(system, command, { uid, at }), { env: all });
}

/** What `FROM ros:…` begins with: Debian, /opt/ros/jazzy, colcon, and the user `ubuntu`. */
function makeBase() {
  const fresh = values.chroot ?? join(folder, "fresh");
  makeSystem(fresh, values.mirror);
  const base = join(folder, "base");
  if (existsSync(base)) return base;
  const made = `${base}.new`;
  rmSync(made, { recursive: true, force: true });
  timed("copy of the system", "cp", ["-a", fresh, made]);
  // Wheels are fetched with this machine's settings; the system installs them without a network.
  const wheels = join(made, "opt", "wheels");
  const lists = ["scripts/ros/requirements.txt", "test/ros/requirements.txt"].map((name) => join(root, name));
  timed("wheels", findPython(), [
    ...["-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "-w", wheels],
    ...lists.flatMap((list) => ["-r", list]),
  ]);
  writeFileSync(join(made, "etc", "pip.conf"), "[global]\nno-index = true\nfind-links = /opt/wheels\n");
  const from = join(made, "opt", "stand-in");
  for (const name of ["scripts", "third_party"])
    cpSync(join(root, name), join(from, name), { recursive: true });
  cpSync(lists[1], join(from, "colcon.txt"));
  execute("packages of the base", made, [
    "sh",
    "-c",
    `apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ${basePackages} && useradd --create-home --uid ${user} --shell /bin/bash ubuntu`,
  ]);
  copyNode(made);
  execute("ROS 2 of the base", made, ["node", "/opt/stand-in/scripts/ros/stand-in.mjs", "/opt/ros/jazzy"]);
  execute("colcon of the base", made, [
    "sh",
    "-c",
    "python3 -m venv /opt/colcon && /opt/colcon/bin/pip install --quiet -r /opt/stand-in/colcon.txt && ln -s /opt/colcon/bin/colcon /usr/local/bin/colcon",
  ]);
  // The Dockerfile brings Node.js itself.
  for (const path of ["usr/local/bin/node", "usr/local/lib/node_modules", "opt/stand-in", "opt/wheels"])
    rmSync(join(made, path), { recursive: true, force: true });
  timed("base", "mv", [made, base]);
  return base;
}

const { stages } = dockerfile(readFileSync(join(root, "docker", "Dockerfile"), "utf8"), buildArguments);
const base = makeBase();
const systems = new Map();
const steps = [];
let resumed = false;
const note = (stage, line, how) => steps.push({ stage: stage.name ?? "image", line, how });

/** Copies as COPY does: a folder's content into the target, a file to it or into it. */
function copy(from, to) {
  const isFolder = (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const target = !isFolder(from) && (to.endsWith("/") || isFolder(to)) ? join(to, basename(from)) : to;
  mkdirSync(dirname(target), { recursive: true });
  cpSync(from, target, { recursive: true, verbatimSymlinks: true });
}

/** The files that `COPY . .` sends: those of the checkout that git knows, less .dockerignore's. */
function copyCheckout(to) {
  const listed = spawnSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  const ignored = readFileSync(join(root, ".dockerignore"), "utf8").split("\n").filter(Boolean);
  for (const file of listed.stdout.split("\0").filter(Boolean)) {
    if (ignored.some((name) => file === name || file.startsWith(`${name}/`))) continue;
    if (existsSync(join(root, file))) copy(join(root, file), join(to, file));
  }
}

function copyInstruction(stage, system, { from, paths, line }, succeeded) {
  const target = (path) => {
    const full = path.startsWith("/") ? join(system, path) : join(system, stage.at, path);
    return path.endsWith("/") ? `${full}/` : full;
  };
  const [to, ...sources] = [paths.at(-1), ...paths.slice(0, -1)];
  if (from === "cuda") return note(stage, line, "left out: CUDA's image");
  note(stage, line, "run");
  if (succeeded) return;
  if (from === undefined) {
    for (const source of sources)
      if (source === ".") copyCheckout(join(system, stage.at, to));
      else copy(join(root, source), target(to));
  } else if (systems.has(from))
    for (const source of sources) copy(join(systems.get(from), source), target(to));
  else if (from === "node") {
    const headers = nodeHeaders();
    if (!sources.some((source) => source.includes("include"))) copyNode(system);
    else if (headers === undefined) fail("this Node.js came without its headers (include/node)");
    else copy(headers, target(to));
  }
}

/** A RUN without the packages of ROS 2's repository. */
function withoutRos(script) {
  const words = script.split(" ");
  const kept = words.filter((word) => !ofRos.test(word));
  return {
    script: kept.join(" "),
    how: kept.length === words.length ? "run" : "run without ROS 2's packages",
  };
}

/** Carries out an instruction in a stage's system, unless it `succeeded` in an earlier run; says how. */
function carryOut(stage, system, instruction, succeeded) {
  const { kind, line } = instruction;
  if (kind === "WORKDIR") {
    mkdirSync(join(system, instruction.path), { recursive: true });
    stage.at = instruction.path;
  }
  if (kind === "COPY") return copyInstruction(stage, system, instruction, succeeded);
  // `ros2` comes with a distribution alone: the node's executable runs in its place.
  if (kind === "CMD") return note(stage, line, "left out: no ros2 among the wheels");
  if (kind !== "RUN") return note(stage, line, "run");
  const { script, how } = withoutRos(instruction.script);
  note(stage, line, how);
  if (succeeded) return;
  const npmrc = join(system, "root", ".npmrc");
  // Node.js has its headers elsewhere in the system.
  if (settings !== undefined)
    writeFileSync(npmrc, readFileSync(settings, "utf8").replace(/^nodedir\b.*\n?/gm, ""));
  const env = { ...instruction.env, COLCON_PYTHON_EXECUTABLE: "/opt/colcon/bin/python" };
  execute(`RUN ${script.slice(0, 60)}`, system, [...stage.shell, script], { env, at: stage.at });
  rmSync(npmrc, { force: true });
}

for (const stage of stages) {
  if (!stage.image.startsWith("ros:")) continue;
  const name = stage.name ?? "image";
  const system = join(folder, name);
  const record = `${system}.done`;
  const before = existsSync(record) ? readFileSync(record, "utf8").split("\n").filter(Boolean) : [];
  const lines = stage.instructions.map(({ line }) => line);
  const done = before.every((line, i) => line === lines[i]) ? before.length : 0;
  resumed ||= done > 0;
  if (done === 0) {
    rmSync(system, { recursive: true, force: true });
    timed(`stage ${name}`, "cp", ["-a", base, system]);
  }
  systems.set(name, system);
  note(stage, `FROM ${stage.image}`, "replaced: Debian and ROS 2 of Python wheels");
  for (const [i, instruction] of stage.instructions.entries()) {
    carryOut(stage, system, instruction, i < done);
    writeFileSync(record, lines.slice(0, i + 1).join("\n"));
  }
}

const image = stages.at(-1);
const system = systems.get("image");
const size = (path) =>
  Math.round(Number(spawnSync("du", ["-sm", path], { encoding: "utf8" }).stdout.split("\t")[0]));
/** Runs a command through the image's entry point, as its user, in its working folder. */
const enter = (name, command) =>
  execute(name, system, [...image.entrypoint, ...command], {
    env: { ...image.env, ROS_AUTOMATIC_DISCOVERY_RANGE: "LOCALHOST", ROS_DOMAIN_ID: "87" },
    uid: user,
    at: image.at,
    home: image.at,
  });
const demo = enter("demo", ["grasp-grounding", "demo", "--once"]);
const answers = readFileSync(join(system, image.at, "out", "demo", "result.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
writeFileSync(
  join(system, "tmp", "state.py"),
  readFileSync(join(root, "scripts", "ros", "state.py"), "utf8"),
);
const bridge = "/ws/install/grasp_grounding/lib/grasp_grounding/bridge";
const node = enter("node", [
  "sh",
  "-c",
  `${bridge} & node=$!; python3 /tmp/state.py /grasp_grounding active; state=$?; kill -INT $node; wait $node && exit $state`,
]);
const left = readdirSync(join(system, "ws"));

const result = {
  command: "npm run rehearse:docker",
  what: `docker/Dockerfile instruction by instruction in fresh systems (debootstrap, Debian ${release}) in place of images: ROS 2 Jazzy is that of Python wheels, CUDA is left out; then the entry point runs the demo and the node as the image's user`,
  machine: { cpu: cpus()[0]?.model ?? "", cores: availableParallelism(), node: process.versions.node },
  load,
  // Instructions that succeeded in an earlier run with the same --folder were not carried out again.
  resumed,
  build_arguments: buildArguments,
  instructions: steps.length,
  run: steps.filter(({ how }) => how === "run").length,
  changed: steps.filter(({ how }) => how.startsWith("run without") || how.startsWith("replaced")).length,
  left_out: steps.filter(({ how }) => how.startsWith("left out")).length,
  ws: { folders: left, megabytes: size(join(system, "ws")) },
  demo: {
    seconds: demo,
    answers: answers.length,
    boxes: answers.reduce((sum, { detections }) => sum + detections.length, 0),
  },
  node: { state: "active", seconds: node },
  steps,
};
if (result.demo.boxes === 0) fail("the demo found no box");
writeFileSync(
  join(root, "docs", "results", "rehearsal-docker.json"),
  `${JSON.stringify(result, undefined, 1)}\n`,
);
process.stdout.write(
  `${result.run} of ${result.instructions} instructions as they are, ${result.changed} changed, ${result.left_out} left out; ${result.demo.boxes} boxes\n`,
);
