import { describe } from "../../errors/index.js";
import { pixelFeeds, pixelsName } from "../graphs/index.js";
import type { InferenceBackend, ModelFiles, ModelPart, Tensor, Tensors } from "../port.js";
import { ImagePreprocessPool } from "../preprocess/image-preprocess-pool.js";
import type { ImageData } from "../preprocess/image-worker.js";
import { checkImageSide } from "../preprocess/preprocess.js";
import { Batcher, type BatcherOptions, type Ran } from "./batcher.js";
import { FeatureCache } from "./feature-cache.js";
import {
  type Message,
  metaOf,
  type Payload,
  ProtocolError,
  payloadKey,
  readPayload,
  readTensors,
} from "./protocol.js";

/** An accepted request. */
export interface Taken {
  readonly message: Message;
  /** performance.now() at which its client stops waiting. */
  readonly expires: number;
  cancelled: boolean;
}

interface Named {
  readonly key: string;
  readonly own?: boolean | undefined;
}

/** The features that a request names are not here. */
export class Missing extends Error {}

/** Runs requests: images to features, which stay here, queries to features, and both to logits. */
export class RequestRunner {
  readonly #model: ModelFiles;
  readonly #takesPixels: boolean;
  readonly #images: ImagePreprocessPool;
  readonly #cache: FeatureCache;
  readonly #batcher: Batcher;

  constructor(
    model: ModelFiles,
    backend: InferenceBackend,
    options: BatcherOptions & { readonly imageThreads: number; readonly keep: number },
  ) {
    this.#model = model;
    this.#takesPixels = backend.takesPixels ?? false;
    this.#images = new ImagePreprocessPool(model.input, options.imageThreads);
    this.#cache = new FeatureCache(options.keep);
    this.#batcher = new Batcher(backend, options);
  }

  /** Runs of the model, requests in them, and images whose features are here. */
  get counts(): { readonly batches: number; readonly batched: number; readonly cachedImages: number } {
    const { batches, batched } = this.#batcher;
    return { batches, batched, cachedImages: this.#cache.size };
  }

  /** @throws Unwanted, Missing, ProtocolError, and what the back end throws */
  async run(request: Taken): Promise<Ran> {
    const { message } = request;
    if (message.kind === "text") {
      const { tensors } = metaOf("text", message);
      return this.#infer(request, "text", readTensors(tensors, message.blobs));
    }
    if (message.kind === "encode") {
      const { picture: image, ...named } = metaOf("encode", message);
      return this.#features(request, named, readPayload(image, message.blobs));
    }
    const { frame, tensors } = metaOf("decode", message);
    const feeds: Record<string, Tensor> = readTensors(tensors, message.blobs);
    if (frame === undefined) return this.#infer(request, "decoder", feeds);
    const payload = frame.picture && readPayload(frame.picture, message.blobs);
    const encoded = await this.#features(request, frame, payload);
    for (const name of frame.names) {
      const tensor = encoded.outputs[name];
      if (tensor !== undefined) feeds[name] = tensor;
    }
    const decoded = await this.#infer(request, "decoder", feeds);
    if (encoded.ranMs === 0) return decoded;
    const waitedMs = encoded.waitedMs + decoded.waitedMs;
    const steps = { wait: waitedMs, encoder: encoded.ranMs, decoder: decoded.ranMs };
    return { ...decoded, waitedMs, ranMs: encoded.ranMs + decoded.ranMs, steps };
  }

  close(): Promise<void> {
    return this.#images.close();
  }

  /** Features of an image from the cache, else made from `payload`, once for all concurrent requests. */
  async #features(request: Taken, named: Named, payload: Payload | undefined): Promise<Ran> {
    // What one client calls its image is nothing to the others.
    const key = named.own ? `${request.message.session} ${named.key}` : named.key;
    const known = this.#cache.get(key);
    if (known !== undefined) {
      const ran = await known.catch(() => undefined);
      if (ran !== undefined) return { ...ran, waitedMs: 0, ranMs: 0 };
    }
    if (payload === undefined) throw new Missing(named.key);
    const made = this.#encode(request, payload);
    // The key is checked while another thread decodes the image.
    if (!named.own && payloadKey(payload) !== key) {
      request.cancelled = true;
      made.catch(() => undefined);
      throw new ProtocolError("key", "the image is not what its key says");
    }
    return this.#cache.set(key, made);
  }

  async #encode(request: Taken, payload: Payload): Promise<Ran> {
    const { files, input } = this.#model;
    const { width, height } =
      payload.kind === "rgb" && payload.width !== undefined && payload.height !== undefined
        ? { width: payload.width, height: payload.height }
        : input;
    if (payload.kind === "tensors") return this.#infer(request, "encoder", payload.tensors);
    if (payload.kind === "rgb" && payload.data.byteLength !== width * height * 3)
      throw new ProtocolError(
        "picture",
        `${payload.data.byteLength} bytes are not ${width}×${height} pixels`,
      );
    const image =
      payload.kind === "jpeg"
        ? ({ kind: "jpeg", data: payload.data } as const)
        : ({ kind: "rgb", width, height, data: payload.data } as const);
    const tensors = await this.#inputs(image).catch((error) => {
      throw new ProtocolError("picture", describe(error));
    });
    if (files.encoder === undefined) return { outputs: tensors, waitedMs: 0, ranMs: 0, batch: 1 };
    return this.#infer(request, "encoder", tensors);
  }

  /** The encoder's inputs; for an encoder that resizes, a JPEG is only decoded. */
  async #inputs(image: ImageData): Promise<Tensors> {
    if (!this.#takesPixels) return this.#images.tensors(image);
    const pixels = image.kind === "jpeg" ? await this.#images.pixels(image) : pixelFeeds(image);
    const [, height = 0, width = 0] = pixels[pixelsName]?.dims ?? [];
    checkImageSide({ width, height });
    return pixels;
  }

  #infer(request: Taken, part: ModelPart, feeds: Tensors): Promise<Ran> {
    const { expires } = request;
    return this.#batcher.run({ part, feeds, expires, wanted: () => !request.cancelled });
  }
}
