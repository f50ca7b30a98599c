import type { ConsoleState } from "../protocol.js";

export type LogLine = ConsoleState["log"][number];

/** Lines the page shows, and lines that can be downloaded. */
const maxShown = 100;
const maxStored = 5000;

/** What happened, newest first: questions, answers, motions and their reasons, warnings. */
export class ConsoleLog {
  readonly #changed: (lines: readonly LogLine[]) => void;
  #lines: LogLine[] = [];

  /** @param changed told the lines that the page shows */
  constructor(changed: (lines: readonly LogLine[]) => void) {
    this.#changed = changed;
  }

  add(level: LogLine["level"], text: string): void {
    this.#lines.push({ at: new Date().toISOString(), level, text });
    if (this.#lines.length > maxStored) this.#lines = this.#lines.slice(-maxStored);
    this.#changed(this.#lines.slice(-maxShown).reverse());
  }

  /** Every stored line as text, oldest first: time, level and text, separated by tabs. */
  toString(): string {
    return this.#lines
      .map(({ at, level, text }) => `${at}\t${level}\t${text.replace(/\s+/g, " ")}\n`)
      .join("");
  }
}
