import sharp from "sharp";
import type { Box, ColourImage } from "../geometry/index.js";
import type { Grounding } from "../grounding/index.js";
import { drawOverlay, palette, renderLabel } from "../visualization/index.js";
import type { EvalRow } from "./metrics.js";

/** A wrong answer as an image: the answer in colour, the truth in white. */
export interface WorstCase {
  readonly row: EvalRow;
  /** 0 for a perfect answer, 1 for a miss, above 1 for a find of an absent object. */
  readonly badness: number;
  readonly jpeg: Buffer;
}

/** Cases that are shown, and the width in pixels that each is drawn at. */
const maxCases = 30;
const tileWidth = 400;

export const badnessOf = ({ absent, found, iou, score }: EvalRow): number =>
  absent ? (found ? 1 + score : 0) : 1 - iou;

/** The worst cases, at most {@link maxCases}: only these are drawn and stay in memory. */
export class WorstCases {
  readonly #cases: WorstCase[] = [];

  async offer(row: EvalRow, colour: ColourImage, truth: readonly Box[], grounding: Grounding): Promise<void> {
    const badness = badnessOf(row);
    // False finds and misses each get half of the places.
    const kind = this.#cases.filter((one) => one.row.absent === row.absent);
    if (badness < 0.5 || (kind.length >= maxCases / 2 && badness <= kind.at(-1)!.badness)) return;
    const added = { row, badness, jpeg: await draw(colour, truth, grounding) };
    if (kind.length >= maxCases / 2) this.#cases.splice(this.#cases.indexOf(kind.at(-1)!), 1);
    this.#cases.push(added);
    this.#cases.sort((a, b) => b.badness - a.badness || (a.row.image < b.row.image ? -1 : 1));
  }

  /** Worst first. */
  all(): readonly WorstCase[] {
    return this.#cases;
  }

  /** All of them in one image, PNG or JPEG by the file's name. */
  async sheet(path: string): Promise<Buffer> {
    const columns = Math.max(1, Math.min(5, this.#cases.length));
    const tiles = await Promise.all(
      this.#cases.map(async ({ row, jpeg }) => {
        const { data, info } = await sharp(jpeg).toBuffer({ resolveWithObject: true });
        const { png } = await renderLabel(saying(row), palette[row.absent ? 5 : 1]!, 13, tileWidth);
        return { data, height: info.height, png };
      }),
    );
    const step = Math.max(40, ...tiles.map(({ height }) => height)) + 34;
    const layers = tiles.flatMap(({ data, png }, i) => {
      const left = 8 + (i % columns) * (tileWidth + 8);
      const top = 8 + Math.floor(i / columns) * step;
      return [
        { input: png, left, top },
        { input: data, left, top: top + 24 },
      ];
    });
    const rows = Math.max(1, Math.ceil(tiles.length / columns));
    const sheet = sharp({
      create: {
        width: 8 + columns * (tileWidth + 8),
        height: 8 + rows * step,
        channels: 3,
        background: "#16191d",
      },
    }).composite(layers);
    return (/\.jpe?g$/i.test(path) ? sheet.jpeg({ quality: 85 }) : sheet.png()).toBuffer();
  }
}

export const saying = (row: EvalRow): string =>
  row.absent
    ? `not there, found ${row.score.toFixed(2)}: ${row.query}`
    : `${row.found ? `IoU ${row.iou.toFixed(2)}` : "missed"}: ${row.query}`;

async function draw(colour: ColourImage, truth: readonly Box[], grounding: Grounding): Promise<Buffer> {
  const image = { width: colour.width, height: colour.height };
  const result = { image, stamp: 0n, frameId: "", grounding, grasps: [], timings: {} };
  const answered = await drawOverlay(colour, [result], { format: "jpeg" });
  const stroke = Math.max(2, colour.width / 200);
  const boxes = truth.map(
    ([x1, y1, x2, y2]) =>
      `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none" stroke="#000" stroke-width="${stroke * 2}"/>` +
      `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none" stroke="#fff" stroke-width="${stroke}" stroke-dasharray="${stroke * 3}"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${colour.width}" height="${colour.height}">${boxes.join("")}</svg>`;
  const drawn = await sharp(answered)
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }])
    .toBuffer();
  return await sharp(drawn).resize({ width: tileWidth }).jpeg({ quality: 80 }).toBuffer();
}
