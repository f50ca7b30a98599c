import { createRequire } from "node:module";
import sharp, { type OverlayOptions as Layer } from "sharp";
import {
  type Box,
  type CameraModel,
  type ColourImage,
  type Mask,
  project,
  transformPoint,
} from "../geometry/index.js";
import type { Grasp } from "../grasping/index.js";
import type { PipelineResult } from "../pipeline/index.js";

/** Blue, orange, green, magenta, cyan, yellow: apart for the colour-blind too (Okabe and Ito's palette). */
export const palette: readonly (readonly [number, number, number])[] = [
  [0, 158, 115],
  [230, 159, 0],
  [86, 180, 233],
  [204, 121, 167],
  [240, 228, 66],
  [213, 94, 0],
];

const fontFile = createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf");

export interface OverlayOptions {
  /** Draws the best grasp of each result when given. */
  readonly camera?: CameraModel;
  readonly format?: "png" | "jpeg";
}

/** The image with every result's masks, boxes, scores and best grasp drawn in, as an encoded image. */
export async function drawOverlay(
  image: ColourImage,
  results: readonly PipelineResult[],
  options: OverlayOptions = {},
): Promise<Buffer> {
  const { width, height } = image;
  const pixels = Uint8Array.from(image.data);
  results.forEach((result, r) => {
    for (const { mask } of result.grounding.detections) tint(pixels, mask, colourOf(r));
  });
  const layers: Layer[] = [{ input: Buffer.from(shapes(image, results, options.camera)), left: 0, top: 0 }];
  for (const label of await labels(image, results)) layers.push(label);
  const picture = sharp(pixels, { raw: { width, height, channels: 3 } }).composite(layers);
  return (options.format === "jpeg" ? picture.jpeg({ quality: 88 }) : picture.png()).toBuffer();
}

const colourOf = (index: number) => palette[index % palette.length] as readonly [number, number, number];
const css = (c: readonly [number, number, number]): string => `rgb(${c.join(",")})`;

/** Of a mask: enough to see where it ends, and faint enough that the object keeps its own colour. */
const opacity = 0.3;

function tint(pixels: Uint8Array, mask: Mask, colour: readonly [number, number, number]): void {
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] === 0) continue;
    for (let c = 0; c < 3; c++)
      pixels[i * 3 + c] = (1 - opacity) * (pixels[i * 3 + c] as number) + opacity * (colour[c] as number);
  }
}

function shapes(
  { width, height }: ColourImage,
  results: readonly PipelineResult[],
  camera: CameraModel | undefined,
): string {
  const stroke = Math.max(2, Math.round(width / 320));
  const parts = results.flatMap((result, r) => {
    const colour = css(colourOf(r));
    const boxes = result.grounding.detections.map(
      ({ box: [x1, y1, x2, y2] }) =>
        `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none" stroke="${colour}" stroke-width="${stroke}"/>`,
    );
    const grasp = result.grasps[0];
    return camera && grasp ? [...boxes, gripper(grasp, camera, stroke)] : boxes;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${parts.join("")}</svg>`;
}

/** The open gripper as seen by the camera: two fingers, the bar between them and the approach axis. */
function gripper(grasp: Grasp, camera: CameraModel, stroke: number): string {
  const half = grasp.width / 2;
  const finger = 0.045;
  const at = (x: number, z: number) => project(camera, transformPoint(grasp.pose, [x, 0, z]));
  const line = (a: ReturnType<typeof at>, b: ReturnType<typeof at>) =>
    a && b ? `M${a[0].toFixed(1)} ${a[1].toFixed(1)}L${b[0].toFixed(1)} ${b[1].toFixed(1)}` : "";
  const path = [
    line(at(-half, 0), at(-half, -finger)),
    line(at(half, 0), at(half, -finger)),
    line(at(-half, -finger), at(half, -finger)),
    line(at(0, -finger), at(0, -2 * finger)),
  ].join("");
  return (
    `<path d="${path}" fill="none" stroke="black" stroke-width="${stroke * 2.2}" stroke-linecap="round"/>` +
    `<path d="${path}" fill="none" stroke="white" stroke-width="${stroke * 1.2}" stroke-linecap="round"/>`
  );
}

async function labels({ width, height }: ColourImage, results: readonly PipelineResult[]): Promise<Layer[]> {
  const size = Math.max(10, Math.round(width / 46));
  const layers: Layer[] = [];
  const taken: Box[] = [];
  for (const [r, result] of results.entries()) {
    const { grounding } = result;
    const best = grounding.detections[0];
    const text = best ? `${grounding.query} ${best.score.toFixed(2)}` : `${grounding.query}: not found`;
    const label = await renderLabel(text, colourOf(r), size, width);
    const [x1, y1] = best?.box ?? [0, height];
    const left = Math.round(Math.min(Math.max(0, x1), Math.max(0, width - label.width)));
    let top = Math.round(Math.min(Math.max(0, y1 - label.height), Math.max(0, height - label.height)));
    while (taken.some((box) => overlaps(box, left, top, label)) && top + 2 * label.height <= height)
      top += label.height;
    while (taken.some((box) => overlaps(box, left, top, label)) && top >= label.height) top -= label.height;
    taken.push([left, top, left + label.width, top + label.height]);
    if (label.width <= width && label.height <= height) layers.push({ input: label.png, left, top });
  }
  return layers;
}

const overlaps = (box: Box, left: number, top: number, label: { width: number; height: number }): boolean =>
  left < box[2] && left + label.width > box[0] && top < box[3] && top + label.height > box[1];

/** A filled tag with text. The font comes with the package: many robots have none installed. */
export async function renderLabel(
  text: string,
  colour: readonly [number, number, number],
  size: number,
  maxWidth: number,
) {
  const limit = Math.max(4, Math.floor(maxWidth / (size * 0.62)) - 1);
  const shown = text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  const escaped = shown.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const ink = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] > 130 ? "#101010" : "#ffffff";
  const { data, info } = await sharp({
    text: {
      text: `<span foreground="${ink}">${escaped}</span>`,
      font: `DejaVu Sans Bold ${size}px`,
      fontfile: fontFile,
      rgba: true,
      dpi: 72,
    },
  })
    .png()
    .toBuffer({ resolveWithObject: true });
  const pad = Math.round(size / 4);
  const width = info.width + 2 * pad;
  const height = Math.round(size * 1.5);
  const top = Math.max(0, Math.round((height - info.height) / 2));
  const [r, g, b] = colour;
  const png = await sharp({
    create: { width, height: Math.max(height, info.height), channels: 3, background: { r, g, b } },
  })
    .composite([{ input: data, left: pad, top }])
    .png()
    .toBuffer();
  return { png, width, height: Math.max(height, info.height) };
}
