import { describe, expect, it } from "vitest";
import type { Shape } from "../../../src/grasping/geometric/complete.js";
import type { Fit } from "../../../src/grasping/geometric/fit.js";
import { axesFor, type ToolAxes } from "../../../src/grasping/geometric/orientations.js";
import { combine, defaultWeights, scoreTerms } from "../../../src/grasping/geometric/score.js";
import { frankaHand } from "../../../src/grasping/index.js";

const shape: Shape = {
  points: new Float32Array(),
  normals: new Float32Array(),
  seen: 0,
  surface: 0,
  centre: [0, 0, 0.02],
  top: 0.05,
  volume: 1e-4,
};
const good: Fit = {
  margin: 0.014,
  clearance: 0.02,
  palmGap: 0.02,
  opposition: 1,
  unseen: 0,
  shadow: 0,
  held: 0.2,
  shift: 0,
  width: 0.01,
};

function termsOf(axes: ToolAxes, fit: Partial<Fit> = {}, onRim = false) {
  const candidate = { axes, at: [0, 0, -0.03] as const, width: 0.01, overlap: 0.02, heuristicScore: 1 };
  return scoreTerms(shape, candidate, { ...good, ...fit }, frankaHand, 1, 0.8, onRim);
}
const scoreOf = (...given: Parameters<typeof termsOf>) => combine(termsOf(...given), defaultWeights);
const down = axesFor(0, 0);
/** Turned about the side axis: the closing direction leaves the level by 0.5 rad. */
const leaning: ToolAxes = {
  closing: [Math.cos(0.5), 0, -Math.sin(0.5)],
  side: down.side,
  approach: [-Math.sin(0.5), 0, -Math.cos(0.5)],
};

describe("the score of a grasp", () => {
  it("is less for a finger that stands on its edge, and most of all on a rim", () => {
    const tilted = axesFor(0, 0.26);
    expect(termsOf(tilted).overlap).toBeLessThan(termsOf(down).overlap);
    expect(termsOf(tilted, {}, true).overlap).toBeLessThan(0.8 * termsOf(down, {}, true).overlap);
  });

  it("of a rim is the same for a tool that leans with the wall, and less on anything else", () => {
    expect(termsOf(leaning, {}, true).approach).toBe(1);
    expect(termsOf(leaning).approach).toBeLessThan(0.9);
  });

  it("is less where the palm nearly touches the object", () => {
    expect(scoreOf(down, { palmGap: 0.002 })).toBeLessThan(0.85 * scoreOf(down, { palmGap: 0.012 }));
    expect(scoreOf(down, { palmGap: 0.012 })).toBe(scoreOf(down));
  });

  it("falls as the part nears the stroke, because its far side is an estimate", () => {
    const [narrow, wide, widest] = [0.04, 0.066, 0.075].map((width) => scoreOf(down, { width }));
    expect(wide).toBeLessThan(0.85 * narrow!);
    expect(widest).toBeLessThan(0.65 * wide!);
  });
});
