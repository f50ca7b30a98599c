import { describe, GraspGroundingError } from "../../errors/index.js";
import { type MessageEntry, walkRecords } from "./records.js";
import { type LoadOptions, loadSegment } from "./segment.js";
import type { Segment } from "./summary.js";

export interface MergeOptions extends LoadOptions {
  readonly segments: readonly Segment[];
  readonly wanted: (channelId: number) => boolean;
  readonly from: bigint | undefined;
  readonly to: bigint | undefined;
  readonly onDamage: (text: string) => void;
}

export interface RawMessage {
  readonly entry: MessageEntry;
  readonly data: Uint8Array;
}

/** Bytes of overlapping segments held open at once; beyond it they are read again when their turn comes. */
const openBudget = 256 * 1024 * 1024;

/** Segments begun ahead of their turn: decompression runs on other threads. */
const aheadSegments = 3;
const aheadBudget = 64 * 1024 * 1024;

interface Cursor {
  readonly segment: Segment;
  readonly entries: readonly MessageEntry[];
  next: number;
  records: Uint8Array | undefined;
  buffer: Uint8Array | undefined;
}

/**
 * The messages of the segments in the order of log time. One segment is held (and a few are read ahead), more only
 * where their times overlap. A damaged segment is reported and skipped.
 */
export async function* mergeSegments(options: MergeOptions): AsyncGenerator<RawMessage, void, void> {
  const upcoming = new Upcoming(relevant(options), options);
  const open: Cursor[] = [];
  try {
    for (;;) {
      let first = earliest(open);
      for (;;) {
        const startTime = upcoming.startTime;
        if (startTime === undefined || (first !== undefined && startTime > headTime(first))) break;
        const cursor = await upcoming.next();
        if (cursor === undefined) continue;
        open.push(cursor);
        trim(open, cursor);
        first = earliest(open);
      }
      if (first === undefined) return;
      // Until another open cursor or the next segment may have its turn, this one goes on alone.
      const limit = turnLimit(open, first, upcoming.startTime);
      if (first.records === undefined) Object.assign(first, await loadSegment(first.segment, options));
      const { entries, records } = first as Cursor & { records: Uint8Array };
      do {
        const entry = entries[first.next++]!;
        yield { entry, data: records.subarray(entry.start, entry.end) };
      } while (first.next < entries.length && entries[first.next]!.logTime < limit);
      if (first.next >= entries.length) {
        open.splice(open.indexOf(first), 1);
        if (first.buffer !== undefined) options.pool.give(first.buffer);
      }
    }
  } finally {
    // What was begun ahead of time ends before the file is closed.
    await upcoming.settle();
  }
}

/** The segments still to come, in the order of their start; a few of them are being read already. */
class Upcoming {
  readonly #segments: readonly Segment[];
  readonly #options: MergeOptions;
  readonly #begun: Promise<Cursor | undefined>[] = [];
  #index = 0;

  constructor(segments: readonly Segment[], options: MergeOptions) {
    this.#segments = segments;
    this.#options = options;
  }

  /** When the next one starts, or undefined after the last. */
  get startTime(): bigint | undefined {
    return this.#segments[this.#index]?.startTime;
  }

  /** The next one, opened; undefined when it holds nothing that is wanted. */
  next(): Promise<Cursor | undefined> {
    this.#begin(1, Number.POSITIVE_INFINITY);
    const cursor = this.#begun.shift()!;
    this.#index++;
    // Reading ahead of compressed blocks keeps the other threads busy; of others it only hides the disk.
    this.#begin(this.#segments[this.#index]?.compressed ? aheadSegments : 1, aheadBudget);
    return cursor;
  }

  #begin(count: number, budget: number): void {
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      const segment = this.#segments[this.#index + i];
      if (segment === undefined) return;
      bytes += segment.size + segment.length;
      if (i > 0 && bytes > budget) return;
      if (i < this.#begun.length) continue;
      const cursor = openSegment(segment, this.#options);
      // What was begun ahead fails when its turn comes, or not at all.
      cursor.catch(() => undefined);
      this.#begun.push(cursor);
    }
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.#begun);
  }
}

const headTime = (cursor: Cursor): bigint => cursor.entries[cursor.next]!.logTime;
const endOfTime = 1n << 64n;

function earliest(open: readonly Cursor[]): Cursor | undefined {
  let best: Cursor | undefined;
  for (const cursor of open) if (best === undefined || headTime(cursor) < headTime(best)) best = cursor;
  return best;
}

function turnLimit(open: readonly Cursor[], current: Cursor, upcoming: bigint | undefined): bigint {
  let limit = upcoming ?? endOfTime;
  for (const cursor of open) {
    if (cursor !== current && headTime(cursor) < limit) limit = headTime(cursor);
  }
  return limit;
}

/** Lets go of the data of cursors whose turn is furthest away while more than the budget is held. */
function trim(open: readonly Cursor[], keep: Cursor): void {
  let held = 0;
  for (const { records } of open) held += records?.byteLength ?? 0;
  const furthest = [...open].sort((a, b) => (headTime(a) < headTime(b) ? 1 : -1));
  for (const cursor of furthest) {
    if (held <= openBudget) return;
    if (cursor === keep || cursor.records === undefined) continue;
    held -= cursor.records.byteLength;
    cursor.records = undefined;
    cursor.buffer = undefined;
  }
}

function relevant({ segments, wanted, from, to }: MergeOptions): Segment[] {
  return segments
    .filter((segment) => {
      if (from !== undefined && segment.endTime < from && !segment.timesUnknown) return false;
      if (to !== undefined && segment.startTime > to) return false;
      return segment.channels === undefined || [...segment.channels].some(wanted);
    })
    .sort((a, b) => (a.startTime === b.startTime ? a.offset - b.offset : a.startTime < b.startTime ? -1 : 1));
}

/** @throws GraspGroundingError when the file cannot be reached any more; damage is reported and gives undefined. */
async function openSegment(segment: Segment, options: MergeOptions): Promise<Cursor | undefined> {
  const { wanted, from, to } = options;
  try {
    const { records, buffer } = await loadSegment(segment, options);
    const entries: MessageEntry[] = [];
    let ordered = true;
    let last = 0n;
    const good = walkRecords(records, {
      message: (entry) => {
        const { logTime } = entry;
        if (!wanted(entry.channelId)) return;
        if ((from !== undefined && logTime < from) || (to !== undefined && logTime > to)) return;
        if (logTime < last) ordered = false;
        last = logTime;
        entries.push(entry);
      },
    });
    if (good < records.byteLength)
      options.onDamage(`the ${where(segment)} has ${records.byteLength - good} bytes that are no records`);
    if (entries.length === 0) {
      if (buffer !== undefined) options.pool.give(buffer);
      return undefined;
    }
    if (!ordered)
      entries.sort((a, b) => (a.logTime === b.logTime ? a.start - b.start : a.logTime < b.logTime ? -1 : 1));
    return { segment, entries, next: 0, records, buffer };
  } catch (error) {
    if (error instanceof GraspGroundingError) throw error;
    options.onDamage(`the ${where(segment)} is lost: ${describe(error)}`);
    return undefined;
  }
}

const where = (segment: Segment): string =>
  `${segment.kind === "chunk" ? "chunk" : "part"} at byte ${segment.offset}`;
