import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { applyConfig, configFaults, parseConfig, readConfig } from "../../../src/cli/config-file.js";
import { buildProgram, commandNames } from "../../../src/cli/main.js";
import { wholeNumber } from "../../../src/system/index.js";

/** A program of two commands, one of them with a subcommand, that says what its options came to. */
function program(): { readonly root: Command; readonly seen: Record<string, unknown>[] } {
  const seen: Record<string, unknown>[] = [];
  const root = new Command("program").exitOverride();
  const note = (options: Record<string, unknown>) => void seen.push(options);
  const look = new Command("look")
    .option("--every <n>", "", wholeNumber(1))
    .option("--no-colour")
    .option("--json")
    .addOption(new Option("--effort <kind>").choices(["fast", "careful"]).default("fast"))
    .option("--topic <name>", "", (value: string, all: string[] = []) => [...all, value])
    .action(note);
  const inner = new Command("inner").option("--json").action(note);
  root.addCommand(look).addCommand(new Command("outer").addCommand(inner));
  return { root, seen };
}

const file = (text: string, path = "a.yaml") => ({ path, sections: parseConfig(path, text) });
const run = async (argv: readonly string[], ...texts: string[]) => {
  const { root, seen } = program();
  const files = texts.map((text, index) => file(text, `${"ab"[index]}.yaml`));
  root.hook("preAction", (_, called) => applyConfig(called, files));
  await root.parseAsync([...argv], { from: "user" });
  return seen[0];
};

describe("a file of options", () => {
  it("gives a command what the command line leaves open", async () => {
    const text = "look: { every: 5, effort: careful, json: true, colour: false, topic: [a, b] }";
    expect(await run(["look", "--every", "7"], text)).toEqual({
      every: 7,
      effort: "careful",
      json: true,
      colour: false,
      topic: ["a", "b"],
    });
  });

  it("goes before a second file, and its command's section before `all`", async () => {
    const [first, second] = [
      "all: { every: 1, json: true }\nlook: { every: 2 }",
      "look: { every: 3, effort: careful }",
    ];
    expect(await run(["look"], first, second)).toMatchObject({ every: 2, json: true, effort: "careful" });
  });

  it("reaches subcommands, and skips options of `all` that a command does not have", async () => {
    expect(await run(["outer", "inner"], "all: { every: 5 }\nouter: { inner: { json: true } }")).toEqual({
      json: true,
    });
    expect(await run(["outer", "inner"], "outer:")).toEqual({});
  });

  it.each([
    ["look: { evry: 5 }", 'a.yaml: look has no option "evry"'],
    ["look: { every: often }", "a.yaml: look.every: often is not a whole number of 1 or more"],
    ["look: { effort: hard }", "a.yaml: look.effort: Allowed choices are fast, careful."],
    ["look: { json: 1 }", "a.yaml: look.json is 1; it is true or false"],
    ["look: { every: { a: 1 } }", "a.yaml: look.every is neither a text, a number nor a list of such"],
    ["look: 5", "a.yaml: look is not a mapping of options to values"],
    ["lok: { every: 5 }", 'a.yaml: there is no command "lok"'],
    ["- look", "a.yaml is not a mapping of commands to options"],
    ["look: { every: 1, every: 2 }", "a.yaml: Map keys must be unique"],
    ["look: {", "a.yaml: "],
  ])("%j is refused: %s", async (text, message) => {
    await expect((async () => run(["look"], text))()).rejects.toThrow(message);
  });

  it("of any content ends in options or in one refusal", async () => {
    for (const text of [
      "look: { __proto__: { every: 5 } }",
      "__proto__: { json: true }",
      "look: { constructor: 1 }",
    ])
      await expect((async () => run(["look"], text))()).rejects.toThrow(/a\.yaml: /);
    expect(({} as { json?: boolean }).json).toBeUndefined();
  });

  it("is checked whole by the doctor, for all commands", async () => {
    const text = "all: { gripper: robotiq_2f85 }\nground: { threshold: 0.6 }\nmodels: { pull: {} }";
    const all = await buildProgram(commandNames);
    expect(configFaults(all, [file(text)])).toEqual([]);
    expect(configFaults(all, [file("all: { griper: x }\nground: { threshold: 7 }")])).toEqual([
      'a.yaml: no command has an option "griper"',
      "a.yaml: ground.threshold: --threshold 7 is not between 0 and 1",
    ]);
  });
});

describe("the files", () => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  const before = process.cwd();
  beforeEach(() => {
    mkdirSync(join(folder, "user", "grasp-grounding"), { recursive: true });
    vi.stubEnv("XDG_CONFIG_HOME", join(folder, "user"));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
    expect(process.cwd()).toBe(before);
  });

  it("are the working folder's, then the user's", async () => {
    writeFileSync(join(folder, "user", "grasp-grounding", "grasp-grounding.yaml"), "all: { json: true }");
    expect(await readConfig()).toEqual([
      {
        path: join(folder, "user", "grasp-grounding", "grasp-grounding.yaml"),
        sections: { all: { json: true } },
      },
    ]);
  });
});
