import { Command, CommanderError } from "commander";
import { asCatalogued, GraspGroundingError } from "../errors/index.js";
import { benchCommand } from "./bench.js";
import { demoCommand } from "./demo.js";
import { doctorCommand } from "./doctor.js";
import { evalCommand } from "./eval.js";
import { groundCommand } from "./ground.js";
import { modelsCommand } from "./models.js";
import { nodeCommand } from "./node.js";
import { replayCommand } from "./replay.js";
import { packageVersion } from "./version.js";

const program = new Command("grasp-grounding")
  .description("finds the object a sentence names in a robot's RGB-D picture and works out how to grasp it")
  .version(packageVersion())
  .option("--verbose", "print the stack trace of an error")
  .showHelpAfterError("(--help shows the options)")
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "grasp-grounding: ")) });

const commands = [
  groundCommand(),
  replayCommand(),
  nodeCommand(),
  evalCommand(),
  modelsCommand(),
  doctorCommand(),
  benchCommand(),
  demoCommand(),
];
for (const command of commands)
  program.addCommand(
    command.exitOverride().configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "grasp-grounding: ")),
    }),
  );

/** Runs one command line and returns its exit code: 0 done, 1 failed, 2 wrong usage, 3 partial result. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await program.parseAsync([...argv], { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error);
  }
}

function report(error: unknown): number {
  const catalogued = asCatalogued(error);
  process.stderr.write(`grasp-grounding: ${catalogued.message}\n`);
  if (program.opts<{ verbose?: boolean }>().verbose || process.env.GRASP_GROUNDING_VERBOSE) {
    const cause = error instanceof GraspGroundingError ? (error.cause ?? error) : error;
    process.stderr.write(`${cause instanceof Error ? cause.stack : String(cause)}\n`);
  }
  return catalogued.entry.exitCode;
}

// A closed pipe (`… | head`) is the reader's choice, not a failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
