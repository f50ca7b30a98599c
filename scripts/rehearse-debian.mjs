// `npm run rehearse:debian [-- --chroot FOLDER --mirror URL]`: what somebody meets who has a fresh Debian, Node.js and the archive, and
// nothing else: no Python, compiler, git or clone. As root: debootstrap makes the system, Node.js is copied into it, and a user without
// rights installs the archive with an empty npm cache and runs the demo, twice: the first time fills the registry's cache, the second
// counts. Writes docs/results/rehearsal-debian.json. --chroot keeps the system for another run.
import { spawnSync } from "node:child_process";
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  copyNode,
  fail,
  inside,
  makeSystem,
  npmSettings,
  release,
  requireDebootstrap,
  shareNetwork,
  systemOptions,
  temporaryFolder,
  timed,
  user,
} from "./lib/chroot.mjs";
import { root } from "./lib/setup.mjs";

const limit = 60;
/** What a fresh system must not have, so that nothing of it can help. */
const missing = ["python3", "gcc", "g++", "make", "cmake", "git", "curl"];

const { values } = parseArgs({ options: systemOptions });
requireDebootstrap();

const load = Math.round(loadavg()[0] * 10) / 10;
const folder = temporaryFolder("rehearsal-debian-");
const system = values.chroot ?? join(folder, "system");

timed("pack", "npm", ["pack", "--silent", "--pack-destination", folder], {
  cwd: root,
  env: { ...process.env, GRASP_GROUNDING_SETUP: "skip" },
});
const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const archive = `${name}-${version}.tgz`;

makeSystem(system, values.mirror);
copyNode(system);
for (const command of ["npm", "npx"])
  spawnSync("ln", [
    "-sf",
    `../lib/node_modules/npm/bin/${command}-cli.js`,
    join(system, "usr", "local", "bin", command),
  ]);
const env = shareNetwork(system);
const settings = npmSettings();

/** Runs a shell command in the system as its user. */
const shell = (script, at) => inside(system, ["sh", "-c", script], { uid: user, at });
const options = (home) => ({
  env: { ...env, HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8" },
});
const look = `for each in ${missing.join(" ")}; do command -v $each; done; echo looked`;
const seen = spawnSync("unshare", shell(look, "/tmp"), { ...options("/tmp"), encoding: "utf8" });
if (seen.stdout !== "looked\n")
  fail(`the system is not fresh: ${(seen.stdout + seen.stderr).trim().replaceAll("\n", ", ")}`);

/** From the archive to the boxes of the demo, as a user whose home is new. */
function round(number) {
  const home = `/home/user${number}`;
  const at = join(system, home);
  rmSync(at, { recursive: true, force: true });
  mkdirSync(join(at, "try"), { recursive: true });
  cpSync(join(folder, archive), join(at, archive));
  if (settings !== undefined) cpSync(settings, join(at, ".npmrc"));
  for (const path of [at, join(at, "try"), join(at, archive), join(at, ".npmrc")])
    if (existsSync(path)) chownSync(path, user, user);
  const here = (script) => ["unshare", shell(script, `${home}/try`), options(home)];
  const install = timed(`install ${number}`, ...here(`npm install --no-audit --no-fund ../${archive}`));
  const demo = timed(`demo ${number}`, ...here("npx grasp-grounding demo --once"));
  const answers = readFileSync(join(at, "try", "out", "demo", "result.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  rmSync(at, { recursive: true, force: true });
  return {
    install_s: install,
    demo_s: demo,
    seconds: Math.round((install + demo) * 10) / 10,
    answers: answers.length,
    boxes: answers.reduce((sum, { detections }) => sum + detections.length, 0),
  };
}

const rounds = [round(1), round(2)];
const last = rounds.at(-1);
const passed = last.boxes > 0 && last.seconds <= limit;
const result = {
  command: "npm run rehearse:debian",
  what: `Debian ${release} (debootstrap, minbase) with Node.js and npm alone: npm install of the archive with an empty cache, then \`npx grasp-grounding demo --once\`, as a user without rights`,
  machine: { cpu: cpus()[0]?.model ?? "", cores: availableParallelism(), node: process.versions.node },
  // Processes that ran or waited for a core before it began; above the number of cores the machine was busy.
  load,
  absent: missing,
  limit_s: limit,
  first: rounds[0],
  warm: last,
  passed,
};
writeFileSync(
  join(root, "docs", "results", "rehearsal-debian.json"),
  `${JSON.stringify(result, undefined, 1)}\n`,
);
process.stdout.write(`from the archive to ${last.boxes} boxes: ${last.seconds} s (limit ${limit})\n`);
process.exitCode = passed ? 0 : 1;
