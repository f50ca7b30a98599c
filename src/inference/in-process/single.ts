import { describe, GraspGroundingError } from "../../errors/index.js";
import type { Tensors } from "../port.js";
import { type InferenceThread, type InProcessOptions, startThread } from "./backend.js";

/** One ONNX file on a worker thread of this process, for models that do not come in three parts. */
export class SingleModel {
  readonly #name: string;
  readonly #thread: InferenceThread;

  private constructor(name: string, thread: InferenceThread) {
    this.#name = name;
    this.#thread = thread;
  }

  /** @throws GraspGroundingError MODEL_MISMATCH, PROVIDER_UNAVAILABLE */
  static async create(name: string, file: string, options: InProcessOptions = {}): Promise<SingleModel> {
    const { thread } = await startThread({ name, files: { encoder: file } }, options);
    return new SingleModel(name, thread);
  }

  /** Runs the model on feeds by input name; gives its outputs by name. @throws GraspGroundingError INFERENCE_FAILED */
  async run(feeds: Tensors): Promise<Tensors> {
    try {
      return (await this.#thread.request({ part: "encoder", feeds })).value;
    } catch (error) {
      const details = { detail: describe(error), name: this.#name };
      throw new GraspGroundingError("INFERENCE_FAILED", details, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#thread.close();
  }
}
