import { constants, statSync } from "node:fs";
import { copyFile, mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { otherFormat } from "../other-format.js";

/** An opened database, its damage in words, and how to close it. */
export interface OpenedDatabase {
  readonly database: DatabaseSyncInstance;
  readonly damage: readonly string[];
  /** The file, where all that the database holds lies in it. */
  readonly file?: string;
  /** @throws Error when the file has become shorter since it was opened: what is read then may be made up. */
  check(): void;
  close(): Promise<void>;
}

const magic = "SQLite format 3\0";

/**
 * Opens a .db3 file without ever changing it: as an immutable file (read, not mapped: touching a mapped file that
 * someone cuts off ends the process); or, when the recorder was stopped before it could
 * clean up and left a journal, as a copy in which sqlite restores order.
 * @throws GraspGroundingError BAG_FORMAT, FILE_UNREADABLE
 */
export async function openDatabase(file: string): Promise<OpenedDatabase> {
  const lack = await checkHeader(file);
  const journals: string[] = [];
  for (const suffix of ["-journal", "-wal"]) {
    const size = await stat(file + suffix).then(
      (found) => found.size,
      () => 0,
    );
    if (size > 0) journals.push(suffix);
  }
  try {
    if (journals.length > 0) return await openCopy(file, journals);
    const url = pathToFileURL(path.resolve(file));
    url.search = "?immutable=1";
    const database = new DatabaseSync(url, { readOnly: true });
    // Else sqlite reads nothing at all of a file that is shorter than it should be.
    if (lack !== undefined) {
      database.enableDefensive(false);
      database.exec("PRAGMA writable_schema = ON");
    }
    const { size } = await stat(file);
    return {
      database,
      file,
      damage: lack === undefined ? [] : [lack],
      check: () => {
        // One that was deleted stays readable until it is closed.
        const now = statSync(file, { throwIfNoEntry: false })?.size ?? size;
        if (now < size) throw new Error("the file became shorter while it was read");
      },
      close: async () => database.close(),
    };
  } catch (error) {
    throw new GraspGroundingError(
      "FILE_UNREADABLE",
      { path: file, detail: describe(error) },
      { cause: error },
    );
  }
}

async function openCopy(file: string, journals: readonly string[]): Promise<OpenedDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), "grasp-grounding-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const copy = path.join(folder, "bag.db3");
    for (const suffix of ["", ...journals])
      await copyFile(file + suffix, copy + suffix, constants.COPYFILE_FICLONE);
    const database = new DatabaseSync(copy);
    // The first read is what applies the journal.
    database.prepare("SELECT count(*) FROM sqlite_master").get();
    return {
      database,
      damage: [
        `the recorder left a journal (${journals.join(", ")}): it was stopped hard, and its last messages may be lost`,
      ],
      check: () => undefined,
      close: async () => {
        database.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The missing part in words; undefined when the file is as long as its header says (sqlite's file format, 1.3). */
async function checkHeader(file: string): Promise<string | undefined> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(100), 0, 100, 0);
    if (bytesRead < 100 || buffer.toString("latin1", 0, 16) !== magic)
      throw new GraspGroundingError("BAG_FORMAT", {
        path: file,
        detail:
          bytesRead >= magic.length && buffer.toString("latin1", 0, 16) === magic
            ? "it is cut off in its header"
            : otherFormat(buffer.subarray(0, bytesRead), "a sqlite3"),
      });
    const pageSize = buffer.readUInt16BE(16) === 1 ? 65_536 : buffer.readUInt16BE(16);
    const wanted = buffer.readUInt32BE(28) * pageSize;
    const { size } = await handle.stat();
    return size < wanted ? `it is cut off: ${size} of ${wanted} bytes are there` : undefined;
  } finally {
    await handle.close();
  }
}
