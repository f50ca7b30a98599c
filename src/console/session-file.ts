import type { Answer, ConsoleState, FrameHeader } from "./protocol.js";

/**
 * A recorded session as one file: what every client was shown, and every command, in the order of time. First the line
 * `magic`, then records of uint32 length of the rest (little-endian), uint8 kind, float64 milliseconds since 1970,
 * and the
 * body: an event as JSON in UTF-8; an image as `packFrame` makes it; or an asset: uint32 length of its path, the path
 * in UTF-8, its bytes. Used by the server, which writes it, and by the page, which opens it.
 */
export const magic = "grasp-grounding session 1\n";

export const recordKinds = { event: 1, frame: 2, asset: 3 } as const;

/** What the page fetches apart from state and images, by path below `/api`: thumbnails, points, the robot. */
export interface SessionAsset {
  readonly path: string;
  readonly data: Uint8Array;
}

/** One command, as the audit log has it. */
export interface RecordedCommand {
  readonly who: string;
  readonly what: string;
  readonly outcome: string;
  readonly details?: unknown;
  readonly code?: string;
}

export type SessionEvent =
  /** The whole state: a replay can begin here. */
  | { readonly type: "snapshot"; readonly state: ConsoleState; readonly answers: readonly Answer[] }
  | { readonly type: "state"; readonly state: Partial<ConsoleState> }
  | { readonly type: "answers"; readonly answers: readonly Answer[] }
  | { readonly type: "command"; readonly command: RecordedCommand };

export type SessionRecord =
  | { readonly kind: "event"; readonly at: number; readonly event: SessionEvent }
  | { readonly kind: "frame"; readonly at: number; readonly header: FrameHeader; readonly jpeg: Uint8Array }
  | { readonly kind: "asset"; readonly at: number; readonly asset: SessionAsset };

/** Bytes of a record before its body. */
export const recordHead = 13;

/**
 * The records of a file in the order of time.
 * @throws Error for a file that is no session, or is cut off within a record
 */
export function readSession(file: Uint8Array): SessionRecord[] {
  const text = new TextDecoder();
  if (text.decode(file.subarray(0, magic.length)) !== magic) throw new Error("this is no recorded session");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const records: SessionRecord[] = [];
  for (let offset = magic.length; offset < file.length; ) {
    if (offset + recordHead > file.length) throw new Error("the recorded session is cut off");
    const length = view.getUint32(offset, true);
    const kind = view.getUint8(offset + 4);
    const at = view.getFloat64(offset + 5, true);
    const end = offset + 4 + length;
    if (length < recordHead - 4 || end > file.length) throw new Error("the recorded session is cut off");
    const body = file.subarray(offset + recordHead, end);
    if (kind === recordKinds.event)
      records.push({ kind: "event", at, event: JSON.parse(text.decode(body)) as SessionEvent });
    else if (kind === recordKinds.frame) {
      const [header, jpeg] = parted(body);
      records.push({ kind: "frame", at, header: JSON.parse(text.decode(header)) as FrameHeader, jpeg });
    } else if (kind === recordKinds.asset) {
      const [path, data] = parted(body);
      records.push({ kind: "asset", at, asset: { path: text.decode(path), data } });
    }
    offset = end;
  }
  // An image is written when it is encoded, with the time at which it came.
  return records.sort((a, b) => a.at - b.at);
}

/** A body's text and the bytes after it. */
function parted(body: Uint8Array): [Uint8Array, Uint8Array] {
  const size = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  return [body.subarray(4, 4 + size), body.subarray(4 + size)];
}
