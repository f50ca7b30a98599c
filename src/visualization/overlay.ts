import sharp, { type OverlayOptions as Layer, type Sharp } from "sharp";
import type { CameraModel, ColourImage } from "../geometry/index.js";
import type { PipelineResult } from "../pipeline/index.js";
import { projectGripper } from "./gripper.js";
import { hex, renderLabel } from "./label.js";
import { colourAt, haloOpacity, metricsFor, paintMaskEdge, placeLabels } from "./style.js";

export interface OverlayOptions {
  /** Draws the best grasp of each result when given. */
  readonly camera?: CameraModel;
  readonly format?: "png" | "jpeg";
}

/** The image with every result's mask outlines, boxes, scores and best grasp drawn in, as an encoded image. */
export async function drawOverlay(
  image: ColourImage,
  results: readonly PipelineResult[],
  options: OverlayOptions = {},
): Promise<Buffer> {
  const drawn = await compose(image, results, options.camera);
  return (options.format === "jpeg" ? drawn.jpeg({ quality: 88 }) : drawn.png()).toBuffer();
}

/** The same as R, G, B of each pixel, row by row. */
export async function overlayPixels(
  image: ColourImage,
  results: readonly PipelineResult[],
  camera?: CameraModel,
): Promise<Buffer> {
  return (await compose(image, results, camera)).removeAlpha().raw().toBuffer();
}

async function compose(
  image: ColourImage,
  results: readonly PipelineResult[],
  camera: CameraModel | undefined,
): Promise<Sharp> {
  const { width, height, data } = image;
  const edges = new Uint8Array(width * height * 4);
  results.forEach((result, r) => {
    for (const { mask } of result.grounding.detections) paintMaskEdge(edges, mask, colourAt(r));
  });
  const layers: Layer[] = [
    { input: Buffer.from(edges.buffer), raw: { width, height, channels: 4 }, left: 0, top: 0 },
    { input: Buffer.from(shapes(image, results, camera)), left: 0, top: 0 },
    ...(await labels(image, results)),
  ];
  return sharp(data, { raw: { width, height, channels: 3 } }).composite(layers);
}

function shapes(
  { width, height }: ColourImage,
  results: readonly PipelineResult[],
  camera: CameraModel | undefined,
): string {
  const { line, thinLine, halo, gripper, gripperHalo } = metricsFor(width);
  const parts = results.flatMap((result, r) => {
    const colour = hex(colourAt(r));
    const boxes = result.grounding.detections.flatMap(({ box: [x1, y1, x2, y2] }, i) => {
      const rect = `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none" `;
      return [
        `${rect}stroke="#000" stroke-opacity="${haloOpacity}" stroke-width="${halo}"/>`,
        `${rect}stroke="${colour}" stroke-width="${i === 0 ? line : thinLine}"/>`,
      ];
    });
    const [grasp] = result.grasps;
    if (camera === undefined || grasp === undefined) return boxes;
    const path = projectGripper(grasp, camera)
      .map(([x1, y1, x2, y2]) => `M${x1} ${y1}L${x2} ${y2}`)
      .join("");
    const stroke = `<path d="${path}" fill="none" stroke-linecap="round" `;
    return [
      ...boxes,
      `${stroke}stroke="#000" stroke-width="${gripperHalo}"/>`,
      `${stroke}stroke="#fff" stroke-width="${gripper}"/>`,
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${parts.join("")}</svg>`;
}

async function labels(image: ColourImage, results: readonly PipelineResult[]): Promise<Layer[]> {
  const { font } = metricsFor(image.width);
  const rendered = await Promise.all(
    results.map(({ grounding: { query, detections } }, r) => {
      const [best] = detections;
      const text = best ? `${query} ${best.score.toFixed(2)}` : `${query}: not found`;
      return renderLabel(text, colourAt(r), font, Math.min(image.width - 2 * font, image.width * 0.62));
    }),
  );
  const boxes = results.map(({ grounding }) => grounding.detections[0]?.box);
  return placeLabels(boxes, rendered, image).flatMap((place, r) =>
    place === undefined ? [] : [{ input: rendered[r]!.png, left: place.x, top: place.y }],
  );
}
