import type { ColourImage, RgbdFrame } from "../../geometry/index.js";
import {
  type BackendReport,
  checkImageSide,
  type InferenceBackend,
  type ModelFiles,
  type Tensors,
} from "../../inference/index.js";
import { cleanQuery } from "../query/clean.js";
import { stopwatch } from "../stopwatch.js";
import type { Detection, Grounder, Grounding, GroundOptions, Heatmap } from "../types.js";
import { instancesFromCandidates, minRelativeMass } from "./candidates.js";
import { closerCandidates, lookCloser } from "./closer-look.js";
import { presenceByErasing, presenceLimits } from "./erased-look.js";
import { instancesFromHeatmap, withScore } from "./instances.js";
import { type Manifest, modelFiles, readManifest, verifyFiles } from "./manifest.js";
import { type CacheSizes, ModelRuns } from "./model-runs.js";
import type { Decoded } from "./outputs.js";
import { answerScore } from "./score.js";
import type { Note } from "./together.js";
import { TextTokenizer } from "./tokenizer.js";

export interface HifiCsOptions extends CacheSizes {
  /** Overrides of the manifest's thresholds. */
  readonly threshold?: number;
  readonly foundThreshold?: number;
  /** The weights are on another machine, whose hashes the back end compares: only the tokenizer is read here. */
  readonly runsElsewhere?: boolean;
}

type BackendFactory = (model: ModelFiles) => Promise<InferenceBackend>;

/**
 * HiFi-CS (arXiv 2409.10419): features of a frozen encoder, modulated level by level with the query (FiLM), decoded
 * to a mask.
 */
export class HifiCs implements Grounder {
  readonly manifest: Manifest;
  readonly #backend: InferenceBackend;
  readonly #runs: ModelRuns;
  readonly #options: HifiCsOptions;

  private constructor(
    manifest: Manifest,
    backend: InferenceBackend,
    tokenizer: TextTokenizer,
    options: HifiCsOptions,
  ) {
    this.manifest = manifest;
    this.#backend = backend;
    this.#options = options;
    this.#runs = new ModelRuns(manifest, backend, tokenizer, options);
  }

  /**
   * Opens a model folder: checks the manifest and every file's hash, then loads it.
   * @throws GraspGroundingError MODEL_*, PROVIDER_UNAVAILABLE
   */
  static async open(
    folder: string,
    createBackend: BackendFactory,
    options: HifiCsOptions = {},
  ): Promise<HifiCs> {
    const manifest = await readManifest(folder);
    await verifyFiles(folder, manifest, options.runsElsewhere ? "tokenizer" : "all");
    const tokenizer = await TextTokenizer.load(folder, manifest.text);
    const backend = await createBackend(modelFiles(folder, manifest));
    return new HifiCs(manifest, backend, tokenizer, options);
  }

  get model(): string {
    return this.manifest.name;
  }

  /** Back end and execution provider. */
  get runsOn(): string {
    return this.#backend.description;
  }

  /** Counters and states of the back end, for diagnostics. */
  get backendReport(): BackendReport {
    return this.#backend.report?.() ?? {};
  }

  /** @param options.signal cancels the rest of the work, on every back end */
  async ground(
    frame: Pick<RgbdFrame, "colour">,
    queries: readonly string[],
    options: GroundOptions = {},
  ): Promise<readonly Grounding[]> {
    const cleaned = queries.map(cleanQuery);
    if (cleaned.length === 0) return [];
    checkImageSide(frame.colour);
    const share = 1 / cleaned.length;
    const steps: Record<string, number> = {};
    const onStep: Note = (step, ms) => {
      steps[step] = (steps[step] ?? 0) + ms * share;
    };
    const run = await this.#runs.run(frame.colour, cleaned, { ...options, onStep });
    const { texts, maps, encode, text, decode } = run;
    const clock = stopwatch();
    const groundings: Grounding[] = [];
    for (const [i, decoded] of maps.entries()) {
      const careful = options.effort === "careful" && decoded.candidates !== undefined;
      const heatmap = copyWhenRead(decoded.heatmap);
      onStep("heatmap", clock());
      const first = this.#instances(decoded, frame.colour, careful);
      const instances = clock();
      const look = (image: ColourImage) => this.#runs.look(image, texts[i] as Tensors, options);
      const { ordered, presence } = careful
        ? await this.#secondLook(frame.colour, decoded, first, look)
        : { ordered: first, presence: decoded.presence };
      const shown = presence >= this.#foundFrom ? this.#answer(ordered, presence, careful) : [];
      const closer = careful ? clock() : 0;
      const isDrawn = options.alternatives && options.alternativesOf?.has(queries[i] as string) !== false;
      const drawn = isDrawn ? this.#alternatives(decoded, frame.colour) : undefined;
      groundings.push({
        query: cleaned[i] as string,
        model: this.model,
        backend: this.runsOn,
        found: shown.length > 0,
        detections: shown,
        presence,
        heatmap,
        ...(drawn !== undefined && { alternatives: drawn }),
        timings: {
          encode: encode * share,
          text: text * share,
          decode: decode * share,
          instances,
          ...(careful && { closer }),
          ...(drawn !== undefined && { alternatives: clock() }),
        },
        steps,
      });
    }
    return groundings;
  }

