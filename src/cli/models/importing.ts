import { mkdir } from "node:fs/promises";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { freeFolder, userModelFolder } from "../../model-store/index.js";

/** The target folder of an import, and the signal that ends it. */
export interface Importing {
  readonly store: string;
  /** Folder of the model; it does not exist yet. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/**
 * Runs an import into the user's model store; Ctrl-C ends it in order.
 * @throws GraspGroundingError USAGE, MODEL_EXISTS, OUTPUT_UNWRITABLE, and those of the work
 */
export async function importInto<T>(name: string, work: (into: Importing) => Promise<T>): Promise<T> {
  const folder = await freeFolder(name);
  const store = userModelFolder();
  await mkdir(store, { recursive: true }).catch((cause) => {
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path: store, detail: describe(cause) }, { cause });
  });
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once("SIGINT", stop);
  try {
    return await work({ store, folder, signal: abort.signal });
  } finally {
    process.off("SIGINT", stop);
  }
}
