import { Command, type Option } from "commander";
import { named, packageVersion } from "../system/index.js";
import { applyConfig, configFaults, readConfig } from "./config-file.js";
import { completeHelp } from "./help.js";

const outputError = (text: string, write: (text: string) => void) =>
  write(text.replace(/^error: /, "grasp-grounding: "));

/** Commands by name. A command's module and its imports are loaded only when the command is called. */
const commands: Readonly<
  Record<
    string,
    {
      readonly summary: string;
      readonly load: () => Promise<Command>;
      /** Calls that `--help` shows first, without the program's name. */
      readonly examples?: readonly string[];
    }
  >
> = {
  ground: {
    summary: "find what queries name in one image",
    load: async () => (await import("./ground.js")).groundCommand(),
    examples: [
      'ground --image color.png --query "the red mug"',
      'ground --image color.png --depth depth.png \\\n      --camera intrinsics.json --query "the red mug" --json',
    ],
  },
  replay: {
    summary: "ask recorded bags: boxes, masks and grasps for each frame",
    load: async () => (await import("./replay.js")).replayCommand(),
    examples: [
      'replay demo/demo.mcap --query "the banana" --overlay out.png',
      'replay bags/ --query "the red mug" --report report.html',
    ],
  },
  merge: {
    summary: "put the results of a replay's shards together",
    load: async () => (await import("./merge.js")).mergeCommand(),
  },
  node: {
    summary: "the ROS 2 node",
    load: async () => (await import("./node.js")).nodeCommand(),
    examples: ["node", "node --console"],
  },
  console: {
    summary: "the teleop console on a recorded bag, without ROS",
    load: async () => (await import("./console.js")).consoleCommand(),
    examples: ["console", "console recording.mcap --port 8090"],
  },
  worker: {
    summary: "an inference worker: serves one model over ZeroMQ",
    load: async () => (await import("./worker.js")).workerCommand(),
    examples: ["worker --bind ipc:///tmp/lite.sock"],
  },
  eval: {
    summary: "measure accuracy on a data set",
    load: async () => (await import("./eval.js")).evalCommand(),
    examples: ["eval test/fixtures/eval/eval.jsonl"],
  },
  models: {
    summary: "list, verify, pull and import models",
    load: async () => (await import("./models.js")).modelsCommand(),
  },
  gpu: {
    summary: "fetch the libraries that CUDA needs",
    load: async () => (await import("./gpu.js")).gpuCommand(),
    examples: ["gpu setup"],
  },
  calibrate: {
    summary: "camera and hand-eye calibration",
    load: async () => (await import("./calibrate.js")).calibrateCommand(),
  },
  doctor: {
    summary: "what works on this machine, and what to do about the rest",
    load: async () => (await import("./doctor.js")).doctorCommand(configProblems),
  },
  bench: {
    summary: "side-by-side measurements",
    load: async () => (await import("./bench.js")).benchCommand(),
  },
  demo: {
    summary: "the main job on the bundled, simulated recording",
    load: async () => (await import("./demo.js")).demoCommand(),
    examples: ["demo --once", "demo --samples ."],
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
  const completes = argv[0] === "complete" || argv[0] === "completion";
  for (const [name, { summary, load, examples = [] }] of Object.entries(commands)) {
    // Completion offers the options of a command that the line names already.
    const wanted = argv.includes(name);
    const command = wanted ? await load() : new Command(name).description(summary);
    completeHelp(command, wanted && !completes ? examples : []);
    program.addCommand(withOneExit(command));
  }
  if (completes) (await import("@bomb.sh/tab/commander")).default(program, completion);
  else
    program.addCommand(
      new Command(completion.completionCommandName).description("print the shell's completion script"),
    );
  return program;
}

const completion = { completionCommandName: "completion" };

export const commandNames = Object.keys(commands);

/** What files of options say and no command understands, one line each. */
const configProblems = async (): Promise<readonly string[]> =>
  configFaults(await buildProgram(commandNames), await readConfig());

/**
 * Commander's settings are not handed down to commands that were built apart: wrong usage of each must end with 2,
 * and name its option.
 */
function withOneExit(command: Command): Command {
  command.exitOverride().configureOutput({ outputError }).showHelpAfterError("(--help shows the options)");
  command.options.forEach(naming);
  // The doctor reports on those files, and has to run when one is wrong.
  if (command.name() !== "doctor")
    command.hook("preAction", async (_, called) => {
      if (called === command) applyConfig(called, await readConfig());
    });
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
