import type { ColourImage, Mask } from "../../geometry/index.js";

/** At most this many pixels of an object are read. */
const maxSamples = 3000;

/** The colour word that most pixels of an object bear, undefined where none bears at least 40 in 100 of them. */
export function colourWord(image: ColourImage, mask: Mask): string | undefined {
  const counts = new Map<string, number>();
  let total = 0;
  const step = Math.max(1, Math.floor(Math.sqrt(mask.data.length / (maxSamples * 8))));
  for (let y = 0; y < mask.height; y += step)
    for (let x = 0; x < mask.width; x += step) {
      const i = y * mask.width + x;
      if (mask.data[i] === 0) continue;
      const word = nameOf(image.data[i * 3]!, image.data[i * 3 + 1]!, image.data[i * 3 + 2]!);
      counts.set(word, (counts.get(word) ?? 0) + 1);
      total++;
    }
  const [best] = [...counts].sort((a, b) => b[1] - a[1]);
  return best === undefined || best[1] < 0.4 * total ? undefined : best[0];
}

/** The colour word of a pixel (sRGB, 0 to 255), by hue, saturation and value. */
function nameOf(r: number, g: number, b: number): string {
  const most = Math.max(r, g, b);
  const spread = most - Math.min(r, g, b);
  const value = most / 255;
  const saturation = most === 0 ? 0 : spread / most;
  if (value < 0.2) return "black";
  if (saturation < 0.18) return value > 0.78 ? "white" : value < 0.32 ? "black" : "gray";
  const hue = hueOf(r, g, b, most, spread);
  if (hue >= 15 && hue < 48 && value < 0.62) return "brown";
  if (hue < 14 || hue >= 345) return saturation < 0.5 && value > 0.7 ? "pink" : "red";
  if (hue < 40) return "orange";
  if (hue < 70) return "yellow";
  if (hue < 165) return "green";
  if (hue < 195) return "turquoise";
  if (hue < 255) return "blue";
  return hue < 295 ? "purple" : "pink";
}

function hueOf(r: number, g: number, b: number, most: number, spread: number): number {
  if (most === r) return (60 * ((g - b) / spread) + 360) % 360;
  return most === g ? 60 * ((b - r) / spread) + 120 : 60 * ((r - g) / spread) + 240;
}
