import type { Command, Option } from "commander";

/** Heading under which the options that few need are listed, by `--help-all` alone. */
const furtherOptions = "Where the model runs:";

/** Takes options out of `--help`; `--help-all` has them. */
export const further = (options: readonly Option[]): Option[] =>
  options.map((option) => option.hideHelp().helpGroup(furtherOptions));

/** Puts examples before the options, and gives a command with hidden options `--help-all`. */
export function completeHelp(command: Command, examples: readonly string[]): void {
  if (examples.length > 0) {
    command.summary(command.summary() || command.description());
    const lines = examples.map((example) => `  grasp-grounding ${example}`);
    command.description(`${command.description()}\n\nExamples:\n${lines.join("\n")}`);
  }
  if (!command.options.some((option) => option.hidden)) return;
  command.option("--help-all", "display help for every option, and for where the model runs");
  command.on("option:help-all", () => {
    for (const option of command.options) option.hidden = false;
    command.help();
  });
}
