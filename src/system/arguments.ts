import { statSync } from "node:fs";
import { GraspGroundingError, usage } from "../errors/index.js";

/** @throws GraspGroundingError USAGE */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw usage(`${shown(text)} is not a positive whole number`);
  return value;
}

/** Parser of a whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < least)
      throw usage(`${shown(text)} is not a whole number of ${least} or more`);
    return value;
  };
}

/** @throws GraspGroundingError USAGE */
export function probability(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw usage(`${shown(text)} is not between 0 and 1`);
  return value;
}

/** @throws GraspGroundingError USAGE */
export function nonNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0)
    throw usage(`${shown(text)} is not a number of 0 or more`);
  return value;
}

/** @throws GraspGroundingError USAGE */
export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw usage(`${shown(text)} is not a number above 0`);
  return value;
}

/**
 * Parser of a file to write, whose name must say what is written. A pipe or a device may have any name.
 * @param endings with their dots, in lower case
 */
export function outputFile(...endings: string[]): (path: string) => string {
  return (path) => {
    if (isPipe(path)) return path;
    if (endings.some((ending) => path.toLowerCase().endsWith(ending))) return path;
    throw usage(`${shown(path)} does not end in ${endings.join(", ")}`);
  };
}

function isPipe(path: string): boolean {
  try {
    const found = statSync(path);
    return !found.isFile() && !found.isDirectory();
  } catch {
    return false;
  }
}

/** Parser of an image file to write. */
export const imageFile = outputFile(".png", ".jpg", ".jpeg");

/** Runs a parser and puts the option's name in front of its error, because parsers do not know it. */
export function named<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof GraspGroundingError) || error.code !== "USAGE") throw error;
    const detail = String(error.details.detail);
    throw detail.startsWith("--") ? error : usage(`${name} ${detail}`);
  }
}

const shown = (text: string): string => (text.trim() === "" ? "(nothing)" : text);
