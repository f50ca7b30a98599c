// `npm run rehearse [-- --tests [SUITE…]]`: what somebody meets who has just cloned this: a new folder, an empty HOME, an empty npm cache.
// Times `npm start -- --once` and, with --tests, `npm test`; writes docs/results/rehearsal.json, where a run of some suites alone does not count.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./lib/setup.mjs";

const limits = { start: 180, test: 600 };
const folder = mkdtempSync(join(tmpdir(), "rehearsal-"));
const home = join(folder, "home");
const clone = join(folder, "clone");
mkdirSync(home);

/** An environment without this checkout and its user, but with the settings of package registries and the tests' data. */
const passed =
  /^(PATH|LANG|TERM|TZ|HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy|npm_config_(registry|userconfig)|NPM_CONFIG_USERCONFIG|PIP_.*|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|GRASP_GROUNDING_SHARED)$/;
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => passed.test(name)));
const userconfig = spawnSync("npm", ["config", "get", "userconfig"], { encoding: "utf8" }).stdout.trim();
const pipConfig = process.env.PIP_CONFIG_FILE ?? join(homedir(), ".config", "pip", "pip.conf");
Object.assign(env, {
  HOME: home,
  CI: "true",
  npm_config_cache: join(home, "npm-cache"),
  XDG_CACHE_HOME: join(home, "cache"),
  ...(existsSync(userconfig) && { npm_config_userconfig: userconfig }),
  ...(existsSync(pipConfig) && { PIP_CONFIG_FILE: pipConfig }),
});

function timed(name, command, args, cwd) {
  process.stderr.write(`rehearsal: ${name}: ${command} ${args.join(" ")}\n`);
  const began = performance.now();
  const { status } = spawnSync(command, args, { cwd, env, stdio: ["ignore", 2, 2] });
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  process.stderr.write(`rehearsal: ${name}: ${seconds} s, exit code ${status}\n`);
  return { seconds, passed: status === 0 };
}

const shared = join(root, "..", "shared");
if (existsSync(shared)) env.GRASP_GROUNDING_SHARED ??= shared;
const cloned = timed("clone", "git", ["clone", "--quiet", "--no-local", root, clone], folder);
const start = timed("start", "npm", ["start", "--", "--once"], clone);
const at = process.argv.indexOf("--tests");
const suites = at < 0 ? [] : process.argv.slice(at + 1);
const test = at < 0 ? undefined : timed("test", "npm", ["test", "--", ...suites], clone);

const file = join(root, "docs", "results", "rehearsal.json");
const before = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
const result = {
  ...before,
  command: "npm run rehearse -- --tests",
  machine: { cpu: cpus()[0]?.model ?? "", cores: availableParallelism(), node: process.versions.node },
  limits,
  clone: cloned,
  start,
  ...(test !== undefined && suites.length === 0 && { test }),
};
writeFileSync(file, `${JSON.stringify(result, undefined, 1)}\n`);
rmSync(folder, { recursive: true, force: true });
const good =
  start.passed &&
  start.seconds <= limits.start &&
  (test === undefined || (test.passed && test.seconds <= limits.test));
process.exitCode = good ? 0 : 1;
