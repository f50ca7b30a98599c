/** One field of a protobuf message, as it lies in memory. */
export interface Field {
  readonly number: number;
  /** Bytes of a field with a length, or of a fixed-width number; empty for a varint. */
  readonly bytes: Uint8Array;
  /** Value of a varint, 0 for other kinds. */
  readonly value: bigint;
  /** The whole field, tag included. */
  readonly raw: Uint8Array;
}

const varintType = 0;
const lengthType = 2;
/** Bytes of the wire types of fixed width. */
const fixedBytes = new Map([
  [1, 8],
  [5, 4],
]);
const maxVarintBytes = 10;

/**
 * Fields of a protobuf message in their order, without copies. Source: the encoding of Protocol Buffers.
 * @throws RangeError when the message is cut off or is none
 */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let i = 0; i < maxVarintBytes; i++) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError("the message is cut off");
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number is too long");
  };
  while (at < message.length) {
    const start = at;
    const tag = Number(varint());
    const number = tag >>> 3;
    const type = tag & 7;
    const value = type === varintType ? varint() : 0n;
    const length = type === lengthType ? Number(varint()) : (fixedBytes.get(type) ?? 0);
    if (type !== varintType && type !== lengthType && !fixedBytes.has(type))
      throw new RangeError(`there is no wire type ${type}`);
    const bytes = message.subarray(at, at + length);
    if (bytes.length < length) throw new RangeError("the message is cut off");
    at += length;
    yield { number, bytes, value, raw: message.subarray(start, at) };
  }
}

/** Text of a field. */
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

function varintBytes(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** A message in pieces: its large parts stay where they are until the whole is written. */
export type Chunks = readonly Uint8Array[];

/** A whole number. */
export const numberField = (number: number, value: number | bigint): Chunks => [
  varintBytes(number * 8 + varintType),
  varintBytes(value),
];

/** A text, or the bytes of a message inside the message. */
export function bytesField(number: number, content: string | Chunks): Chunks {
  const chunks = typeof content === "string" ? [Buffer.from(content, "utf8")] : content;
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return [varintBytes(number * 8 + lengthType), varintBytes(length), ...chunks];
}
