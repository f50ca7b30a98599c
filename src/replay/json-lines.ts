import { createReadStream, createWriteStream, type WriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { describe, GraspGroundingError } from "../errors/index.js";
import { isSpecial } from "../system/index.js";

/** Name of a file of lines until it is complete; a killed run leaves it for --resume. */
export const linesPart = (path: string): string => `${path}.part`;

/** Lines to a file that appears under its name when it is complete, or to stdout for `-`. */
export class JsonLines {
  readonly #path: string;
  /** Path of the incomplete file. */
  readonly #part: string;
  readonly #stream: WriteStream | undefined;
  #failure: Error | undefined;

  private constructor(path: string, part: string, stream: WriteStream | undefined) {
    this.#path = path;
    this.#part = part;
    this.#stream = stream;
    stream?.on("error", (error) => {
      this.#failure = error;
    });
  }

  /** @param append to the part that exists. @throws GraspGroundingError OUTPUT_UNWRITABLE */
  static async open(path: string, append = false): Promise<JsonLines> {
    if (path === "-") return new JsonLines(path, path, undefined);
    // Pipes and devices are written directly: a rename would replace them with a file.
    const part = (await isSpecial(path)) ? path : linesPart(path);
    const stream = createWriteStream(part, { flags: append ? "a" : "w" });
    await new Promise<void>((resolve, reject) => {
      stream.once("open", () => resolve());
      stream.once("error", (cause) => {
        reject(new GraspGroundingError("OUTPUT_UNWRITABLE", { path, detail: describe(cause) }, { cause }));
      });
    });
    return new JsonLines(path, part, stream);
  }

  async write(text: string): Promise<void> {
    if (this.#stream === undefined) {
      if (!process.stdout.write(text)) await drained(process.stdout);
      return;
    }
    if (!this.#stream.write(text) && this.#failure === undefined) await drained(this.#stream);
    this.#check();
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    await new Promise<void>((resolve) => stream.end(() => resolve()));
    this.#check();
    if (this.#part !== this.#path) await rename(this.#part, this.#path);
  }

  async abort(): Promise<void> {
    if (this.#stream === undefined) return;
    this.#stream.destroy();
    if (this.#part !== this.#path) await rm(this.#part, { force: true });
  }

  #check(): void {
    if (this.#failure === undefined) return;
    const details = { path: this.#path, detail: describe(this.#failure) };
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", details, { cause: this.#failure });
  }
}

/** The complete lines of a file; a last line without its end is skipped. */
export async function* readLines(path: string): AsyncGenerator<string, void, void> {
  const stream = createReadStream(path, { encoding: "utf8" });
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line !== "") yield line;
}

export const fileSize = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

const drained = (stream: NodeJS.WritableStream): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done);
      stream.off("error", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done).on("error", done).on("close", done);
  });
