import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { describe, GraspGroundingError } from "../errors/index.js";

/** Whether a path exists and is a pipe or a device. */
export const isSpecial = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => !found.isFile() && !found.isDirectory(),
    () => false,
  );

/**
 * Writes a file completely or not at all: under a temporary name in its folder, then renamed. Pipes and devices are
 * written directly.
 * @throws OUTPUT_UNWRITABLE
 */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
    if (await isSpecial(path)) return await writeFile(path, content);
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path, detail: describe(cause) }, { cause });
  }
}

/**
 * Text as editors, spreadsheets and PowerShell save it: UTF-8 with or without a byte order mark, or UTF-16 with one.
 * The mark is no part of the text.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const utf16 =
    first === 0xff && second === 0xfe
      ? "utf-16le"
      : first === 0xfe && second === 0xff
        ? "utf-16be"
        : undefined;
  return new TextDecoder(utf16 ?? "utf-8").decode(bytes);
}

/** A text file without its byte order mark. @throws GraspGroundingError FILE_MISSING, FILE_UNREADABLE */
export async function readText(path: string): Promise<string> {
  try {
    return decodeText(await readFile(path));
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** A read that failed, as an error of the catalogue. */
export function fileError(path: string, cause: unknown): GraspGroundingError {
  const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
  return missing
    ? new GraspGroundingError("FILE_MISSING", { path }, { cause })
    : new GraspGroundingError("FILE_UNREADABLE", { path, detail: describe(cause) }, { cause });
}
