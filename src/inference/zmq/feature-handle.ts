import { randomBytes } from "node:crypto";
import type { ColourImage } from "../../geometry/index.js";
import type { Tensor, Tensors } from "../port.js";
import type { Step } from "../steps.js";
import { type Payload, payloadKey } from "./protocol.js";
import type { WorkerConnection } from "./worker-connection.js";

/** Milliseconds of steps that this process itself took for a request. */
export type Spent = Partial<Record<Step, number>>;

/** Images of more bytes are named, where the worker takes names: their hash takes longer than their transport. */
const hashedBytes = 2 ** 20;

/** Features of one image, stored by the workers that made them. */
export class FeatureHandle {
  readonly #payload: Payload;
  /** A name that nobody else can guess, for the image of a caller who gives it again with each call. */
  readonly #name: string | undefined;
  #hash: string | undefined;
  /** Worker, and the session in which it stored them. */
  readonly #holders = new Map<WorkerConnection, string>();

  constructor(payload: Payload, mayName: boolean) {
    this.#payload = payload;
    if (mayName && payload.kind === "rgb" && payload.data.byteLength > hashedBytes)
      this.#name = randomBytes(32).toString("hex");
  }

  isAt(connection: WorkerConnection): boolean {
    return this.#holders.get(connection) === connection.session;
  }

  storedAt(connection: WorkerConnection): void {
    this.#holders.set(connection, connection.session);
  }

  /** What a worker calls the features. @param spent gets the time of a hash */
  named({ takesOwnKeys }: WorkerConnection, spent: Spent): { key: string; own?: true } {
    if (takesOwnKeys && this.#name !== undefined) return { key: this.#name, own: true };
    if (this.#hash === undefined) {
      const start = performance.now();
      this.#hash = payloadKey(this.#payload);
      spent.hash = performance.now() - start;
    }
    return { key: this.#hash };
  }

  /** What to send: the bytes of a named image as they are now, since its first ones may have been written over. */
  payload(image: ColourImage | undefined): Payload {
    if (this.#name === undefined || this.#payload.kind !== "rgb" || image === undefined) return this.#payload;
    return { ...this.#payload, data: image.data };
  }
}

/** Stands for features that are at a worker. */
export const emptyTensor = (dims: readonly number[], featureHandle: FeatureHandle): Tensor => ({
  ...{ type: "float32", dims, data: new Float32Array(0) },
  featureHandle,
});

/** Feeds to send, and the image whose features stay at the worker. */
export function partition(feeds: Tensors): {
  featureHandle: FeatureHandle | undefined;
  names: string[];
  inline: Tensors;
} {
  const entries = Object.entries(feeds);
  const names = entries.filter(([, { featureHandle }]) => featureHandle !== undefined).map(([name]) => name);
  const all = new Set(
    entries.flatMap(([, { featureHandle }]) =>
      featureHandle instanceof FeatureHandle ? [featureHandle] : [],
    ),
  );
  if (all.size > 1) throw new RangeError("features of several images cannot be decoded together");
  const inline = Object.fromEntries(entries.filter(([, { featureHandle }]) => featureHandle === undefined));
  return { featureHandle: [...all][0], names, inline };
}
