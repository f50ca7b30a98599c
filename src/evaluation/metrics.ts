import { type Box, boxIou, type Mask, maskIou } from "../geometry/index.js";

/** The data set's truth for one query. */
export interface Truth {
  readonly absent: boolean;
  /** One box for each object that the query names. */
  readonly boxes: readonly Box[];
  /** All named objects together. */
  readonly mask?: Mask;
  /** Short strings of the line: category name -> value. */
  readonly categories: Readonly<Record<string, string>>;
}

/** The answer to one query. */
export interface Answer {
  readonly found: boolean;
  /** Best first. */
  readonly boxes: readonly Box[];
  readonly score: number;
  /** All detections together. */
  readonly mask?: Mask;
}

export interface EvalRow {
  readonly image: string;
  readonly query: string;
  readonly absent: boolean;
  readonly found: boolean;
  /** Intersection over union of the best box with the named object it fits best; 0 when not found. */
  readonly iou: number;
  readonly mask_iou?: number;
  readonly score: number;
  readonly categories: Readonly<Record<string, string>>;
}

export interface Summary {
  readonly n: number;
  readonly mean_iou: number;
  readonly precision_at: Readonly<Record<string, number>>;
  readonly mean_mask_iou?: number;
  readonly mask_precision_at?: Readonly<Record<string, number>>;
  /** Share of present objects answered "found". */
  readonly found_rate: number;
  /** Share of absent ones answered "found"; absent when there are none. */
  readonly false_find_rate?: number;
  /** 95% bootstrap intervals. */
  readonly intervals?: Readonly<Record<string, readonly [number, number]>>;
}

export const thresholds = [0.5, 0.6, 0.7, 0.8, 0.9] as const;

/** Scores one answer. A right "not found" has no overlap to score and counts in the rates alone. */
export function scoreRow(image: string, query: string, truth: Truth, answer: Answer): EvalRow {
  const best = answer.found ? answer.boxes[0] : undefined;
  const iou = best === undefined ? 0 : Math.max(0, ...truth.boxes.map((box) => boxIou(best, box)));
  const maskScore =
    truth.mask === undefined ? undefined : answer.mask === undefined ? 0 : maskIou(truth.mask, answer.mask);
  return {
    image,
    query,
    absent: truth.absent,
    found: answer.found,
    iou: round(iou),
    ...(maskScore !== undefined && { mask_iou: round(maskScore) }),
    score: round(answer.score),
    categories: truth.categories,
  };
}

/** Means over the rows; IoU and precision over present objects only, as the paper reports them. */
export function summarise(rows: readonly EvalRow[], withIntervals = false): Summary {
  const present = rows.filter((row) => !row.absent);
  const absent = rows.filter((row) => row.absent);
  const masks = present.flatMap((row) => (row.mask_iou === undefined ? [] : [row.mask_iou]));
  const ious = present.map((row) => row.iou);
  return {
    n: rows.length,
    mean_iou: mean(ious),
    precision_at: precision(ious),
    ...(masks.length > 0 && { mean_mask_iou: mean(masks), mask_precision_at: precision(masks) }),
    found_rate: share(present, (row) => row.found),
    ...(absent.length > 0 && { false_find_rate: share(absent, (row) => row.found) }),
    ...(withIntervals && {
      intervals: {
        mean_iou: bootstrap(ious, mean),
        ...precisionIntervals("precision_at", ious),
        ...(masks.length > 0 && {
          mean_mask_iou: bootstrap(masks, mean),
          ...precisionIntervals("mask_precision_at", masks),
        }),
        found_rate: bootstrap(
          present.map((row) => (row.found ? 1 : 0)),
          mean,
        ),
        ...(absent.length > 0 && {
          false_find_rate: bootstrap(
            absent.map((row) => (row.found ? 1 : 0)),
            mean,
          ),
        }),
      },
    }),
  };
}

/** Summaries by every category of the lines: `{kind: {position: {...}}}`. */
export function byCategory(
  rows: readonly EvalRow[],
  withIntervals = false,
): Readonly<Record<string, Readonly<Record<string, Summary>>>> {
  const groups: Record<string, Record<string, EvalRow[]>> = {};
  for (const row of rows) {
    for (const [category, value] of Object.entries(row.categories)) {
      groups[category] ??= {};
      groups[category][value] ??= [];
      groups[category][value].push(row);
    }
  }
  return mapValues(groups, (values) => mapValues(values, (group) => summarise(group, withIntervals)));
}

function mapValues<A, B>(object: Readonly<Record<string, A>>, f: (value: A) => B): Record<string, B> {
  return Object.fromEntries(
    Object.entries(object)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, f(value)]),
  );
}

const precisionIntervals = (
  name: string,
  ious: readonly number[],
): Record<string, readonly [number, number]> =>
  Object.fromEntries(
    thresholds.map((t) => [`${name}_${t.toFixed(1)}`, bootstrap(ious, (v) => share(v, (iou) => iou >= t))]),
  );

const precision = (ious: readonly number[]): Record<string, number> =>
  Object.fromEntries(thresholds.map((t) => [t.toFixed(1), share(ious, (iou) => iou >= t)]));

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : round(values.reduce((sum, v) => sum + v, 0) / values.length);

function share<T>(items: readonly T[], test: (item: T) => boolean): number {
  return items.length === 0 ? 0 : round(items.filter(test).length / items.length);
}

/** Percentile bootstrap, 1,000 resamples from a fixed seed. */
function bootstrap(
  values: readonly number[],
  statistic: (sample: readonly number[]) => number,
): readonly [number, number] {
  if (values.length === 0) return [0, 0];
  let state = 0x9e3779b9;
  const random = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
  };
  const samples = Array.from({ length: 1000 }, () =>
    statistic(Array.from(values, () => values[Math.floor(random() * values.length)] as number)),
  ).sort((a, b) => a - b);
  return [samples[25] as number, samples[974] as number];
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;
