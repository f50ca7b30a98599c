import type { HandEyeResult } from "../solvers/hand-eye.js";
import type { IntrinsicsResult } from "../solvers/intrinsics-types.js";
import type { Sighting, ViewError } from "../types.js";

const good = "#0072b2";
const bad = "#d55e00";
const grey = "#bbb";

/** Characters that XML reserves. */
const plain = (text: string): string =>
  text.replace(/[<>&"]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" })[c]!);

const text = (x: number, y: number, words: string, size = 12, anchor = "start", more = ""): string =>
  `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" ${more}>${plain(words)}</text>`;

const page = (width: number, height: number, content: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Helvetica, sans-serif" fill="#222">
<rect width="100%" height="100%" fill="#fff"/>
${content}
</svg>
`;

/** Positions of the corners, the residuals as a cloud, and the error of each image. */
export function intrinsicsPlot(sightings: readonly Sighting[], result: IntrinsicsResult): string {
  const { camera, views, residuals } = result;
  const scale = 420 / camera.width;
  const high = camera.height * scale;
  const seen = sightings.flatMap((sighting, k) =>
    dots(sighting.pixels, (u, v) => [30 + u * scale, 50 + v * scale], views[k]!.rejected ? bad : good, 1.6),
  );
  const reach = Math.max(0.2, 3 * result.rms);
  const cloud = residuals.flatMap((r) =>
    dots(r, (u, v) => [670 + (u / reach) * 150, 50 + high / 2 + (v / reach) * 150], good, 1.3, reach),
  );
  const content = [
    text(30, 30, `corners in the image, ${(100 * result.coverage).toFixed(0)} % of it covered`, 14),
    `<rect x="30" y="50" width="420" height="${high}" fill="none" stroke="${grey}"/>`,
    ...seen,
    text(520, 30, `residuals, rms ${result.rms.toFixed(3)} px`, 14),
    `<rect x="520" y="${50 + high / 2 - 150}" width="300" height="300" fill="none" stroke="${grey}"/>`,
    `<path d="M520 ${50 + high / 2}h300M670 ${50 + high / 2 - 150}v300" stroke="${grey}"/>`,
    text(820, 50 + high / 2 + 166, `±${reach.toFixed(2)} px`, 11, "end"),
    ...cloud,
    bars(30, Math.max(high, 330) + 90, 790, 150, "error by image", "px", views.map(barOf)),
  ];
  return page(850, Math.max(high, 330) + 310, content.join("\n"));
}

/** Error of each image in millimetres, degrees and pixels, and the rotation of the tool about each axis. */
export function handEyePlot(result: HandEyeResult): string {
  const { views, observability: seen } = result;
  const value = (pick: (k: number) => number | undefined) =>
    views.map((view, k) => ({ name: view.name, value: pick(k) ?? 0, rejected: view.rejected !== undefined }));
  const axes = (["x", "y", "z"] as const).map((name, k) => ({
    name,
    value: seen.rotation[k]!,
    rejected: seen.second < 12 && seen.weakAxis === name,
  }));
  const pixels = views.some((view) => view.rms !== undefined);
  const content = [
    bars(
      30,
      50,
      790,
      130,
      "position of the target against the others",
      "mm",
      value((k) => 1000 * views[k]!.position),
    ),
    bars(
      30,
      270,
      790,
      130,
      "rotation",
      "degrees",
      value((k) => views[k]!.rotation),
    ),
    ...(pixels
      ? [
          bars(
            30,
            490,
            790,
            130,
            "reprojection",
            "px",
            value((k) => views[k]!.rms),
          ),
        ]
      : []),
    bars(30, pixels ? 710 : 490, 300, 100, "rotation of the tool about", "degrees rms", axes),
  ];
  return page(850, pixels ? 870 : 650, content.join("\n"));
}

/** Error of each image of a check. */
export const checkPlot = (views: readonly ViewError[]): string =>
  page(850, 300, bars(30, 50, 790, 180, "reprojection error by image", "px", views.map(barOf)));

const barOf = (view: ViewError) => ({
  name: view.name,
  value: view.rms,
  rejected: view.rejected !== undefined,
});

function dots(
  points: Float64Array,
  place: (u: number, v: number) => readonly [number, number],
  colour: string,
  radius: number,
  limit = Infinity,
): string[] {
  const path: string[] = [];
  for (let i = 0; i < points.length; i += 2) {
    const [u, v] = [points[i]!, points[i + 1]!];
    if (Math.abs(u) > limit || Math.abs(v) > limit) continue;
    const [x, y] = place(u, v);
    path.push(`M${x.toFixed(1)} ${y.toFixed(1)}h0`);
  }
  return path.length === 0
    ? []
    : [
        `<path d="${path.join("")}" stroke="${colour}" stroke-width="${2 * radius}" stroke-linecap="round" stroke-opacity=".5" fill="none"/>`,
      ];
}

/** Bars from one line; values that would dwarf the others are cut and written out. */
function bars(
  x: number,
  y: number,
  width: number,
  height: number,
  title: string,
  unit: string,
  values: readonly { readonly name: string; readonly value: number; readonly rejected: boolean }[],
): string {
  const used = values.filter((each) => !each.rejected).map((each) => each.value);
  const maximum = Math.max(1e-6, ...(used.length > 0 ? used : values.map((each) => each.value))) * 1.25;
  const step = width / Math.max(1, values.length);
  const parts = [
    text(x, y - 16, `${title} (${unit}; up to ${maximum.toPrecision(3)})`, 14),
    `<path d="M${x} ${y + height}h${width}" stroke="${grey}"/>`,
  ];
  for (const [k, { name, value, rejected }] of values.entries()) {
    const high = Math.min(1, value / maximum) * height;
    const left = x + k * step;
    const middle = left + step / 2;
    parts.push(
      `<rect x="${(left + step * 0.15).toFixed(1)}" y="${(y + height - high).toFixed(1)}" width="${(step * 0.7).toFixed(1)}" height="${high.toFixed(1)}" fill="${rejected ? bad : good}"/>`,
    );
    if (values.length <= 40)
      parts.push(
        text(
          middle,
          y + height + 12,
          name.replace(/\.(png|jpe?g)$/i, "").slice(-11),
          9,
          "end",
          `transform="rotate(-40 ${middle} ${y + height + 12})"`,
        ),
      );
    if (value > maximum) parts.push(text(middle, y - 2, `${Number(value.toPrecision(3))}`, 9, "middle"));
  }
  return parts.join("\n");
}
