import sharp from "sharp";
import { type Box, type ColourImage, clipBox } from "../geometry/index.js";
import type { Heatmap } from "../grounding/index.js";

/** The heat map as a picture to lay over the camera's: PNG of the heat map's size, clear where the object is not. */
export function heatPicture({ width, height, data }: Heatmap): Promise<Buffer> {
  const pixels = new Uint8Array(width * height * 4);
  for (let i = 0; i < data.length; i++) {
    const p = Math.min(1, Math.max(0, data[i] as number));
    // From blue over red to yellow, more opaque with the probability.
    pixels[i * 4] = Math.min(255, 510 * p);
    pixels[i * 4 + 1] = Math.max(0, 510 * p - 255);
    pixels[i * 4 + 2] = Math.max(0, 255 - 510 * p);
    pixels[i * 4 + 3] = 190 * Math.sqrt(p);
  }
  return sharp(pixels, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer();
}

/** What a box shows, with a little of what is around it, as a JPEG of at most `size` pixels a side. */
export function cropPicture({ width, height, data }: ColourImage, box: Box, size: number): Promise<Buffer> {
  const margin = 0.1 * Math.max(box[2] - box[0], box[3] - box[1]);
  const [x1, y1, x2, y2] = clipBox(
    [box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin],
    width,
    height,
  );
  const left = Math.min(width - 1, Math.floor(x1));
  const top = Math.min(height - 1, Math.floor(y1));
  const area = {
    left,
    top,
    width: Math.max(1, Math.min(width - left, Math.ceil(x2) - left)),
    height: Math.max(1, Math.min(height - top, Math.ceil(y2) - top)),
  };
  return sharp(data, { raw: { width, height, channels: 3 } })
    .extract(area)
    .resize({ width: size, height: size, fit: "inside" })
    .jpeg({ quality: 82 })
    .toBuffer();
}
