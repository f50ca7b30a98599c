import { createRequire } from "node:module";
import sharp from "sharp";
import { type Colour, clamped, labelBackground, labelText } from "./style.js";

const fontFile = createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf");

/**
 * A dark tag with white text and a bar of the answer's colour, as PNG. The font comes with the package: many robots
 * have
 * none installed.
 * @param size of the font in pixels
 * @param maxWidth the text is cut to about this width in pixels
 */
export async function renderLabel(text: string, colour: Colour, size: number, maxWidth: number) {
  const shown = clamped(text, Math.max(4, Math.floor(maxWidth / (size * 0.62)) - 1));
  const escaped = shown.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const { data, info } = await sharp({
    text: {
      text: `<span foreground="${hex(labelText)}">${escaped}</span>`,
      font: `DejaVu Sans Bold ${size}px`,
      fontfile: fontFile,
      rgba: true,
      dpi: 72,
    },
  })
    .png()
    .toBuffer({ resolveWithObject: true });
  const pad = Math.round(size / 3);
  const bar = Math.max(3, Math.round(size / 4));
  const width = info.width + 2 * pad + bar;
  const height = Math.max(Math.round(size * 1.55), info.height);
  const top = Math.max(0, Math.round((height - info.height) / 2));
  const shape =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<rect width="${width}" height="${height}" fill="${hex(labelBackground)}" fill-opacity="0.8"/>` +
    `<rect width="${bar}" height="${height}" fill="${hex(colour)}"/></svg>`;
  const png = await sharp(Buffer.from(shape))
    .composite([{ input: data, left: bar + pad, top }])
    .png()
    .toBuffer();
  return { png, width, height };
}

/** A colour as SVG and Pango have it. */
export const hex = (colour: Colour): string =>
  `#${colour.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
