import sharp from "sharp";
import { type Box, type ColourImage, clipBox, organisedCloud, type RgbdFrame } from "../../geometry/index.js";
import type { Heatmap } from "../../grounding/index.js";

/** The heat map as an image to lay over the camera's: PNG of the heat map's size, clear where the object is not. */
export function heatImage({ width, height, data }: Heatmap): Promise<Buffer> {
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

/** The content of a box with a small margin, as a JPEG of at most `size` pixels a side. */
export function cropImage({ width, height, data }: ColourImage, box: Box, size: number): Promise<Buffer> {
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

/**
 * A frame's points for the 3D view: uint32 count, then float32 x, y, z of each in metres in the camera's optical
 * frame, then
 * R, G, B bytes of each. Empty without depth.
 */
export function cloudOf({ colour, depth, camera }: RgbdFrame, step = 2): Buffer {
  if (depth === undefined || camera === undefined) return Buffer.alloc(4);
  const window = { x1: 0, y1: 0, x2: depth.width, y2: depth.height };
  const { points, width } = organisedCloud(depth, camera, window, step);
  const total = points.length / 3;
  const xyz = new Float32Array(points.length);
  const rgb = new Uint8Array(points.length);
  let count = 0;
  for (let i = 0; i < total; i++) {
    const z = points[i * 3 + 2] as number;
    if (!(z > 0 && z < 4)) continue;
    const pixel = (Math.trunc(i / width) * step * colour.width + (i % width) * step) * 3;
    for (let c = 0; c < 3; c++) {
      xyz[count * 3 + c] = points[i * 3 + c] as number;
      rgb[count * 3 + c] = colour.data[pixel + c] as number;
    }
    count++;
  }
  const head = Buffer.alloc(4);
  head.writeUInt32LE(count);
  return Buffer.concat([head, Buffer.from(xyz.buffer, 0, count * 12), rgb.subarray(0, count * 3)]);
}

/** An image as a JPEG at most `most` pixels wide. */
export function smallImage({ width, height, data }: ColourImage, most: number): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ width: most, withoutEnlargement: true })
    .jpeg({ quality: 80 })
    .toBuffer();
}
