import type { Header } from "../../messages/index.js";

/**
 * Reads the header a message begins with straight from its CDR bytes, so that an image can be paired and forwarded
 * without being decoded. Layout: 4 bytes of encapsulation, int32 sec, uint32 nanosec, uint32 length of the frame id
 * (its zero byte counted), the frame id.
 * @throws RangeError when the bytes are no such message.
 */
export function peekHeader(cdr: Uint8Array): Header {
  if (cdr.byteLength < 16) throw new RangeError("the message ends within its header");
  const kind = cdr[1] ?? 0;
  if (cdr[0] !== 0 || kind > 1) throw new RangeError("not plain CDR");
  const littleEndian = kind === 1;
  const view = new DataView(cdr.buffer, cdr.byteOffset, cdr.byteLength);
  const length = view.getUint32(12, littleEndian);
  if (length > maxFrameId || 16 + length > cdr.byteLength)
    throw new RangeError("the frame id overruns the message");
  const text = cdr.subarray(16, 16 + Math.max(0, length - 1));
  return {
    stamp: { sec: view.getInt32(4, littleEndian), nanosec: view.getUint32(8, littleEndian) },
    frame_id: decoder.decode(text),
  };
}

/** No real frame id is longer; a longer one is an attack on memory or a damaged message. */
const maxFrameId = 4096;

const decoder = new TextDecoder();
