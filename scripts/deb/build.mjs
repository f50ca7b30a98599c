// `npm run deb [-- FOLDER]`: a Debian package of the bundle (scripts/ros/bundle.mjs) for this processor, into release/ or
// FOLDER: the program in /usr/lib, its command in /usr/bin, the files of options in /etc, and systemd units for the worker
// and the node. `--stored` leaves it without compression, for tests.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { root, setUp, sh } from "../lib/setup.mjs";
import { placeholders } from "../release.mjs";
import { maintainerScripts } from "./maintainer.mjs";

const architecture = { x64: "amd64", arm64: "arm64" }[process.arch];
const fail = (line) => {
  process.stderr.write(`deb: ${line}\n`);
  process.exit(1);
};
if (process.platform !== "linux" || architecture === undefined)
  fail(`packages are built on Linux for amd64 and arm64, and this is ${process.platform} ${process.arch}`);
if (spawnSync("dpkg-deb", ["--version"]).status !== 0) fail("dpkg-deb was not found; install dpkg");

await setUp();
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const stored = process.argv.includes("--stored");
const out = resolve(process.argv.slice(2).find((each) => each !== "--stored") ?? join(root, "release"));
const stage = mkdtempSync(join(tmpdir(), "deb-"));
const at = (...path) => join(stage, ...path);
const put = (path, content, mode = 0o644) => {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
  chmodSync(at(path), mode);
};
const own = (name) => readFileSync(join(root, "scripts", "deb", name));

try {
  sh(process.execPath, ["scripts/ros/bundle.mjs", at("usr/lib/grasp-grounding")], {
    stdio: ["ignore", "ignore", 2],
  });
  mkdirSync(at("usr/bin"), { recursive: true });
  symlinkSync("../lib/grasp-grounding/bin/grasp-grounding.mjs", at("usr/bin/grasp-grounding"));
  for (const name of ["node", "worker"])
    put(`usr/lib/systemd/system/grasp-grounding-${name}.service`, own(`${name}.service`));
  for (const name of ["grasp-grounding.yaml", "node.env"]) put(`etc/grasp-grounding/${name}`, own(name));
  put("etc/grasp-grounding/node.yaml", readFileSync(join(root, "launch", "config", "defaults.yaml")));
  const documents = "usr/share/doc/grasp-grounding";
  put(`${documents}/changelog.gz`, gzipSync(readFileSync(join(root, "CHANGELOG.md")), { level: 9 }));
  put(`${documents}/README.md`, readFileSync(join(root, "README.md")));
  put(`${documents}/copyright`, copyright());
  cpSync(join(root, "docs", "licences.md"), at(documents, "licences.md"));
  sh("chmod", ["-R", "u=rwX,go=rX", stage]);

  const files = listed("");
  const sums = files.map((path) => `${md5(at(path))}  ${path}\n`);
  put("DEBIAN/md5sums", sums.join(""));
  const configuration = files.filter((path) => path.startsWith("etc/"));
  put("DEBIAN/conffiles", configuration.map((path) => `/${path}\n`).join(""));
  for (const [name, text] of Object.entries(maintainerScripts)) put(`DEBIAN/${name}`, text, 0o755);
  put("DEBIAN/control", control(files));

  mkdirSync(out, { recursive: true });
  const name = `grasp-grounding_${manifest.version}_${architecture}.deb`;
  const compression = stored ? ["-Znone"] : ["-Zxz", "-z1"];
  sh("dpkg-deb", ["--root-owner-group", ...compression, "--build", stage, join(out, name)], {
    stdio: ["ignore", "ignore", 2],
  });
  process.stdout.write(`${join(out, name)}\n`);
} finally {
  rmSync(stage, { recursive: true, force: true });
}

/** Files below the stage, links left out, in order. */
function listed(folder) {
  return readdirSync(at(folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return path === "DEBIAN" ? [] : listed(path);
      return entry.isFile() ? [path] : [];
    });
}

function md5(path) {
  return createHash("md5").update(readFileSync(path)).digest("hex");
}

function control(files) {
  const bytes = files.reduce((sum, path) => sum + lstatSync(at(path)).size, 0);
  const maintainer = /<maintainer email="([^"]*)">([^<]*)</.exec(
    readFileSync(join(root, "package.xml"), "utf8"),
  );
  const address = placeholders(manifest).includes("homepage") ? [] : [`Homepage: ${manifest.homepage}`];
  const node = /\d+\.\d+/.exec(manifest.engines.node)[0];
  return `${[
    "Package: grasp-grounding",
    `Version: ${manifest.version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${maintainer[2]} <${maintainer[1]}>`,
    `Installed-Size: ${Math.ceil(bytes / 1024)}`,
    `Depends: nodejs (>= ${node}), libc6 (>= 2.28), libstdc++6`,
    "Section: science",
    "Priority: optional",
    ...address,
    "Description: finds the object that a query names in an RGB-D image, and how to grasp it",
    ...wrapped(
      `${manifest.description} The node needs a ROS 2 on the machine; every other command needs none.`,
    ),
  ].join("\n")}\n`;
}

function wrapped(text) {
  return text.split(" ").reduce((lines, word) => {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 78) lines.push(` ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
    return lines;
  }, []);
}

function copyright() {
  if (!existsSync(join(root, "LICENSE"))) fail("LICENSE is missing");
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: grasp-grounding
Comment: Licences of the packages inside are in licences.md beside this file.

Files: *
Copyright: the authors of grasp-grounding
License: Apache-2.0
 On Debian systems the text of the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.
`;
}