  /** Probability from which an object counts as found. */
  get #foundFrom(): number {
    return this.#options.foundThreshold ?? this.manifest.found.threshold;
  }

  /** The candidates in the order of a closer look, and the presence once the best one is erased. */
  async #secondLook(
    image: ColourImage,
    { presence }: Decoded,
    candidates: readonly Detection[],
    look: (image: ColourImage) => Promise<Decoded>,
  ): Promise<{ readonly ordered: readonly Detection[]; readonly presence: number }> {
    const [first] = candidates;
    if (first === undefined) return { ordered: candidates, presence };
    if (this.manifest.decoder.presence === undefined)
      return { ordered: await lookCloser(image, candidates, look), presence };
    const [, most] = presenceLimits(presence, first.score);
    if (most < this.#foundFrom) return { ordered: candidates, presence: most };
    const ordered = await lookCloser(image, candidates, look);
    const best = ordered[0] ?? first;
    return { ordered, presence: await presenceByErasing(image, presence, best, this.#foundFrom, look) };
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  /** What one query's outputs mean on an image of this size, best first. */
  #instances(
    decoded: Decoded,
    image: { width: number; height: number },
    careful: boolean,
  ): readonly Detection[] {
    const { mask } = this.manifest;
    const threshold = this.#options.threshold ?? mask.threshold;
    if (decoded.candidates !== undefined)
      return instancesFromCandidates(decoded.candidates, image, {
        threshold,
        // A closer look may prefer what the first look held for unlikely.
        ...(careful && { relativeMass: 0, limit: closerCandidates }),
      });
    return instancesFromHeatmap(decoded.heatmap, image, {
      threshold,
      ...(mask.min_area !== undefined && { minArea: mask.min_area }),
      ...(mask.relative_score !== undefined && { relativeScore: mask.relative_score }),
    });
  }

  /** Every object of a decoder that draws whole instances, the unlikely included. */
  #alternatives({ candidates }: Decoded, image: { width: number; height: number }): readonly Detection[] {
    if (candidates === undefined) return [];
    const threshold = this.#options.threshold ?? this.manifest.mask.threshold;
    return instancesFromCandidates(candidates, image, { threshold, relativeMass: 0.02, limit: 8 });
  }

  /**
   * The detections as answered. The score combines both: the object is present, and it is at this place. After a
   * closer look, candidates with little mass next to the first are dropped, as in the first look.
   */
  #answer(detections: readonly Detection[], presence: number, careful: boolean): readonly Detection[] {
    if (this.manifest.decoder.presence === undefined) return detections;
    const least = careful ? (detections[0]?.score ?? 0) * minRelativeMass : 0;
    return detections
      .filter(({ score }) => score >= least)
      .map((detection) => withScore(detection, answerScore(detection.score, presence, this.manifest)));
  }
}

/**
 * A heat map whose data are copied when they are first read: a caller may write to its own, and masks that were not
 * read yet are drawn from the cached one. Most callers read the boxes alone.
 */
function copyWhenRead(cached: Heatmap): Heatmap {
  let data: Float32Array | undefined;
  return {
    ...cached,
    get data() {
      data ??= cached.data.slice();
      return data;
    },
  };
}
