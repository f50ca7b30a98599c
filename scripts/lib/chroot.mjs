// A fresh Debian in a folder, made by debootstrap, and commands that run inside it. Needs root on Linux.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export const release = "bookworm";
/** The first user of a Debian system. */
export const user = 1000;

/** The end of a rehearsal that cannot go on. */
export function fail(line) {
  process.stderr.write(`rehearsal: ${line}\n`);
  process.exit(1);
}

/** Ends this process with one line where debootstrap and chroot cannot work. */
export function requireDebootstrap() {
  if (process.platform !== "linux" || process.getuid() !== 0)
    fail("debootstrap and chroot need root on Linux");
  if (spawnSync("debootstrap", ["--version"]).status !== 0)
    fail("debootstrap is missing: `apt-get install debootstrap`");
}

/** Options of every rehearsal: a system that is used again, and where Debian's packages come from. */
export const systemOptions = {
  chroot: { type: "string" },
  mirror: { type: "string", default: "http://deb.debian.org/debian" },
};

/** A folder that is removed when this process ends, also by a signal. */
export function temporaryFolder(prefix) {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
  return folder;
}

/** Runs a program; its output goes to the standard error. @returns seconds */
export function timed(name, command, args, options = {}) {
  process.stderr.write(`rehearsal: ${name} …\n`);
  const began = performance.now();
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2], ...options });
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  if (status !== 0) fail(`${name}: ${error?.message ?? `exit code ${status}`} after ${seconds} s`);
  process.stderr.write(`rehearsal: ${name}: ${seconds} s\n`);
  return seconds;
}

/** Makes the system in `system` unless it is there. */
export function makeSystem(system, mirror) {
  if (!existsSync(join(system, "usr", "bin")))
    timed("debootstrap", "debootstrap", ["--variant=minbase", release, system, mirror]);
}

/** Where the running Node.js has its headers, or undefined. */
export function nodeHeaders() {
  const folder = join(dirname(dirname(realpathSync(process.execPath))), "include", "node");
  return existsSync(folder) ? folder : undefined;
}

/** Puts the running Node.js and npm into the system's /usr/local, as the Dockerfile copies them: the program and npm's packages. */
export function copyNode(system) {
  const npm = dirname(dirname(realpathSync(spawnSync("which", ["npm"], { encoding: "utf8" }).stdout.trim())));
  const local = join(system, "usr", "local");
  cpSync(realpathSync(process.execPath), join(local, "bin", "node"));
  const packages = join(local, "lib", "node_modules");
  rmSync(packages, { recursive: true, force: true });
  cpSync(npm, join(packages, "npm"), { recursive: true, verbatimSymlinks: true });
}

/** Gives the system this machine's way to its package registries: names, certificates, proxy. @returns variables for its commands */
export function shareNetwork(system) {
  for (const file of ["/etc/resolv.conf", "/etc/hosts"])
    cpSync(file, join(system, file), { dereference: true });
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) =>
      /^(HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy)$/.test(key),
    ),
  );
  if (process.env.NODE_EXTRA_CA_CERTS) {
    cpSync(process.env.NODE_EXTRA_CA_CERTS, join(system, "etc", "extra-certificates.pem"), {
      dereference: true,
    });
    env.NODE_EXTRA_CA_CERTS = "/etc/extra-certificates.pem";
  }
  return env;
}

/** npm's own settings of this user, or undefined. */
export function npmSettings() {
  const file = spawnSync("npm", ["config", "get", "userconfig"], { encoding: "utf8" }).stdout.trim();
  return existsSync(file) ? file : undefined;
}

/**
 * Arguments of `unshare` that run a command in the system as `uid` from the folder `at`. /proc, /sys and an empty /dev/shm are
 * mounted for it and end with it.
 */
export const inside = (system, command, { uid = 0, at = "/" } = {}) => [
  ...["--mount", "--pid", "--fork", "--kill-child", "--", "sh", "-c"],
  'mount -t proc proc "$0/proc" && mount -t sysfs sysfs "$0/sys" && mkdir -p "$0/dev/shm" && mount -t tmpfs shm "$0/dev/shm" && system=$0 && user=$1 && at=$2 && shift 2 && exec /usr/sbin/chroot --userspec="$user:$user" "$system" /usr/bin/env -C "$at" "$@"',
  ...[system, String(uid), at, ...command],
];
