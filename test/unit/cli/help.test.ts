import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { buildProgram, commandNames } from "../../../src/cli/main.js";
import { cli } from "../../support/cli.js";
import { words } from "../../support/docs.js";

describe("--help", () => {
  it("has examples that parse, none wider than a terminal", async () => {
    const program = await buildProgram(commandNames);
    const examples = program.commands.flatMap((command) =>
      [...command.description().matchAll(/^ {2}(grasp-grounding (?:.*\\\n)*.*)$/gm)].map(
        ([, call]) => call ?? "",
      ),
    );
    expect(examples.length).toBeGreaterThan(8);
    for (const example of examples) {
      for (const line of example.split("\n")) expect(line.length, line).toBeLessThanOrEqual(78);
      const parsing = await buildProgram(commandNames);
      const stop = (command: Command): void => {
        if (command.commands.length === 0) command.action(() => {});
        command.commands.forEach(stop);
      };
      stop(parsing);
      const [, ...argv] = words(example.replaceAll("\\\n", " "));
      await expect(parsing.parseAsync(argv, { from: "user" }), example).resolves.toBeDefined();
    }
  });

  it("leaves the options of back ends to --help-all", async () => {
    const [short, full] = await Promise.all([cli(["ground", "--help"]), cli(["ground", "--help-all"])]);
    expect([short.code, full.code]).toEqual([0, 0]);
    expect(short.stdout.indexOf("Examples:")).toBeLessThan(short.stdout.indexOf("Options:"));
    expect(short.stdout).not.toContain("--server-key");
    expect(full.stdout).toContain("--server-key");
    expect(full.stdout).toContain("Where the model runs:");
  });
});

describe("completion", () => {
  const folder = mkdtempSync(join(tmpdir(), "completion-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("offers commands, options and their choices", async () => {
    const offers = async (...argv: string[]) =>
      (await cli(["complete", "--", ...argv])).stdout.split("\n").map((line) => line.split("\t")[0]);
    expect(await offers("gr")).toContain("ground");
    expect(await offers("ground", "--ef")).toContain("--effort");
    expect(await offers("ground", "--effort", "")).toEqual(expect.arrayContaining(["fast", "careful"]));
  });

  it.each(["bash", "zsh", "fish"])("prints a script for %s", async (shell) => {
    const { code, stdout } = await cli(["completion", shell]);
    expect(code).toBe(0);
    expect(stdout).toContain("complete --");
    if (shell === "bash") expect(spawnSync("bash", ["-n"], { input: stdout }).status).toBe(0);
  });

  it("of a shell that is not known is wrong usage", async () => {
    expect((await cli(["completion", "tcsh"])).code).toBe(2);
  });
});
