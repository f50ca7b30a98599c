import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { validate } from "dockerfile-utils";
import { expect, it } from "vitest";
// @ts-expect-error: a script, without types
import { dockerfile } from "../../scripts/lib/dockerfile.mjs";
import { repository } from "../support/python.js";

const text = readFileSync(join(repository, "docker", "Dockerfile"), "utf8");
/** Instructions, continuation lines joined. */
const instructions = text
  .replace(/^\s*#.*\n/gm, "")
  .replace(/\\\n\s*/g, " ")
  .split("\n")
  .filter(Boolean);

it("has no problem that the Dockerfile language server knows of", () => {
  const found = validate(text).map(({ range, message }) => `${range.start.line + 1}: ${message}`);
  expect(found).toEqual([]);
  expect(validate("FROM a\nRNU b\nCOPY c\n").length).toBeGreaterThan(0);
});

it("pins its images, cleans up after apt, and runs as a user without rights", () => {
  const stages = new Set<string>();
  for (const line of instructions.filter((each) => each.startsWith("FROM "))) {
    const [, image = "", stage] = /^FROM (\S+)(?: AS (\S+))?/.exec(line) ?? [];
    if (!stages.has(image)) expect(image).toMatch(/:(?!latest)[\w.${}-]+$/);
    if (stage !== undefined) stages.add(stage);
  }
  for (const line of instructions.filter((each) => each.includes("apt-get install"))) {
    expect(line).toContain("apt-get update");
    expect(line).toContain("--no-install-recommends");
    expect(line).toContain("rm -rf /var/lib/apt/lists/*");
  }
  expect(instructions.filter((each) => each.startsWith("ADD "))).toEqual([]);
  expect(instructions.findLast((each) => each.startsWith("USER "))).toBe("USER ubuntu");
  for (const name of ["ENTRYPOINT", "CMD"]) expect(text).toMatch(new RegExp(`^${name} \\[`, "m"));
});

it("copies only from stages it has and files there are", () => {
  for (const line of instructions.filter((each) => each.startsWith("COPY "))) {
    const from = /--from=(\S+)/.exec(line)?.[1];
    if (from !== undefined) expect(text).toMatch(new RegExp(` AS ${from}$`, "m"));
    else {
      const source = line.split(" ")[1] ?? "";
      expect(existsSync(join(repository, source)), source).toBe(true);
    }
  }
  expect(statSync(join(repository, "docker", "entrypoint.sh")).mode & 0o111).toBe(0o111);
});

it("is read by `npm run rehearse:docker`, and an instruction that it cannot carry out is an error", () => {
  const { stages } = dockerfile(text, { CUDA: "0" });
  expect(stages.map(({ name }: { name?: string }) => name)).toEqual(["node", "cuda", "build", undefined]);
  const [image, build] = [stages.at(-1), stages.at(-2)];
  expect(image).toMatchObject({ user: "ubuntu", entrypoint: ["/entrypoint.sh"] });
  expect(image?.env).toMatchObject({ ROS_DISTRO: "jazzy", NVIDIA_VISIBLE_DEVICES: "all" });
  const steps = build?.instructions ?? [];
  expect(steps.find(({ kind }: { kind: string }) => kind === "RUN")?.script).toMatch(
    /^apt-get update && apt-get install -y .*\*$/,
  );
  expect(steps.at(-1)?.env).toMatchObject({ CUDA: "0" });
  expect(() => dockerfile("FROM a:1\nHEALTHCHECK NONE\n")).toThrow("HEALTHCHECK");
});
