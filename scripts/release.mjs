// `npm run release -- VERSION [--dry-run]`: one version in package.json, package-lock.json, both package.xml and
// CHANGELOG.md; the archive, checksums and bill of materials in release/; a commit and a tag. Nothing is pushed or
// published. `--dry-run` changes no file outside release/.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./lib/setup.mjs";

/** Files that state the version, and how. */
const versioned = {
  "package.json": (text, to) => text.replace(/^( {2}"version": ")[^"]*/m, `$1${to}`),
  "package-lock.json": (text, to) => text.replace(/^( {2,6}"version": ")[^"]*/gm, firstTwo(to)),
  "package.xml": (text, to) => text.replace(/(<version>)[^<]*/, `$1${to}`),
  "interfaces/package.xml": (text, to) => text.replace(/(<version>)[^<]*/, `$1${to}`),
};

/** The lock's own version and that of its root package; every other one is a dependency's. */
function firstTwo(to) {
  let seen = 0;
  return (whole, before) => (seen++ < 2 ? `${before}${to}` : whole);
}

/** @throws Error a line for whoever releases */
export function releasedChangelog(text, version, date) {
  const head = "## [Unreleased]\n";
  if (!text.includes(head)) throw new Error("CHANGELOG.md has no section [Unreleased]");
  if (text.includes(`## [${version}]`)) throw new Error(`CHANGELOG.md has ${version} already`);
  const after = text.slice(text.indexOf(head) + head.length);
  const entries = after.split(/^## /m)[0].trim();
  if (entries === "") throw new Error("CHANGELOG.md has nothing under [Unreleased]");
  return text.replace(head, `${head}\n## [${version}] - ${date}\n`);
}

/** Versions that follow `from` by Semantic Versioning: one step of one part, the parts after it 0. */
export function follows(from, to) {
  const [a, b] = [from, to].map((text) => /^(\d+)\.(\d+)\.(\d+)$/.exec(text)?.slice(1).map(Number));
  if (a === undefined || b === undefined) return false;
  const next = [
    [a[0] + 1, 0, 0],
    [a[0], a[1] + 1, 0],
    [a[0], a[1], a[2] + 1],
  ];
  return next.some((one) => one.join(".") === to);
}

/** What keeps a package from being published: fields that a release fills in, as long as they are placeholders. */
export const placeholders = (manifest) =>
  ["repository", "homepage", "bugs"].filter((name) => {
    const value = JSON.stringify(manifest[name] ?? "");
    return !/https:\/\//.test(value) || /example\./.test(value);
  });

/** The text of every file that states the version, as it is after the release. */
export function releasedFiles(version, date, read = (path) => readFileSync(join(root, path), "utf8")) {
  const files = Object.entries(versioned).map(([path, change]) => [path, change(read(path), version)]);
  return new Map([...files, ["CHANGELOG.md", releasedChangelog(read("CHANGELOG.md"), version, date)]]);
}

function sh(command, args, cwd = root) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 2 ** 27 });
  if (status !== 0)
    throw new Error(`\`${command} ${args.join(" ")}\` failed: ${stderr.trim().split("\n")[0]}`);
  return stdout.trim();
}

function release(version, dryRun, publishable) {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  if (!follows(manifest.version, version))
    throw new Error(`${version} does not follow ${manifest.version} by one step of Semantic Versioning`);
  const open = placeholders(manifest);
  if (open.length > 0 && publishable)
    throw new Error(`package.json: ${open.join(", ")} are placeholders; fill them in before a release`);
  if (!dryRun && sh("git", ["status", "--porcelain"]) !== "") throw new Error("the working tree has changes");
  if (sh("git", ["tag", "--list", `v${version}`]) !== "") throw new Error(`the tag v${version} exists`);
  const files = releasedFiles(version, new Date().toISOString().slice(0, 10));

  // A dry run makes its artefacts from a copy of what the commit would be.
  const at = dryRun ? mkdtempSync(join(tmpdir(), "release-")) : root;
  try {
    if (dryRun) copyTree(at);
    for (const [path, text] of files) writeFileSync(join(at, path), text);
    const out = join(root, "release");
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out);
    sh("npm", ["pack", "--pack-destination", out], at);
    writeFileSync(join(out, `grasp-grounding-${version}.cdx.json`), billOfMaterials(version));
    const sums = readdirSync(out)
      .sort()
      .map(
        (name) =>
          `${createHash("sha256")
            .update(readFileSync(join(out, name)))
            .digest("hex")}  ${name}\n`,
      );
    writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
    if (!dryRun) {
      sh("git", ["commit", "--quiet", "-m", `Release ${version}`, "--", ...files.keys()]);
      sh("git", ["tag", "--annotate", `v${version}`, "-m", `grasp-grounding ${version}`]);
    }
    process.stdout.write(`${["release/SHA256SUMS", ...sums.map((line) => line.trim())].join("\n")}\n`);
    if (dryRun && open.length > 0)
      process.stdout.write(`before a release, fill in package.json: ${open.join(", ")}\n`);
  } finally {
    if (dryRun) rmSync(at, { recursive: true, force: true });
  }
}

/** What the archive is made of: links suffice, but for the files that the release changes. */
function copyTree(to) {
  const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const names = [...files.filter((name) => !/[!*]/.test(name)), ...Object.keys(versioned), "CHANGELOG.md"];
  for (const name of new Set([
    ...names,
    "README.md",
    "LICENSE",
    "interfaces",
    "node_modules/onnxruntime-node",
  ])) {
    mkdirSync(join(to, name, ".."), { recursive: true });
    sh("cp", ["-a", "-T", join(root, name), join(to, name)]);
  }
  for (const name of bundled()) {
    mkdirSync(join(to, "node_modules", name, ".."), { recursive: true });
    sh("cp", ["-a", "-T", join(root, "node_modules", name), join(to, "node_modules", name)]);
  }
}

/** Packages inside the archive: the bundled ones and what they need. */
function bundled() {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(packages)
    .filter(([path, { inBundle }]) => inBundle && path.lastIndexOf("node_modules/") === 0)
    .map(([path]) => path.slice("node_modules/".length));
}

/** docs/sbom.cdx.json with the new version. */
function billOfMaterials(version) {
  const text = readFileSync(join(root, "docs", "sbom.cdx.json"), "utf8");
  const bill = JSON.parse(text);
  const { name, version: before } = bill.metadata.component;
  bill.metadata.component.version = version;
  return `${JSON.stringify(bill, undefined, 1).replaceAll(`${name}@${before}`, `${name}@${version}`)}\n`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [version, ...flags] = process.argv.slice(2);
  const dryRun = flags.includes("--dry-run");
  try {
    if (version === undefined || flags.some((flag) => flag !== "--dry-run"))
      throw new Error("usage: npm run release -- VERSION [--dry-run]");
    release(version, dryRun, !dryRun);
  } catch (error) {
    process.stderr.write(`release: ${error.message}\n`);
    process.exitCode = 1;
  }
}
