import sharp from "sharp";
import { palette, renderLabel } from "../visualization/index.js";
import type { Answered } from "./types.js";

/** A small image of a frame with its results. */
export interface Thumbnail {
  readonly jpeg: Buffer;
  readonly width: number;
  readonly height: number;
  /** Position among the frames offered. */
  readonly index: number;
  readonly time: number;
  readonly topic: string;
  readonly source: string;
  /** Queries and their scores. */
  readonly answers: readonly { readonly query: string; readonly score: number | undefined }[];
  /** Reason for a frame that is not one of the evenly spaced. */
  readonly note?: string;
}

const maxEvenTiles = 40;
const maxMoments = 24;
const longestSide = 480;

/**
 * A bounded choice of frames however long the recording is: evenly spaced ones (every second of them is dropped when
 * there are too many), and the first moments at which something was found or lost.
 */
export class Thumbnails {
  #even: Thumbnail[] = [];
  readonly #moments: Thumbnail[] = [];
  readonly #found = new Map<string, boolean>();
  #stride = 1;
  #count = 0;

  async offer(answered: Answered, image: () => Promise<Buffer>): Promise<void> {
    const index = this.#count++;
    const note = this.#change(answered);
    const even = index % this.#stride === 0;
    const moment = note !== undefined && this.#moments.length < maxMoments;
    if (!even && !moment) return;
    const made = await thumbnail(answered, index, await image());
    if (moment) this.#moments.push({ ...made, note });
    if (!even) return;
    this.#even.push(made);
    if (this.#even.length <= maxEvenTiles) return;
    this.#stride *= 2;
    this.#even = this.#even.filter((one) => one.index % this.#stride === 0);
  }

  /** In the order of the frames, each frame once. */
  all(): readonly Thumbnail[] {
    const byIndex = new Map(this.#even.map((one) => [one.index, one]));
    for (const one of this.#moments) byIndex.set(one.index, one);
    return [...byIndex.values()].sort((a, b) => a.index - b.index);
  }

  #change({ results, topic }: Answered): string | undefined {
    const notes: string[] = [];
    for (const { grounding } of results) {
      const key = `${topic}\n${grounding.query}`;
      const before = this.#found.get(key);
      this.#found.set(key, grounding.found);
      if (before !== undefined && before !== grounding.found)
        notes.push(`“${grounding.query}” ${grounding.found ? "found" : "lost"}`);
    }
    return notes.length === 0 ? undefined : notes.join(", ");
  }
}

async function thumbnail(answered: Answered, index: number, image: Buffer): Promise<Thumbnail> {
  const { data, info } = await sharp(image)
    .resize({ width: longestSide, height: longestSide, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: 78 })
    .toBuffer({ resolveWithObject: true });
  const answers = answered.results.map(({ grounding: { query, detections } }) => ({
    query,
    score: detections[0]?.score,
  }));
  const { time, topic, source } = answered;
  return { jpeg: data, width: info.width, height: info.height, index, time, topic, source, answers };
}

const tile = { width: 320, gap: 8, caption: 26 };

/** Small images side by side, each with its time, as a PNG or JPEG by the file's name. */
export async function contactSheet(images: readonly Thumbnail[], path: string): Promise<Buffer> {
  const columns = Math.min(images.length, Math.max(1, Math.ceil(Math.sqrt(images.length * 1.2))));
  const scaled = await Promise.all(
    images.map(({ jpeg }) => sharp(jpeg).resize({ width: tile.width }).toBuffer({ resolveWithObject: true })),
  );
  const height = Math.max(...scaled.map(({ info }) => info.height)) + tile.caption;
  const layers = await Promise.all(
    images.flatMap((one, i) => {
      const left = tile.gap + (i % columns) * (tile.width + tile.gap);
      const top = tile.gap + Math.floor(i / columns) * (height + tile.gap);
      const text = `${one.time.toFixed(2)} s  ${one.note ?? one.topic}`;
      const label = renderLabel(text, palette[one.note === undefined ? 0 : 1]!, 14, tile.width);
      return [
        Promise.resolve({ input: scaled[i]!.data, left, top: top + tile.caption }),
        label.then(({ png }) => ({ input: png, left, top: top + 3 })),
      ];
    }),
  );
  const rows = Math.ceil(images.length / columns);
  const sheet = sharp({
    create: {
      width: tile.gap + columns * (tile.width + tile.gap),
      height: tile.gap + rows * (height + tile.gap),
      channels: 3,
      background: "#16191d",
    },
  }).composite(layers);
  return (/\.jpe?g$/i.test(path) ? sheet.jpeg({ quality: 86 }) : sheet.png()).toBuffer();
}
