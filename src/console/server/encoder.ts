import sharp from "sharp";
import type { ColourImage } from "../../geometry/index.js";

/** Sizes and JPEG qualities a client can get, best first; `width` in pixels. */
export const levels = [
  { width: 1920, quality: 82 },
  { width: 1280, quality: 80 },
  { width: 960, quality: 74 },
  { width: 640, quality: 70 },
  { width: 480, quality: 60 },
  { width: 320, quality: 50 },
] as const;

/** The level to begin with for an image shown `width` pixels wide. */
export function levelFor(width: number): number {
  for (let level = levels.length - 1; level > 0; level--)
    if ((levels[level]?.width ?? 0) >= width) return level;
  return 0;
}

/** One image as JPEGs of the sizes clients ask for; each is made once, however many clients share it. */
export class EncodedFrame {
  readonly image: ColourImage;
  readonly #made = new Map<number, Promise<Buffer>>();

  constructor(image: ColourImage) {
    this.image = image;
  }

  /** @param level index into `levels` */
  jpeg(level: number): Promise<Buffer> {
    // Levels above the image's own size only differ in quality; take the smallest such.
    const index = Math.max(0, Math.min(level, levels.length - 1));
    let made = this.#made.get(index);
    if (made === undefined) {
      made = encode(this.image, index);
      this.#made.set(index, made);
    }
    return made;
  }
}

function encode({ width, height, data }: ColourImage, level: number): Promise<Buffer> {
  const { width: maxWidth, quality } = levels[level] as (typeof levels)[number];
  const raw = sharp(data, { raw: { width, height, channels: 3 } });
  const sized = width > maxWidth ? raw.resize({ width: maxWidth, kernel: "linear" }) : raw;
  return sized.jpeg({ quality, chromaSubsampling: "4:2:0" }).toBuffer();
}
