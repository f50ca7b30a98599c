import type { Answer } from "../protocol.js";

/** Apart for the colour-blind too (Okabe and Ito's palette). */
const palette = ["#009e73", "#e69f00", "#56b4e9", "#cc79a7"] as const;

export const colourOf = (index: number): string => palette[index % palette.length] as string;

/** Fills the canvas with every mask of the answers, each in its answer's colour. */
export function paintMasks(
  canvas: HTMLCanvasElement,
  answers: readonly Answer[],
  width: number,
  height: number,
): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  answers.forEach((answer, index) => {
    // Faint enough that a red mug still looks red.
    const colour = rgba(colourOf(index), 0.3);
    for (const { mask } of answer.result.detections) {
      if (mask === undefined || mask.size[0] !== height || mask.size[1] !== width) continue;
      let position = 0;
      let inside = false;
      for (const run of mask.counts) {
        // Runs go down the columns.
        if (inside)
          for (let i = position; i < position + run; i++)
            pixels[(i % height) * width + Math.floor(i / height)] = colour;
        position += run;
        inside = !inside;
      }
    }
  });
  context.putImageData(image, 0, 0);
}

/** A CSS colour as a little-endian RGBA word. */
function rgba(hex: string, alpha: number): number {
  const value = Number.parseInt(hex.slice(1), 16);
  const [r, g, b] = [(value >> 16) & 255, (value >> 8) & 255, value & 255] as const;
  return ((Math.round(alpha * 255) << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
