/** Plots as SVG text: they print, scale, and need no script. */

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

export interface Point {
  readonly x: number;
  readonly y: number;
}

const frame = { width: 560, height: 280, left: 46, right: 12, top: 12, bottom: 30 };

/** Round steps for an axis from 0 to `most`: at most six. */
export function ticks(largest: number): readonly number[] {
  if (!(largest > 0)) return [0];
  const raw = largest / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10) * power;
  return Array.from({ length: Math.floor(largest / step + 1e-9) + 1 }, (_, i) =>
    Number((i * step).toPrecision(6)),
  );
}

export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return 0;
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}

/** Median line within a band from the 5th to the 95th percentile, over at most 240 buckets of x. */
export function bandPlot(
  points: readonly Point[],
  labels: { readonly x: string; readonly y: string },
): string {
  if (points.length === 0) return "";
  const { width, height, left, right, top, bottom } = frame;
  const maxX = Math.max(
    ...[1e-9],
    points.reduce((m, p) => Math.max(m, p.x), 0),
  );
  const buckets: number[][] = Array.from({ length: Math.min(240, points.length) }, () => []);
  for (const { x, y } of points)
    buckets[Math.min(buckets.length - 1, Math.floor((x / maxX) * buckets.length))]!.push(y);
  const rows = buckets.flatMap((ys, i) => {
    if (ys.length === 0) return [];
    ys.sort((a, b) => a - b);
    const x = ((i + 0.5) / buckets.length) * maxX;
    return [{ x, low: quantile(ys, 0.05), mid: quantile(ys, 0.5), high: quantile(ys, 0.95) }];
  });
  const maxY = Math.max(...rows.map((r) => r.high)) * 1.08 || 1;
  const px = (x: number) => (left + (x / maxX) * (width - left - right)).toFixed(1);
  const py = (y: number) => (height - bottom - (y / maxY) * (height - top - bottom)).toFixed(1);
  const up = rows.map((r) => `${px(r.x)} ${py(r.high)}`);
  const down = [...rows].reverse().map((r) => `${px(r.x)} ${py(r.low)}`);
  const line = rows.map((r) => `${px(r.x)} ${py(r.mid)}`).join("L");
  const yAxis = ticks(maxY).map(
    (v) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${py(v)}" y2="${py(v)}"/>` +
      `<text x="${left - 6}" y="${py(v)}" text-anchor="end" dy="4">${v}</text>`,
  );
  const xAxis = ticks(maxX).map(
    (v) => `<text x="${px(v)}" y="${height - bottom + 16}" text-anchor="middle">${v}</text>`,
  );
  return (
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(`${labels.y} over ${labels.x}`)}">` +
    `${yAxis.join("")}${xAxis.join("")}` +
    `<path class="band" d="M${[...up, ...down].join("L")}Z"/><path class="line" d="M${line}"/>` +
    `<text x="${left}" y="${height - 2}">${escapeHtml(labels.x)}</text>` +
    `<text x="${width - right}" y="${top}" text-anchor="end">${escapeHtml(labels.y)}</text></svg>`
  );
}

/** Scores in twenty bins from 0 to 1. */
export function scoreHistogram(scores: readonly number[], colour: string): string {
  const [width, height, base] = [320, 110, 92];
  const bins = new Array<number>(20).fill(0);
  for (const score of scores) bins[Math.min(19, Math.floor(score * 20))]!++;
  const largest = Math.max(1, ...bins);
  const bars = bins.map((n, i) => {
    const h = (n / largest) * (base - 14);
    const title = `${(i / 20).toFixed(2)} to ${((i + 1) / 20).toFixed(2)}: ${n}`;
    return `<rect x="${i * 16 + 1}" y="${(base - h).toFixed(1)}" width="14" height="${h.toFixed(1)}" rx="2" fill="${colour}"><title>${title}</title></rect>`;
  });
  return (
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="score histogram">${bars.join("")}` +
    `<line class="axis" x1="0" x2="${width}" y1="${base}" y2="${base}"/>` +
    `<text x="0" y="${height - 3}">0</text><text x="${width / 2}" y="${height - 3}" text-anchor="middle">0.5</text>` +
    `<text x="${width}" y="${height - 3}" text-anchor="end">1</text><text x="${width}" y="10" text-anchor="end">${scores.length === 0 ? "never found" : `up to ${largest} answers`}</text></svg>`
  );
}

/** A share from 0 to 1 along the recording, as the depth of a colour. */
export function strip(
  points: readonly { readonly x: number; readonly value: number }[],
  colour: string,
): string {
  const largest = points.reduce((m, p) => Math.max(m, p.x), 1e-9);
  const cells: { n: number; sum: number }[] = Array.from(
    { length: Math.min(120, Math.max(1, points.length)) },
    () => ({ n: 0, sum: 0 }),
  );
  for (const { x, value } of points) {
    const cell = cells[Math.min(cells.length - 1, Math.floor((x / largest) * cells.length))]!;
    cell.n++;
    cell.sum += value;
  }
  const step = 480 / cells.length;
  const rects = cells.map(({ n, sum }, i) => {
    const share = n === 0 ? 0 : sum / n;
    return `<rect x="${(i * step).toFixed(2)}" y="0" width="${(step + 0.2).toFixed(2)}" height="14" fill="${n === 0 ? "none" : colour}" fill-opacity="${(0.1 + 0.9 * share).toFixed(2)}"/>`;
  });
  return `<svg class="strip" viewBox="0 0 480 14" preserveAspectRatio="none" role="img" aria-label="share along the recording">${rects.join("")}</svg>`;
}
