import { compiledModule, WorkerPool } from "../../workers/index.js";
import type { ImageInput, Tensors } from "../port.js";
import { type OnStep, reportSteps, type Timed } from "../steps.js";
import type { ImageData, ImageRequest } from "./image-worker.js";

/**
 * Threads that decode and resize images (some 10 ms for 1280×720), off the event loop. They start when first used.
 */
export class ImagePreprocessPool {
  readonly #pool: WorkerPool<ImageRequest, Timed<Uint8Array | Tensors>>;

  /** @param size threads at most, 1 or more */
  constructor(format: ImageInput, size = 1) {
    this.#pool = new WorkerPool(compiledModule(import.meta.url, "./image-worker.js"), {
      name: "image thread",
      workerData: format,
      maxThreads: size,
    });
  }

  /** Inputs of the model's encoder by name: pixels float32 [1, 3, h, w]. @throws Error with the reason in one line */
  async tensors(image: ImageData, onStep?: OnStep): Promise<Tensors> {
    return (await this.#made({ image, output: "tensors" }, onStep)) as Tensors;
  }

  /** An image as it is, for an encoder that resizes: uint8 [1, h, w, 3]. @throws Error with the reason in one line */
  async pixels(image: ImageData, onStep?: OnStep): Promise<Tensors> {
    return (await this.#made({ image, output: "pixels" }, onStep)) as Tensors;
  }

  /** RGB bytes of the model's size, height × width × 3. @throws Error with the reason in one line */
  async rgb(image: ImageData, onStep?: OnStep): Promise<Uint8Array> {
    return (await this.#made({ image, output: "rgb" }, onStep)) as Uint8Array;
  }

  #made(request: ImageRequest, onStep?: OnStep): Promise<Uint8Array | Tensors> {
    const start = performance.now();
    return reportSteps(this.#pool.request(request), onStep, start);
  }

  async close(): Promise<void> {
    await this.#pool.close("the back end was closed");
  }
}
