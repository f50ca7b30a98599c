import { CommanderError } from "commander";
import { asCatalogued, GraspGroundingError } from "../errors/index.js";
import { buildProgram } from "./program.js";

export { buildProgram, commandNames } from "./program.js";

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
