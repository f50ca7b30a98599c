import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { replayCommand } from "../../src/cli/replay.js";
import { parseShard } from "../../src/replay/shard.js";
import { words } from "../support/docs.js";
import { repository } from "../support/python.js";

const example = (name: string) => readFileSync(join(repository, "docs", "examples", name), "utf8");

/** The options of a command line, as the program itself reads them. */
function optionsOf(
  line: string,
  env: NodeJS.ProcessEnv,
): { bags: readonly string[]; options: Record<string, unknown> } {
  const [program, name, ...args] = words(line);
  expect([program, name]).toEqual(["grasp-grounding", "replay"]);
  const command = replayCommand().exitOverride();
  command.action(() => undefined);
  for (const [key, value] of Object.entries(env)) process.env[key] = value;
  try {
    command.parse(args, { from: "user" });
    return { bags: command.args, options: command.opts() };
  } finally {
    for (const key of Object.keys(env)) delete process.env[key];
  }
}

describe("docs/examples", () => {
  it("the Kubernetes Indexed Job is one, and each pod takes its own of as many shards as there are", () => {
    const job = parse(example("replay-indexed-job.yaml"));
    expect(job).toMatchObject({ apiVersion: "batch/v1", kind: "Job" });
    const { completionMode, completions, parallelism, template } = job.spec;
    expect(completionMode).toBe("Indexed");
    expect(parallelism).toBeLessThanOrEqual(completions);
    // A Job takes no other policy than these two.
    expect(["Never", "OnFailure"]).toContain(template.spec.restartPolicy);
    const [container] = template.spec.containers;
    const mounted = container.volumeMounts.map((mount: { name: string }) => mount.name);
    expect(template.spec.volumes.map((volume: { name: string }) => volume.name)).toEqual(mounted);
    const { bags, options } = optionsOf(container.args[0], { JOB_COMPLETION_INDEX: "7" });
    expect(bags).toEqual(["/bags/*.mcap"]);
    expect(options).toMatchObject({ shard: { index: 7, count: completions }, resume: true });
    expect(options.json).toContain("{shard}");
    const paths = container.volumeMounts.map((mount: { mountPath: string }) => mount.mountPath);
    for (const path of ["/bags", "/results"]) expect(paths).toContain(path);
  });

  it("the Slurm array is a shell script, and each task takes its own shard", () => {
    const script = example("replay-array.sbatch");
    const check = spawnSync("bash", ["-n"], { input: script, encoding: "utf8" });
    expect([check.status, check.stderr]).toEqual([0, ""]);
    const [, first, last] = /^#SBATCH --array=(\d+)-(\d+)$/m.exec(script)!.map(Number);
    const line = /^grasp-grounding replay[\s\S]*$/m.exec(script)![0].replaceAll("\\\n", " ").trim();
    const count = last! - first! + 1;
    const env = {
      SLURM_ARRAY_TASK_ID: String(last),
      SLURM_ARRAY_TASK_MIN: String(first),
      SLURM_ARRAY_TASK_COUNT: String(count),
    };
    const { options } = optionsOf(line, env);
    expect(options).toMatchObject({ shard: { index: count - 1, count }, resume: true });
  });
});

describe("--shard", () => {
  it.each([
    ["2/5", {}, { index: 2, count: 5 }],
    ["/5", { JOB_COMPLETION_INDEX: "4" }, { index: 4, count: 5 }],
    ["auto/5", { SLURM_ARRAY_TASK_ID: "3" }, { index: 3, count: 5 }],
    [
      "auto",
      { SLURM_ARRAY_TASK_ID: "8", SLURM_ARRAY_TASK_MIN: "1", SLURM_ARRAY_TASK_COUNT: "8" },
      { index: 7, count: 8 },
    ],
    ["0/5", { JOB_COMPLETION_INDEX: "4" }, { index: 0, count: 5 }],
  ])("%s in %j is %j", (text, env, shard) => {
    expect(parseShard(text, env)).toEqual(shard);
  });

  it.each([
    ["5/5", {}],
    ["x", {}],
    ["1", {}],
    ["-1/5", {}],
    ["/5", {}],
    ["auto", { JOB_COMPLETION_INDEX: "1" }],
    ["1/0", {}],
  ])("%s in %j is wrong usage", (text, env) => {
    expect(() => parseShard(text, env)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});
