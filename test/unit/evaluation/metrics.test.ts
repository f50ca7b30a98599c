import { describe, expect, it } from "vitest";
import { byCategory, scoreRow, summarise } from "../../../src/evaluation/metrics.js";

const truth = (kind: string, absent = false) => ({
  absent,
  boxes: absent ? [] : [[0, 0, 10, 10] as const],
  categories: { kind },
});
const answer = (x2: number | undefined) =>
  x2 === undefined
    ? { found: false, boxes: [], score: 0 }
    : { found: true, boxes: [[0, 0, x2, 10] as const], score: 0.9 };

const rows = [
  scoreRow("a.jpg", "whole", truth("name"), answer(10)),
  scoreRow("a.jpg", "half", truth("name"), answer(5)),
  scoreRow("a.jpg", "third", truth("position"), answer(3)),
  scoreRow("a.jpg", "missed", truth("position"), answer(undefined)),
  scoreRow("a.jpg", "rightly not found", truth("absent", true), answer(undefined)),
  scoreRow("a.jpg", "made up", truth("absent", true), answer(10)),
];

describe("eval metrics", () => {
  it("averages overlap over present objects and counts false finds over absent ones", () => {
    const summary = summarise(rows);
    expect(summary).toMatchObject({ n: 6, mean_iou: 0.45, found_rate: 0.75, false_find_rate: 0.5 });
    expect(summary.precision_at).toEqual({ "0.5": 0.5, "0.6": 0.25, "0.7": 0.25, "0.8": 0.25, "0.9": 0.25 });
  });

  it("groups by category", () => {
    expect(byCategory(rows).kind?.position).toMatchObject({ n: 2, mean_iou: 0.15, found_rate: 0.5 });
    expect(byCategory(rows).kind?.absent).toMatchObject({ n: 2, false_find_rate: 0.5 });
  });

  it("scores against the named object that fits best when there are several", () => {
    const several = {
      absent: false,
      boxes: [[50, 50, 60, 60] as const, [0, 0, 10, 10] as const],
      categories: {},
    };
    expect(scoreRow("a.jpg", "any", several, answer(10)).iou).toBe(1);
  });

  it("brackets the mean by its bootstrap interval", () => {
    const [low, high] = summarise(rows, true).intervals?.mean_iou ?? [1, 0];
    expect(low).toBeLessThan(0.45);
    expect(high).toBeGreaterThan(0.45);
  });
});
