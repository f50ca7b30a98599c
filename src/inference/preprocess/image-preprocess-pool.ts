import { Worker } from "node:worker_threads";
import { compiledModule } from "../../workers/index.js";
import type { ImageFormat, Tensor } from "../port.js";
import type { ImageData, ImageReply, ImageRequest } from "./image-worker.js";

interface Waiting {
  readonly resolve: (reply: ImageReply & { error?: undefined }) => void;
  readonly reject: (error: Error) => void;
}

/** Decoding and resizing images (some 10 ms for 1280×720) on threads of their own, off the event loop. Started when first used. */
export class ImagePreprocessPool {
  readonly #format: ImageFormat;
  readonly #size: number;
  readonly #threads: { readonly worker: Worker; readonly waiting: Map<number, Waiting> }[] = [];
  #nextId = 0;
  #closed = false;

  constructor(format: ImageFormat, size = 1) {
    this.#format = format;
    this.#size = size;
  }

  /** What the model's encoder takes: float32 [1, 3, height, width]. @throws Error with the reason in one line */
  async tensor(image: ImageData): Promise<Tensor> {
    const { tensor } = await this.#run(image, "tensor");
    return tensor as Tensor;
  }

  /** RGB bytes of the model's size. @throws Error with the reason in one line */
  async rgb(image: ImageData): Promise<Uint8Array> {
    const { rgb } = await this.#run(image, "rgb");
    return rgb as Uint8Array;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #run(image: ImageData, want: ImageRequest["want"]): Promise<ImageReply & { error?: undefined }> {
    if (this.#closed) return Promise.reject(new Error("the back end was closed"));
    const thread = this.#leastBusy();
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      thread.waiting.set(id, { resolve, reject });
      thread.worker.ref();
      thread.worker.postMessage({ id, image, want } satisfies ImageRequest);
    });
  }

  #leastBusy() {
    const idle = this.#threads.find(({ waiting }) => waiting.size === 0);
    if (idle !== undefined) return idle;
    if (this.#threads.length < this.#size) return this.#start();
    return this.#threads.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
  }

  #start() {
    const worker = new Worker(compiledModule(import.meta.url, "./image-worker.js"), {
      workerData: this.#format,
    });
    const waiting = new Map<number, Waiting>();
    const thread = { worker, waiting };
    const fail = (error: Error) => {
      const at = this.#threads.indexOf(thread);
      if (at >= 0) this.#threads.splice(at, 1);
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    worker.on("message", (reply: ImageReply) => {
      const job = waiting.get(reply.id);
      waiting.delete(reply.id);
      if (waiting.size === 0) worker.unref();
      if (reply.error !== undefined) job?.reject(new Error(reply.error));
      else job?.resolve(reply);
    });
    worker.on("error", fail);
    worker.on("exit", () => fail(new Error("the image thread ended")));
    worker.unref();
    this.#threads.push(thread);
    return thread;
  }
}
