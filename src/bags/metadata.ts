import { readFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { describe, GraspGroundingError } from "../errors/index.js";

const schema = z.object({
  rosbag2_bagfile_information: z.object({
    relative_file_paths: z.array(z.string()).default([]),
    compression_format: z.string().nullish(),
    compression_mode: z.string().nullish(),
  }),
});

/** What of a rosbag2 folder's metadata.yaml is used. */
export interface BagMetadata {
  readonly files: readonly string[];
  readonly messageCompression: boolean;
}

/**
 * Reads a folder's metadata.yaml, or undefined when there is none (a recorder that was stopped hard leaves none).
 * @throws GraspGroundingError BAG_FORMAT when it is not one.
 */
export async function readMetadata(folder: string): Promise<BagMetadata | undefined> {
  const file = path.join(folder, "metadata.yaml");
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw new GraspGroundingError("FILE_UNREADABLE", { path: file, detail: describe(cause) }, { cause });
  });
  return text === undefined ? undefined : parseMetadata(text, file);
}

const firstIssue = ({ issues: [issue] }: z.ZodError): string =>
  issue === undefined ? "unreadable" : `${issue.path.join(".") || "the file"}: ${issue.message}`;

/** @throws GraspGroundingError BAG_FORMAT when the text is no metadata.yaml. */
export function parseMetadata(text: string, file: string): BagMetadata {
  try {
    const { rosbag2_bagfile_information: info } = schema.parse(
      parse(text, { maxAliasCount: 0, logLevel: "error" }),
    );
    const format = info.compression_format ?? "";
    if (format !== "" && format !== "zstd") throw new RangeError(`compression ${format} is not known`);
    return {
      files: info.relative_file_paths,
      messageCompression: format !== "" && info.compression_mode?.toLowerCase() === "message",
    };
  } catch (error) {
    const detail = error instanceof z.ZodError ? firstIssue(error) : describe(error);
    throw new GraspGroundingError("BAG_FORMAT", { path: file, detail }, { cause: error });
  }
}
