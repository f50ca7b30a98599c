import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Command, Option } from "commander";
import { parseDocument } from "yaml";
import { describe, GraspGroundingError, usage } from "../errors/index.js";
import { readText } from "../system/index.js";

/** Name of the files that hold what one does not want to type again. */
export const configName = "grasp-grounding.yaml";

/** Section whose options go to every command that has them. */
const shared = "all";

type Section = { readonly [key: string]: unknown };

export interface ConfigFile {
  /** Absolute. */
  readonly path: string;
  /** Commands by name, subcommands inside; `all` for every command. */
  readonly sections: Section;
}

/** Where such files are looked for, the one that decides first: the working folder, then the user's own. */
export function configPaths(): readonly string[] {
  const home = process.env.XDG_CONFIG_HOME || join(homedir(), ".config");
  return [resolve(configName), join(home, "grasp-grounding", configName)];
}

/** The files that are there, in the order of {@link configPaths}. @throws GraspGroundingError USAGE, FILE_UNREADABLE */
export async function readConfig(): Promise<readonly ConfigFile[]> {
  const files: ConfigFile[] = [];
  for (const path of configPaths()) {
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      files.push({ path, sections: parseConfig(path, await readText(path)) });
  }
  return files;
}

/** @throws GraspGroundingError USAGE: not YAML, a key twice, or not a mapping */
export function parseConfig(path: string, text: string): Section {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw usage(`${path}: ${error.message.split("\n")[0]}`);
  const content: unknown = document.toJS() ?? {};
  if (!isSection(content)) throw usage(`${path} is not a mapping of commands to options`);
  return content;
}

const isSection = (value: unknown): value is Section =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Gives a command the options that it was not given on the command line or by the environment. A file that comes first
 * decides, and in it the command's own section before `all`.
 * @throws GraspGroundingError USAGE: an option that the command does not have, or a value that it refuses
 */
export function applyConfig(command: Command, files: readonly ConfigFile[]): void {
  const given = new Set(["cli", "env"]);
  const free = new Set(
    command.options.filter(
      (option) => !given.has(command.getOptionValueSource(option.attributeName()) ?? ""),
    ),
  );
  for (const file of files) {
    const unknown = unknownCommand(command, file);
    if (unknown !== undefined) throw usage(unknown);
    for (const [place, section] of sectionsOf(command, file)) {
      for (const [name, value] of Object.entries(section)) {
        if (command.commands.some((sub) => sub.name() === name)) continue;
        const option = optionOf(command, name);
        if (option === undefined) {
          if (place === shared) continue;
          throw usage(`${file.path}: ${place} has no option ${JSON.stringify(name)}`);
        }
        const parsed = parsedValue(option, value, `${file.path}: ${place}.${name}`);
        if (!free.delete(option)) continue;
        command.setOptionValueWithSource(option.attributeName(), parsed, "config");
      }
    }
  }
}

/** A section that no command has, in words. */
function unknownCommand(command: Command, { path, sections }: ConfigFile): string | undefined {
  let program = command;
  while (program.parent) program = program.parent;
  const known = new Set([shared, ...program.commands.map((one) => one.name())]);
  const name = Object.keys(sections).find((one) => !known.has(one));
  return name === undefined ? undefined : `${path}: there is no command ${JSON.stringify(name)}`;
}

/** The command's own section, then the shared one, with the words that name them. */
function* sectionsOf(
  command: Command,
  { path, sections }: ConfigFile,
): Generator<readonly [string, Section]> {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  let own: unknown = sections;
  for (const name of names) own = isSection(own) && Object.hasOwn(own, name) ? own[name] : undefined;
  for (const [place, section] of [
    [names.join("."), own],
    [shared, sections[shared]],
  ] as const) {
    if (section === undefined || section === null) continue;
    if (!isSection(section)) throw usage(`${path}: ${place} is not a mapping of options to values`);
    yield [place, section];
  }
}

/** By its long name without dashes; `no-x` goes by `x: false`. */
const optionOf = (command: Command, name: string): Option | undefined =>
  command.options.find((option) => option.long === `--${name}`) ??
  command.options.find((option) => option.negate && option.long === `--no-${name}`);

/** @throws GraspGroundingError USAGE */
function parsedValue(option: Option, value: unknown, where: string): unknown {
  if (option.isBoolean() || option.negate) {
    if (typeof value === "boolean") return value;
    throw usage(`${where} is ${JSON.stringify(value)}; it is true or false`);
  }
  const values = Array.isArray(value) ? value : [value];
  if (values.some((one) => !["string", "number", "boolean"].includes(typeof one)))
    throw usage(`${where} is neither a text, a number nor a list of such`);
  if (option.optional && value === true) return true;
  let parsed: unknown;
  for (const one of values) {
    const text = String(one);
    try {
      parsed = option.parseArg === undefined ? text : option.parseArg(text, parsed);
    } catch (error) {
      const detail = error instanceof GraspGroundingError ? String(error.details.detail) : describe(error);
      throw usage(`${where}: ${detail}`);
    }
  }
  return parsed;
}

/** Everything that files say and no command understands. */
export function configFaults(program: Command, files: readonly ConfigFile[]): readonly string[] {
  const faults: string[] = [];
  for (const file of files) {
    const all = file.sections[shared];
    for (const name of isSection(all) ? Object.keys(all) : [])
      if (!leaves(program).some((command) => optionOf(command, name) !== undefined))
        faults.push(`${file.path}: no command has an option ${JSON.stringify(name)}`);
  }
  for (const command of leaves(program)) {
    try {
      applyConfig(command, files);
    } catch (error) {
      if (!(error instanceof GraspGroundingError)) throw error;
      faults.push(String(error.details.detail));
    }
  }
  return [...new Set(faults)];
}

const leaves = (command: Command): readonly Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
