import { GraspGroundingError } from "../../errors/index.js";
import type { ByteSource } from "../file.js";
import { walkRecords } from "./records.js";
import { unpackChunk } from "./segment.js";
import type { Segment, Summary } from "./summary.js";

/**
 * The summary with the true times of chunks whose index cannot be believed: some writers give a chunk that holds no
 * message, but topics alone, the times 0. Such chunks are read; those without messages are skipped, so that they do
 * not move the recording's start.
 */
export async function settleTimes(source: ByteSource, summary: Summary): Promise<Summary> {
  const indexed = summary.segments.some(({ channels }) => channels !== undefined);
  const segments: Segment[] = [];
  for (const segment of summary.segments) {
    const settled = isDoubtful(segment, indexed) ? await settle(source, segment) : segment;
    if (settled !== undefined) segments.push(settled);
  }
  return { ...summary, segments };
}

const isDoubtful = ({ kind, size, startTime, endTime, channels }: Segment, indexed: boolean): boolean =>
  kind === "chunk" &&
  (size === 0 || startTime === 0n || endTime < startTime || (indexed && channels === undefined));

/** Undefined for a chunk without messages. One that cannot be read stays: reading it says what is wrong. */
async function settle(source: ByteSource, segment: Segment): Promise<Segment | undefined> {
  try {
    const records = await unpackChunk(await source.read(segment.offset, segment.length));
    let startTime: bigint | undefined;
    let endTime = 0n;
    walkRecords(records, {
      message: ({ logTime }) => {
        if (startTime === undefined || logTime < startTime) startTime = logTime;
        if (logTime > endTime) endTime = logTime;
      },
    });
    return startTime === undefined ? undefined : { ...segment, startTime, endTime };
  } catch (error) {
    if (error instanceof GraspGroundingError) throw error;
    return { ...segment, timesUnknown: true };
  }
}
