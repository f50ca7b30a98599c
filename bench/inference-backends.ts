import { join } from "node:path";
import type { ColourImage } from "../src/geometry/index.js";
import { modelFiles, readManifest, TextTokenizer } from "../src/grounding/index.js";
import {
  decodeJpeg,
  type InferenceBackend,
  InProcessBackend,
  type ModelFiles,
  type Tensors,
} from "../src/inference/index.js";
import { ZmqBackend } from "../src/inference/zmq/index.js";
import { sampleQueries as queries } from "./random-model.js";
import { WorkerProcess } from "./worker-process.js";

/** A back end that runs a model, from a JPEG and queries to logits; queries are encoded beforehand, as in use. */
export class Path {
  readonly name: string;
  readonly backend: InferenceBackend;
  readonly #files: ModelFiles;
  readonly #texts: readonly Tensors[];

  private constructor(name: string, backend: InferenceBackend, files: ModelFiles, texts: readonly Tensors[]) {
    this.name = name;
    this.backend = backend;
    this.#files = files;
    this.#texts = texts;
  }

  static async of(name: string, backend: InferenceBackend, folder: string): Promise<Path> {
    const manifest = await readManifest(folder);
    const tokenizer = await TextTokenizer.load(folder, manifest.text);
    const texts: Tensors[] = [];
    for (const n of [1, 2, 8]) {
      const tokens = tokenizer.batch(queries.slice(0, n));
      texts.push({ ...tokens, ...(await backend.encodeText(tokens)) });
    }
    return new Path(name, backend, modelFiles(folder, manifest), texts);
  }

  async run(jpeg: Uint8Array, queries: 1 | 2 | 8 = 1): Promise<Tensors> {
    // A worker decodes a JPEG itself, unless the pixels at the model's size are fewer bytes; the others need pixels.
    const { width, height } = this.#files.input;
    const asJpeg = this.backend instanceof ZmqBackend && jpeg.byteLength < 3 * width * height;
    const image: ColourImage = asJpeg ? { width: 0, height: 0, data: jpeg, jpeg } : await decodeJpeg(jpeg);
    const features = await this.backend.encodeImage(image);
    const texts = this.#texts[[1, 2, 8].indexOf(queries)] as Tensors;
    const feeds = this.#files.decoderInputs.map((name) => [name, features[name] ?? texts[name]] as const);
    return this.backend.decode(Object.fromEntries(feeds) as Tensors);
  }
}

/** What a series needs started, and ends. */
export class Bench {
  readonly folder: string;
  readonly #closers: (() => Promise<unknown>)[] = [];
  #workers = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  keep<T extends { close(): Promise<unknown> }>(each: T): T {
    this.#closers.push(() => each.close());
    return each;
  }

  async worker(model: string): Promise<string> {
    const endpoint = `ipc://${join(this.folder, `worker-${this.#workers++}`)}`;
    const started = await WorkerProcess.start(endpoint, ["--model", model]);
    this.#closers.push(() => started.stop());
    await started.ready;
    return endpoint;
  }

  async inProcess(model: string, threads: number): Promise<Path> {
    const files = modelFiles(model, await readManifest(model));
    return Path.of("in_process", this.keep(await InProcessBackend.create(files, { threads })), model);
  }

  async zmq(model: string, endpoints: readonly string[]): Promise<Path> {
    const files = modelFiles(model, await readManifest(model));
    const backend = this.keep(await ZmqBackend.create(files, { endpoints: [...endpoints] }));
    while (backend.report().workers !== `${endpoints.length} of ${endpoints.length} ready`)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return Path.of("zmq", backend, model);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close().catch(() => undefined);
  }
}
