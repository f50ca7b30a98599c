import { quantile } from "../geometry/index.js";

/** Plots as SVG: they print, scale, and need no script. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

const frame = { width: 560, height: 280, left: 46, right: 12, top: 12, bottom: 30 };

/** Round steps for an axis from 0 to `end`: at most six. */
export function ticks(end: number): readonly number[] {
  if (!(end > 0)) return [0];
  const raw = end / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10) * power;
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) =>
    Number((i * step).toPrecision(6)),
  );
}

/** The most buckets of x in a band plot. */
const maxBuckets = 240;

/** Largest x of `points`, above 0. */
const endOf = (points: readonly { readonly x: number }[]): number =>
  points.reduce((end, { x }) => Math.max(end, x), 1e-9);

/** Values of y by bucket of x, each bucket as wide as the others. */
function bucketsOf(points: readonly Point[], end: number): readonly (readonly number[])[] {
  const buckets: number[][] = Array.from({ length: Math.min(maxBuckets, points.length) }, () => []);
  for (const { x, y } of points)
    buckets[Math.min(buckets.length - 1, Math.floor((x / end) * buckets.length))]!.push(y);
  return buckets;
}

export interface BandPlotProps {
  readonly points: readonly Point[];
  readonly labels: { readonly x: string; readonly y: string };
}

/** Median line within a band from the 5th to the 95th percentile, over buckets of x. */
export function BandPlot({ points, labels }: BandPlotProps) {
  if (points.length === 0) return null;
  const { width, height, left, right, top, bottom } = frame;
  const endX = endOf(points);
  const buckets = bucketsOf(points, endX);
  const rows = buckets.flatMap((ys, i) => {
    if (ys.length === 0) return [];
    const x = ((i + 0.5) / buckets.length) * endX;
    return [{ x, low: quantile(ys, 0.05), middle: quantile(ys, 0.5), high: quantile(ys, 0.95) }];
  });
  const endY = Math.max(...rows.map(({ high }) => high)) * 1.08 || 1;
  const px = (x: number) => (left + (x / endX) * (width - left - right)).toFixed(1);
  const py = (y: number) => (height - bottom - (y / endY) * (height - top - bottom)).toFixed(1);
  const upper = rows.map(({ x, high }) => `${px(x)} ${py(high)}`);
  const lower = rows.map(({ x, low }) => `${px(x)} ${py(low)}`).reverse();
  const line = rows.map(({ x, middle }) => `${px(x)} ${py(middle)}`);
  return (
    <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${labels.y} over ${labels.x}`}>
      {ticks(endY).map((v) => (
        <>
          <line class="grid" x1={left} x2={width - right} y1={py(v)} y2={py(v)} />
          <text x={left - 6} y={py(v)} text-anchor="end" dy="4">
            {v}
          </text>
        </>
      ))}
      {ticks(endX).map((v) => (
        <text x={px(v)} y={height - bottom + 16} text-anchor="middle">
          {v}
        </text>
      ))}
      <path class="band" d={`M${[...upper, ...lower].join("L")}Z`} />
      <path class="line" d={`M${line.join("L")}`} />
      <text x={left} y={height - 2}>
        {labels.x}
      </text>
      <text x={width - right} y={top} text-anchor="end">
        {labels.y}
      </text>
    </svg>
  );
}

export interface ScoreHistogramProps {
  /** Each 0 to 1. */
  readonly scores: readonly number[];
  readonly colour: string;
}

/** Scores in twenty bins from 0 to 1. */
export function ScoreHistogram({ scores, colour }: ScoreHistogramProps) {
  const [width, height, base] = [320, 110, 92];
  const bins = new Array<number>(20).fill(0);
  for (const score of scores) bins[Math.min(19, Math.floor(score * 20))]!++;
  const tallest = Math.max(1, ...bins);
  return (
    <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label="score histogram">
      {bins.map((n, i) => {
        const barHeight = (n / tallest) * (base - 14);
        const [y, h] = [(base - barHeight).toFixed(1), barHeight.toFixed(1)];
        return (
          <rect x={i * 16 + 1} y={y} width="14" height={h} rx="2" fill={colour}>
            <title>{`${(i / 20).toFixed(2)} to ${((i + 1) / 20).toFixed(2)}: ${n}`}</title>
          </rect>
        );
      })}
      <line class="axis" x1="0" x2={width} y1={base} y2={base} />
      <text x="0" y={height - 3}>
        0
      </text>
      <text x={width / 2} y={height - 3} text-anchor="middle">
        0.5
      </text>
      <text x={width} y={height - 3} text-anchor="end">
        1
      </text>
      <text x={width} y="10" text-anchor="end">
        {scores.length === 0 ? "never found" : `up to ${tallest} answers`}
      </text>
    </svg>
  );
}

export interface StripProps {
  /** `value`: a share, 0 to 1. */
  readonly points: readonly { readonly x: number; readonly value: number }[];
  readonly colour: string;
}

/** A share along the recording, as the depth of a colour. */
export function Strip({ points, colour }: StripProps) {
  const end = endOf(points);
  const length = Math.min(120, Math.max(1, points.length));
  const cells = Array.from({ length }, () => ({ n: 0, sum: 0 }));
  for (const { x, value } of points) {
    const cell = cells[Math.min(length - 1, Math.floor((x / end) * length))]!;
    cell.n++;
    cell.sum += value;
  }
  const step = 480 / length;
  return (
    <svg
      class="strip"
      viewBox="0 0 480 14"
      preserveAspectRatio="none"
      role="img"
      aria-label="share along the recording"
    >
      {cells.map(({ n, sum }, i) => (
        <rect
          x={(i * step).toFixed(2)}
          y="0"
          width={(step + 0.2).toFixed(2)}
          height="14"
          fill={n === 0 ? "none" : colour}
          fill-opacity={(0.1 + 0.9 * (n === 0 ? 0 : sum / n)).toFixed(2)}
        />
      ))}
    </svg>
  );
}
