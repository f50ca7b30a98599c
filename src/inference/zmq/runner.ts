import { describe } from "../../errors/index.js";
import type { InferenceBackend, ModelFiles, ModelPart, Tensor, Tensors } from "../port.js";
import { PictureThreads } from "../preprocess/image-preprocess-pool.js";
import { Batcher, type BatcherOptions, type Ran } from "./batcher.js";
import { KeptFeatures } from "./feature-cache.js";
import {
  type Message,
  metaOf,
  type Payload,
  ProtocolError,
  payloadKey,
  readPayload,
  readTensors,
} from "./protocol.js";

/** A request that was taken. */
export interface Taken {
  readonly message: Message;
  /** performance.now() after which nobody waits. */
  readonly expires: number;
  cancelled: boolean;
}

/** Features a client believed to be here are not. */
export class Missing extends Error {}

/** Does what requests ask for: pictures to features, which stay here, sentences to features, both to logits. */
export class RequestRunner {
  readonly #model: ModelFiles;
  readonly #pictures: PictureThreads;
  readonly #kept: KeptFeatures;
  readonly #batcher: Batcher;

  constructor(
    model: ModelFiles,
    backend: InferenceBackend,
    options: BatcherOptions & { readonly pictureThreads: number; readonly keep: number },
  ) {
    this.#model = model;
    this.#pictures = new PictureThreads(model.input, options.pictureThreads);
    this.#kept = new KeptFeatures(options.keep);
    this.#batcher = new Batcher(backend, options);
  }

  /** Times the model was run, requests it was run for, and pictures whose features are here. */
  get counts(): { readonly batches: number; readonly batched: number; readonly keptPictures: number } {
    const { batches, batched } = this.#batcher;
    return { batches, batched, keptPictures: this.#kept.size };
  }

  /** @throws Unwanted, Missing, ProtocolError, and what the back end throws */
  async run(request: Taken): Promise<Ran> {
    const { message } = request;
    if (message.kind === "text") {
      const { tensors } = metaOf("text", message);
      return this.#infer(request, "text", readTensors(tensors, message.blobs));
    }
    if (message.kind === "encode") {
      const { key, picture } = metaOf("encode", message);
      return this.#features(request, key, readPayload(picture, message.blobs));
    }
    const { frame, tensors } = metaOf("decode", message);
    const feeds: Record<string, Tensor> = readTensors(tensors, message.blobs);
    if (frame !== undefined) {
      const payload = frame.picture && readPayload(frame.picture, message.blobs);
      const features = (await this.#features(request, frame.key, payload)).outputs;
      for (const name of frame.names) if (features[name] !== undefined) feeds[name] = features[name];
    }
    return this.#infer(request, "decoder", feeds);
  }

  close(): Promise<void> {
    return this.#pictures.close();
  }

  /** Features of a picture: kept ones, else made of `payload`, once however many ask. */
  async #features(request: Taken, key: string, payload: Payload | undefined): Promise<Ran> {
    const known = this.#kept.get(key);
    if (known !== undefined) {
      const ran = await known.catch(() => undefined);
      if (ran !== undefined) return { ...ran, waitedMs: 0, ranMs: 0 };
    }
    if (payload === undefined) throw new Missing(key);
    const made = this.#encode(request, payload);
    // Hashed while another thread is at the picture.
    if (payloadKey(payload) !== key) {
      request.cancelled = true;
      made.catch(() => undefined);
      throw new ProtocolError("key", "the picture is not what its key says");
    }
    return this.#kept.set(key, made);
  }

  async #encode(request: Taken, payload: Payload): Promise<Ran> {
    const { width, height, name } = this.#model.input;
    if (payload.kind === "tensors") return this.#infer(request, "encoder", payload.tensors);
    if (payload.kind === "rgb" && payload.data.byteLength !== width * height * 3)
      throw new ProtocolError(
        "picture",
        `${payload.data.byteLength} bytes are not ${width}×${height} pixels`,
      );
    const picture =
      payload.kind === "jpeg"
        ? ({ kind: "jpeg", data: payload.data } as const)
        : ({ kind: "rgb", width, height, data: payload.data } as const);
    const tensor = await this.#pictures.tensor(picture).catch((error) => {
      throw new ProtocolError("picture", describe(error));
    });
    return this.#infer(request, "encoder", { [name]: tensor });
  }

  #infer(request: Taken, part: ModelPart, feeds: Tensors): Promise<Ran> {
    const { expires } = request;
    return this.#batcher.run({ part, feeds, expires, wanted: () => !request.cancelled });
  }
}
