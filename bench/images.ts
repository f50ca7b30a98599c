import sharp from "sharp";
import { seededRandom } from "../src/geometry/index.js";

/** A JPEG of smooth shapes and noise: a decoder's work depends on what is in the image. */
export async function jpegOf(width: number, height: number, seed: number, quality = 85): Promise<Uint8Array> {
  const pixels = new Uint8Array(width * height * 3);
  const random = seededRandom(seed);
  for (let i = 0; i < width * height; i++) {
    const noise = 16 * random();
    const [x, y] = [(i % width) / width, Math.floor(i / width) / height];
    const inside = (x - 0.2 - 0.03 * (seed % 16)) ** 2 + (y - 0.5) ** 2 < 0.03;
    pixels[i * 3] = (inside ? 200 : 90 + 60 * x) + noise;
    pixels[i * 3 + 1] = (inside ? 40 : 80 + 80 * y) + noise;
    pixels[i * 3 + 2] = (inside ? 40 : 100) + noise;
  }
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return new Uint8Array(await image.jpeg({ quality }).toBuffer());
}
