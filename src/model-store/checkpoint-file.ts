import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, GraspGroundingError } from "../errors/index.js";

/**
 * Looks at a checkpoint before anything large is set up for it: a file must be readable and begin as weights do, a
 * folder must hold config.json. Its content is checked by the conversion.
 * @throws GraspGroundingError FILE_MISSING, IMPORT_FAILED
 */
export async function checkCheckpoint(path: string): Promise<void> {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) throw new GraspGroundingError("FILE_MISSING", { path });
  if (status.isDirectory()) {
    const config = join(path, "config.json");
    if ((await stat(config).catch(() => undefined)) === undefined)
      throw new GraspGroundingError("FILE_MISSING", { path: config });
    return;
  }
  const head = Buffer.alloc(16);
  let length = 0;
  try {
    const file = await open(path, "r");
    try {
      length = (await file.read(head, 0, 16, 0)).bytesRead;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new GraspGroundingError(
      "IMPORT_FAILED",
      { detail: `${path} cannot be read (${describe(cause)})` },
      { cause },
    );
  }
  const known =
    // torch.save's archive, a pickle of an older torch, safetensors.
    head.subarray(0, 2).toString("latin1") === "PK" ||
    head[0] === 0x80 ||
    head.subarray(8, 9).toString() === "{";
  if (length < 16 || !known)
    throw new GraspGroundingError("IMPORT_FAILED", {
      detail: `${path} does not begin as PyTorch weights or safetensors do${length === 0 ? " (it is empty)" : ""}`,
    });
}
