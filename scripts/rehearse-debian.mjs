// `npm run rehearse:debian [-- --chroot FOLDER --mirror URL]`: what somebody meets who has a fresh Debian, Node.js and the archive, and
// nothing else: no Python, compiler, git or clone. As root: debootstrap makes the system, Node.js is copied into it, and a user without
// rights installs the archive with an empty npm cache and runs the demo, twice: the first time fills the registry's cache, the second
// counts. Writes docs/results/rehearsal-debian.json. --chroot keeps the system for another run.
import { spawnSync } from "node:child_process";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./lib/setup.mjs";

const limit = 60;
const release = "bookworm";
/** What a fresh system must not have, so that nothing of it can help. */
const missing = ["python3", "gcc", "g++", "make", "cmake", "git", "curl"];
/** The first user of a Debian system. */
const user = 1000;

const { values } = parseArgs({
  options: {
    chroot: { type: "string" },
    mirror: { type: "string", default: "http://deb.debian.org/debian" },
  },
});
const fail = (line) => {
  process.stderr.write(`rehearse:debian: ${line}\n`);
  process.exit(1);
};
if (process.platform !== "linux" || process.getuid() !== 0) fail("debootstrap and chroot need root on Linux");
if (spawnSync("debootstrap", ["--version"]).status !== 0)
  fail("debootstrap is missing: `apt-get install debootstrap`");

const load = Math.round(loadavg()[0] * 10) / 10;
const folder = mkdtempSync(join(tmpdir(), "rehearsal-debian-"));
const system = values.chroot ?? join(folder, "system");
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** Runs a program; its output goes to the standard error. @returns seconds */
function timed(name, command, args, options = {}) {
  process.stderr.write(`rehearsal: ${name} …\n`);
  const began = performance.now();
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2], ...options });
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  if (status !== 0) fail(`${name}: ${error?.message ?? `exit code ${status}`} after ${seconds} s`);
  process.stderr.write(`rehearsal: ${name}: ${seconds} s\n`);
  return seconds;
}

timed("pack", "npm", ["pack", "--silent", "--pack-destination", folder], {
  cwd: root,
  env: { ...process.env, GRASP_GROUNDING_SETUP: "skip" },
});
const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const archive = `${name}-${version}.tgz`;

if (!existsSync(join(system, "usr", "bin")))
  timed("debootstrap", "debootstrap", ["--variant=minbase", release, system, values.mirror]);

// As the Dockerfile copies it: the program, npm, and links to npm's commands.
const npm = dirname(dirname(realpathSync(spawnSync("which", ["npm"], { encoding: "utf8" }).stdout.trim())));
const local = join(system, "usr", "local");
cpSync(realpathSync(process.execPath), join(local, "bin", "node"));
const packages = join(local, "lib", "node_modules");
rmSync(packages, { recursive: true, force: true });
cpSync(npm, join(packages, "npm"), { recursive: true, verbatimSymlinks: true });
for (const command of ["npm", "npx"])
  spawnSync("ln", ["-sf", `../lib/node_modules/npm/bin/${command}-cli.js`, join(local, "bin", command)]);
// How this machine reaches its registry: names, certificates, proxy and npm's own settings.
for (const file of ["/etc/resolv.conf", "/etc/hosts"])
  cpSync(file, join(system, file), { dereference: true });
const env = Object.fromEntries(
  Object.entries(process.env).filter(([key]) => /^(HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy)$/.test(key)),
);
if (process.env.NODE_EXTRA_CA_CERTS) {
  cpSync(process.env.NODE_EXTRA_CA_CERTS, join(system, "etc", "extra-certificates.pem"), {
    dereference: true,
  });
  env.NODE_EXTRA_CA_CERTS = "/etc/extra-certificates.pem";
}
const settings = spawnSync("npm", ["config", "get", "userconfig"], { encoding: "utf8" }).stdout.trim();

/** Runs a shell command in the system as its user, with /proc and /sys, which end with it. */
const inside = (script, home) => [
  ...["--mount", "--", "sh", "-c"],
  'mount -t proc proc "$0/proc" && mount -t sysfs sysfs "$0/sys" && exec /usr/sbin/chroot --userspec="$1:$1" "$0" sh -c "$2"',
  ...[system, String(user), `cd ${home} && ${script}`],
];
const options = (home) => ({
  env: { ...env, HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8" },
});
const look = `for each in ${missing.join(" ")}; do command -v $each; done; echo looked`;
const seen = spawnSync("unshare", inside(look, "/tmp"), { ...options("/tmp"), encoding: "utf8" });
if (seen.stdout !== "looked\n")
  fail(`the system is not fresh: ${(seen.stdout + seen.stderr).trim().replaceAll("\n", ", ")}`);

/** From the archive to the boxes of the demo, as a user whose home is new. */
function round(number) {
  const home = `/home/user${number}`;
  const at = join(system, home);
  rmSync(at, { recursive: true, force: true });
  mkdirSync(join(at, "try"), { recursive: true });
  cpSync(join(folder, archive), join(at, archive));
  if (existsSync(settings)) cpSync(settings, join(at, ".npmrc"));
  for (const path of [at, join(at, "try"), join(at, archive), join(at, ".npmrc")])
    if (existsSync(path)) chownSync(path, user, user);
  const shell = (script) => ["unshare", inside(script, `${home}/try`), options(home)];
  const install = timed(`install ${number}`, ...shell(`npm install --no-audit --no-fund ../${archive}`));
  const demo = timed(`demo ${number}`, ...shell("npx grasp-grounding demo --once"));
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
