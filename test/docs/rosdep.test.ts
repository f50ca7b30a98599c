import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { pythonPath, repository } from "../support/python.js";

const work = mkdtempSync(join(tmpdir(), "grasp-grounding-rosdep-"));
afterAll(() => rmSync(work, { recursive: true }));

const packages = ["package.xml", "interfaces/package.xml"];

/** The keys that our package files name, our own packages left out. */
const keys = [
  ...new Set(
    packages.flatMap((file) =>
      [...readFileSync(join(repository, file), "utf8").matchAll(/<\w*depend>([^<]+)</g)].map(
        ([, key]) => key!,
      ),
    ),
  ),
].filter((key) => key !== "grasp_grounding_interfaces");

/** Runs rosdep on a workspace as the guide makes one. Its database is ours: every key but our own package's is known. */
function rosdep(args: readonly string[]) {
  const result = spawnSync(
    pythonPath(),
    ["-c", "from rosdep2.main import rosdep_main; rosdep_main()", ...args],
    {
      cwd: work,
      encoding: "utf8",
      env: {
        ...process.env,
        HOME: work,
        ROS_HOME: work,
        ROS_PYTHON_VERSION: "3",
        ROSDEP_SOURCE_PATH: join(work, "sources"),
        ROSDISTRO_INDEX_URL: `file://${join(work, "index.yaml")}`,
      },
    },
  );
  return { status: result.status, output: result.stdout + result.stderr };
}

it("rosdep finds every dependency with the command of the guide, our interface package included", () => {
  for (const file of packages) {
    const target = join(work, "src", "grasp-grounding", file);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(repository, file), target);
  }
  mkdirSync(join(work, "sources"));
  writeFileSync(join(work, "sources", "10-test.list"), `yaml file://${join(work, "keys.yaml")}\n`);
  const known = keys.map((key) => `${key}:\n  ubuntu: [ros-jazzy-${key.replaceAll("_", "-")}]\n`);
  writeFileSync(join(work, "keys.yaml"), known.join(""));
  writeFileSync(join(work, "index.yaml"), "distributions: {}\ntype: index\nversion: 4\n");
  expect(rosdep(["update"]).status).toBe(0);

  const guide = readFileSync(join(repository, "docs", "guide", "your-robot.md"), "utf8");
  const [, documented] = /^rosdep (install .+) -y$/m.exec(guide) ?? [];
  expect(documented).toBeDefined();
  const { status, output } = rosdep([
    ...documented!.split(" "),
    "--simulate",
    "--reinstall",
    "--rosdistro=jazzy",
    "--os=ubuntu:noble",
  ]);
  expect(output).not.toContain("grasp_grounding_interfaces");
  expect(status, output).toBe(0);
  for (const key of keys) expect(output).toContain(`ros-jazzy-${key.replaceAll("_", "-")}`);

  // Without the second path rosdep stops at the first package.xml that it meets, and this test shows it.
  const short = rosdep([
    "check",
    "--from-paths",
    "src",
    "--ignore-src",
    "--rosdistro=jazzy",
    "--os=ubuntu:noble",
  ]);
  expect(short.output).toContain("Cannot locate rosdep definition for [grasp_grounding_interfaces]");
});
