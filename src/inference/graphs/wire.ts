import protobuf from "protobufjs/minimal.js";

/** One field of a protobuf message, as it lies in memory. */
export interface Field {
  readonly number: number;
  /** Bytes of a field with a length; empty for other kinds. */
  readonly bytes: Uint8Array;
  /** Value of a varint, 0 for other kinds. */
  readonly value: number;
  /** The whole field, tag included. */
  readonly raw: Uint8Array;
}

const varintType = 0;
const lengthType = 2;
const nothing = new Uint8Array(0);

/**
 * Fields of a protobuf message in their order, without copies: those that a graph's joining does not look into pass
 * through as they are, which a decoded message would not keep. Source: the encoding of Protocol Buffers.
 * @throws RangeError when the message is cut off or is none
 */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const reader = protobuf.Reader.create(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const type = tag & 7;
    let bytes: Uint8Array = nothing;
    let value = 0;
    if (type === lengthType) bytes = reader.bytes();
    else if (type === varintType) value = Number(reader.int64());
    else skip(reader, type);
    yield { number: tag >>> 3, bytes, value, raw: message.subarray(start, reader.pos) };
  }
}

function skip(reader: protobuf.Reader, type: number): void {
  try {
    reader.skipType(type);
  } catch (error) {
    throw error instanceof RangeError ? error : new RangeError(`there is no wire type ${type}`);
  }
}

/** Text of a field. */
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

/** A message in pieces: its large parts stay where they are until the whole is written. */
export type Chunks = readonly Uint8Array[];

const tagOf = (number: number, type: number): protobuf.Writer =>
  protobuf.Writer.create().uint32(number * 8 + type);

/** A whole number. */
export const numberField = (number: number, value: number): Chunks => [
  tagOf(number, varintType).int64(value).finish(),
];

/** A text, or the bytes of a message inside the message. */
export function bytesField(number: number, content: string | Chunks): Chunks {
  const chunks = typeof content === "string" ? [Buffer.from(content, "utf8")] : content;
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return [tagOf(number, lengthType).uint32(length).finish(), ...chunks];
}
