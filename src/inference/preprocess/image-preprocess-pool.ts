import { compiledModule, WorkerPool } from "../../workers/index.js";
import type { ImageFormat, Tensor } from "../port.js";
import type { ImageData, ImageRequest } from "./image-worker.js";

/**
 * Threads that decode and resize images (some 10 ms for 1280×720), off the event loop. They start when first used.
 */
export class ImagePreprocessPool {
  readonly #pool: WorkerPool<ImageRequest, Uint8Array | Tensor>;

  /** @param size threads at most, 1 or more */
  constructor(format: ImageFormat, size = 1) {
    this.#pool = new WorkerPool(compiledModule(import.meta.url, "./image-worker.js"), {
      name: "image thread",
      workerData: format,
      maxThreads: size,
    });
  }

  /** Input of the model's encoder: float32 [1, 3, height, width]. @throws Error with the reason in one line */
  async tensor(image: ImageData): Promise<Tensor> {
    return (await this.#pool.request({ image, output: "tensor" })) as Tensor;
  }

  /** RGB bytes of the model's size, height × width × 3. @throws Error with the reason in one line */
  async rgb(image: ImageData): Promise<Uint8Array> {
    return (await this.#pool.request({ image, output: "rgb" })) as Uint8Array;
  }

  async close(): Promise<void> {
    await this.#pool.close("the back end was closed");
  }
}
