import { parseRos2idl } from "@foxglove/ros2idl-parser";
import { parse } from "@foxglove/rosmsg";
import { MessageReader, MessageWriter } from "@foxglove/rosmsg2-serialization";
import { describe, GraspGroundingError } from "../errors/index.js";
import { builtinDefinition } from "./definitions.js";

/** A message definition as a bag carries it. */
export interface Definition {
  readonly encoding: "ros2msg" | "ros2idl";
  readonly text: string;
}

export interface Decoder {
  /** Byte arrays of the message are views of `data`. @throws GraspGroundingError MESSAGE_MALFORMED */
  decode<T>(data: Uint8Array): T;
}

/**
 * Decoder of CDR messages of a type, by the definition given or else the built-in one.
 * @throws GraspGroundingError MESSAGE_TYPE when there is no usable definition.
 */
export function decoderFor(type: string, definition?: Definition): Decoder {
  const reader = new MessageReader(parseDefinition(type, definition));
  return {
    decode<T>(data: Uint8Array): T {
      try {
        const message = reader.readMessage<T>(data);
        // The reader's views are over the whole underlying buffer, so a wrong length would show the neighbours.
        if (reader.lastReadByteLength() > data.byteLength) throw new RangeError("it ends too early");
        return message;
      } catch (error) {
        throw new GraspGroundingError(
          "MESSAGE_MALFORMED",
          { type, detail: describe(error) },
          { cause: error },
        );
      }
    },
  };
}

function parseDefinition(type: string, definition?: Definition) {
  try {
    if (definition?.encoding === "ros2idl") return parseIdl(definition.text);
    const text = definition?.text ?? builtinDefinition(type);
    if (text !== undefined) return parse(text, { ros2: true });
  } catch (error) {
    throw new GraspGroundingError("MESSAGE_TYPE", { type, detail: describe(error) }, { cause: error });
  }
  throw new GraspGroundingError("MESSAGE_TYPE", {
    type,
    detail: "the recording does not carry its definition",
  });
}

/** The parser names the nanoseconds of times as ROS 1 did. */
function parseIdl(text: string) {
  const definitions = parseRos2idl(text);
  for (const { name, definitions: fields } of definitions) {
    if (name !== "builtin_interfaces/msg/Time" && name !== "builtin_interfaces/msg/Duration") continue;
    for (const field of fields) if (field.name === "nsec") field.name = "nanosec";
  }
  return definitions;
}

const writers = new Map<string, MessageWriter>();

/** Serialises a message of a built-in type as CDR (little endian). @throws GraspGroundingError MESSAGE_TYPE */
export function encodeMessage(type: string, message: unknown): Uint8Array {
  let writer = writers.get(type);
  if (writer === undefined) {
    writer = new MessageWriter(parseDefinition(type));
    writers.set(type, writer);
  }
  return writer.writeMessage(withUtf8Lengths(message));
}

/**
 * The CDR writer takes a string's length in UTF-16 units for its length in UTF-8 bytes and would cut "кружка" in
 * half. Padded with NULs to the byte length, the text fills its field exactly and the padding is never written.
 */
function withUtf8Lengths(value: unknown): unknown {
  if (typeof value === "string") {
    const missing = Buffer.byteLength(value, "utf8") - value.length;
    return missing > 0 ? value + "\0".repeat(missing) : value;
  }
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(withUtf8Lengths);
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, withUtf8Lengths(field)]));
}
