import { colourAt, cssColour, paintMaskEdge } from "../../visualization/style.js";
import type { Answer } from "../protocol.js";

export const colourOf = ({ colour }: Pick<Answer, "colour">): string => cssColour(colourAt(colour));

/** Draws the outline of every mask of the answers, each in its answer's colour. */
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
  for (const answer of answers) {
    for (const { mask } of answer.result.detections) {
      if (mask === undefined || mask.size[0] !== height || mask.size[1] !== width) continue;
      paintMaskEdge(
        image.data,
        { width, height, data: decode(mask.counts, width, height) },
        colourAt(answer.colour),
      );
    }
  }
  context.putImageData(image, 0, 0);
}

/** A run-length mask as one byte a pixel, row by row; the runs go down the columns. */
function decode(counts: readonly number[], width: number, height: number): Uint8Array {
  const bits = new Uint8Array(width * height);
  let position = 0;
  let inside = false;
  for (const run of counts) {
    if (inside)
      for (let i = position; i < position + run; i++) bits[(i % height) * width + Math.floor(i / height)] = 1;
    position += run;
    inside = !inside;
  }
  return bits;
}

let measuring: CanvasRenderingContext2D | null | undefined;

/** Width of a label's text in pixels, cut to `most` pixels. @param font as CSS has it */
export function fitted(
  text: string,
  font: string,
  most: number,
): { readonly text: string; readonly width: number } {
  measuring ??= document.createElement("canvas").getContext("2d");
  if (measuring === null || measuring === undefined) return { text, width: text.length * 8 };
  measuring.font = font;
  let shown = text;
  while (shown.length > 3 && measuring.measureText(shown).width > most)
    shown = `${shown.slice(0, -2).trimEnd()}…`;
  return { text: shown, width: measuring.measureText(shown).width };
}
