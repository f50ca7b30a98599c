import { Command, CommanderError, type Option } from "commander";
import { asCatalogued, GraspGroundingError } from "../errors/index.js";
import { named, packageVersion } from "../system/index.js";

const outputError = (text: string, write: (text: string) => void) =>
  write(text.replace(/^error: /, "grasp-grounding: "));

/** Commands by name. A command's module and its imports are loaded only when the command is called. */
const commands: Readonly<
  Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>
> = {
  ground: {
    summary: "find what queries name in one image",
    load: async () => (await import("./ground.js")).groundCommand(),
  },
  replay: {
    summary: "ask recorded bags: boxes, masks and grasps for each frame",
    load: async () => (await import("./replay.js")).replayCommand(),
  },
  merge: {
    summary: "put the results of a replay's shards together",
    load: async () => (await import("./merge.js")).mergeCommand(),
  },
  node: { summary: "the ROS 2 node", load: async () => (await import("./node.js")).nodeCommand() },
  console: {
    summary: "the teleop console on a recorded bag, without ROS",
    load: async () => (await import("./console.js")).consoleCommand(),
  },
  worker: {
    summary: "an inference worker: serves one model over ZeroMQ",
    load: async () => (await import("./worker.js")).workerCommand(),
  },
  eval: {
    summary: "measure accuracy on a data set",
    load: async () => (await import("./eval.js")).evalCommand(),
  },
  models: {
    summary: "list, verify, pull and import models",
    load: async () => (await import("./models.js")).modelsCommand(),
  },
  calibrate: {
    summary: "camera and hand-eye calibration",
    load: async () => (await import("./calibrate.js")).calibrateCommand(),
  },
  doctor: {
    summary: "what works on this machine, and what to do about the rest",
    load: async () => (await import("./doctor.js")).doctorCommand(),
  },
  bench: {
    summary: "side-by-side measurements",
    load: async () => (await import("./bench.js")).benchCommand(),
  },
  demo: {
    summary: "the main job on the bundled, simulated recording",
    load: async () => (await import("./demo.js")).demoCommand(),
  },
};

/** The command line as commander knows it, the command named in `argv` with its options. */
export async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command("grasp-grounding")
    .description("finds the object a query names in a robot's RGB-D image and works out how to grasp it")
    .version(packageVersion())
    .option("--verbose", "print the stack trace of an error")
    .showHelpAfterError("(--help shows the options)")
    .exitOverride()
    .configureOutput({ outputError });
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = argv.includes(name) ? await load() : new Command(name).description(summary);
    program.addCommand(withOneExit(command));
  }
  return program;
}

/**
 * Commander's settings are not handed down to commands that were built apart: wrong usage of each must end with 2,
 * and name its option.
 */
function withOneExit(command: Command): Command {
  command.exitOverride().configureOutput({ outputError }).showHelpAfterError("(--help shows the options)");
  command.options.forEach(naming);
  requireLate(command);
  command.commands.forEach(withOneExit);
  return command;
}

/**
 * Checks required options after unknown ones. Commander checks them first, and reports a misspelt option as a
 * missing one.
 */
function requireLate(command: Command): void {
  const required = command.options.filter((option) => option.mandatory);
  for (const option of required) option.mandatory = false;
  command.hook("preAction", (_, called) => {
    const missing = required.find((option) => called.getOptionValue(option.attributeName()) === undefined);
    if (missing !== undefined)
      command.error(`error: required option '${missing.flags}' not specified`, {
        code: "commander.missingMandatoryOptionValue",
      });
  });
}

function naming(option: Option): void {
  const parse = option.parseArg;
  if (parse === undefined) return;
  option.argParser((text: string, previous: unknown) =>
    named(option.long ?? option.flags, () => parse(text, previous)),
  );
}

/**
 * Runs one command line and returns its exit code: 0 done, 1 failed, 2 wrong usage, 3 partial result, 4 not found on
 * request.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const program = await buildProgram(argv);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error, program.opts<{ verbose?: boolean }>().verbose === true);
  }
}

function report(error: unknown, verbose: boolean): number {
  const catalogued = asCatalogued(error);
  process.stderr.write(`grasp-grounding: ${catalogued.message}\n`);
  if (verbose || process.env.GRASP_GROUNDING_VERBOSE) {
    const cause = error instanceof GraspGroundingError ? (error.cause ?? error) : error;
    process.stderr.write(`${cause instanceof Error ? cause.stack : String(cause)}\n`);
  }
  return catalogued.entry.exitCode;
}

// A reader may close the pipe (`… | head`): that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
