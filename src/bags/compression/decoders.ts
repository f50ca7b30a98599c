import { GraspGroundingError } from "../../errors/index.js";
import { type Decoder, decoderFor } from "../../messages/index.js";
import type { BagMessage, TopicInfo } from "../types.js";
import { isZstdFrame } from "./zstd-frame.js";

/** One decoder a topic, made when its first message is decoded. */
export class DecoderCache {
  readonly #topics: ReadonlyMap<string, TopicInfo>;
  readonly #decoders = new Map<string, Decoder>();

  constructor(topics: readonly TopicInfo[]) {
    this.#topics = new Map(topics.map((topic) => [topic.name, topic]));
  }

  /** @throws GraspGroundingError MESSAGE_TYPE, MESSAGE_MALFORMED */
  decode<T>(message: BagMessage): T {
    let decoder = this.#decoders.get(message.topic);
    if (decoder === undefined) {
      const topic = this.#topics.get(message.topic);
      const { type } = message;
      if (topic !== undefined && topic.serialization !== "" && topic.serialization !== "cdr")
        throw new GraspGroundingError("MESSAGE_TYPE", {
          type,
          detail: `serialised as ${topic.serialization}`,
        });
      decoder = decoderFor(type, topic?.definition);
      this.#decoders.set(message.topic, decoder);
    }
    if (isZstdFrame(message.data))
      throw new GraspGroundingError("MESSAGE_MALFORMED", {
        type: message.type,
        detail: "each message is compressed, and the metadata.yaml that says so is missing",
      });
    return decoder.decode<T>(message.data);
  }
}
