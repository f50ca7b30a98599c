import { type Command, InvalidArgumentError, type Option } from "commander";
import { expect, it } from "vitest";
import { buildProgram } from "../../../src/cli/main.js";
import { GraspGroundingError } from "../../../src/errors/index.js";
import {
  named,
  nonNegative,
  positive,
  positiveInteger,
  probability,
  wholeNumber,
} from "../../../src/system/index.js";
import { cli } from "../../support/cli.js";

const commands = [
  "ground",
  "replay",
  "merge",
  "node",
  "console",
  "worker",
  "eval",
  "models",
  "calibrate",
  "bench",
];

const optionsOf = (command: Command): { of: string; option: Option }[] => [
  ...command.options.map((option) => ({ of: command.name(), option })),
  ...command.commands.flatMap(optionsOf),
];

it("every option that refuses a value says which option it is", async () => {
  const program = await buildProgram(commands);
  const refusing: string[] = [];
  for (const { of, option } of optionsOf(program)) {
    for (const value of ["nonsense", "-1", "", "1e999"]) {
      try {
        option.parseArg?.(value, undefined as never);
      } catch (error) {
        // Those of commander's own choices are named by commander.
        if (error instanceof InvalidArgumentError) continue;
        refusing.push(`${of} ${option.long}`);
        expect((error as Error).message, `${of} ${option.long} ${value}`).toMatch(
          new RegExp(`^${option.long} `),
        );
      }
    }
  }
  expect(new Set(refusing).size).toBeGreaterThan(30);
  for (const one of ["replay --every", "replay --rate", "eval --limit", "worker --keep", "console --port"])
    expect(refusing).toContain(one);
});

it.each([
  [["replay", "demo/demo.mcap", "--query", "x", "--every", "0"], "--every 0 is not a positive whole number"],
  [
    ["ground", "--image", "x.png", "--query", "x", "--depth-scale", "0"],
    "--depth-scale 0 is not a number above 0",
  ],
  [
    ["ground", "--image", "x.png", "--query", "x", "--threshold", "2"],
    "--threshold 2 is not between 0 and 1",
  ],
  [["console", "--port", "99999"], "--port 99999 is not a port"],
  [["worker", "--bind", "ipc://x", "--queue", ""], "--queue (nothing) is not a whole number of 1 or more"],
  [
    ["replay", "demo/demo.mcap", "--query", "x", "--compare", "lite", "lite,threads=0"],
    "--compare lite,threads=0: threads 0 is not a whole number of 1 or more",
  ],
])("%j ends with 2 and one line", async (args, message) => {
  const { code, stdout, stderr } = await cli(args);
  expect(stderr).toMatch(/^grasp-grounding: .*\n$/);
  expect(stderr).toContain(`grasp-grounding: ${message};`);
  expect([code, stdout]).toEqual([2, ""]);
});

it("takes what is in range, and other errors as they are", () => {
  expect([
    positiveInteger("3"),
    wholeNumber(0)("0"),
    probability("0.5"),
    nonNegative("0"),
    positive("1e-3"),
  ]).toEqual([3, 0, 0.5, 0, 0.001]);
  for (const parse of [positiveInteger, wholeNumber(1), probability, nonNegative, positive])
    for (const text of ["", " ", "x", "-1", "NaN", "Infinity"])
      expect(() => parse(text), text).toThrow(GraspGroundingError);
  expect(() =>
    named("--x", () => {
      throw new RangeError("other");
    }),
  ).toThrow(RangeError);
});
