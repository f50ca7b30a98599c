import type { Box } from "../../../geometry/index.js";
import {
  certaintyOf,
  closestPlace,
  describeCommand,
  isPlainQuery,
  languageName,
} from "../../../grounding/index.js";
import type { PipelineResult } from "../../../pipeline/index.js";

/** Words that say where, and what they compare: the one that holds for the best of several candidates decided it. */
const sides: Readonly<Record<string, (box: Box) => number>> = {
  left: ([x1, , x2]) => -(x1 + x2),
  right: ([x1, , x2]) => x1 + x2,
  top: ([, y1, , y2]) => -(y1 + y2),
  back: ([, y1, , y2]) => -(y1 + y2),
  far: ([, y1, , y2]) => -(y1 + y2),
  bottom: ([, y1, , y2]) => y1 + y2,
  front: ([, y1, , y2]) => y1 + y2,
  near: ([, y1, , y2]) => y1 + y2,
  big: ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1),
  large: ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1),
  small: ([x1, y1, x2, y2]) => -(x2 - x1) * (y2 - y1),
};

/** What a query was taken for, in one line; undefined where it is a plain referring expression. */
export function understoodAs({ grounding }: Pick<PipelineResult, "grounding">): string | undefined {
  const { command, language } = grounding;
  const parts = [
    ...(language?.translated === undefined ? [] : [`translated: ${language.translated}`]),
    ...(command === undefined || isPlainQuery(command) ? [] : [describeCommand(command)]),
  ];
  return parts.length === 0 ? undefined : parts.join("; ");
}

/**
 * An answer in one plain line: what was found or, when nothing was, the place that resembles it most.
 * @param closest name of the object at that place, where it is known, e.g. "a mug"
 */
export function explain(result: PipelineResult, closest?: string): string {
  const { language } = result.grounding;
  if (language !== undefined && language.translated === undefined)
    return `not understood: this is ${languageName(language.code)}, and only English is understood`;
  return explainFound(result, closest);
}

function explainFound(result: PipelineResult, closest?: string): string {
  const { grounding, grasps, graspFailure } = result;
  const count = grounding.detections.length;
  if (!grounding.found || count === 0) {
    const near = nearest(result, closest);
    const said = certaintyOf(grounding) === "unsure" ? "not sure" : "not found";
    return `${said} (${percent(grounding.presence)} sure that it is there)${near === undefined ? "" : `; closest is ${near}`}`;
  }
  const found =
    count === 1
      ? `found it (${percent(grounding.detections[0]?.score ?? 0)})`
      : `found ${count}, showing the best${decided(grounding)}`;
  if (grasps.length > 0) return `${found}; ${grasps.length === 1 ? "1 grasp" : `${grasps.length} grasps`}`;
  return graspFailure === undefined ? found : `${found}; no grasp: ${graspFailure}`;
}

/** The word of the query that the first of several candidates fulfils more than any other. */
function decided({ query, detections }: PipelineResult["grounding"]): string {
  const boxes = detections.map(({ box }) => box);
  for (const [word, measure] of Object.entries(sides)) {
    const said = new RegExp(`\\b(${word}(?:most|hand|er|est|ger|gest|ther|thest)?)\\b`, "i").exec(query)?.[1];
    if (said === undefined) continue;
    const [first = 0, ...others] = boxes.map(measure);
    return others.every((other) => first > other)
      ? `; “${said}” decided it`
      : `; “${said}” was asked for, another is more so`;
  }
  return "";
}

/** Where the object's probability is highest, in words; undefined where nothing resembles the object. */
function nearest({ grounding, image }: PipelineResult, name = "something"): string | undefined {
  const closest = closestPlace(grounding);
  if (closest === undefined) return undefined;
  const { x, y, probability } = closest;
  const at = `${Math.round(x * image.width)}, ${Math.round(y * image.height)}`;
  return `${name} ${place(x, y)} (${at}; ${percent(probability)})`;
}

function place(x: number, y: number): string {
  const column = x < 0.37 ? "left" : x > 0.63 ? "right" : "";
  const row = y < 0.37 ? "top" : y > 0.63 ? "bottom" : "";
  if (column === "" && row === "") return "in the middle";
  return `at the ${[row, column].filter(Boolean).join(" ")}`;
}

const percent = (value: number): string => `${Math.round(value * 100)} %`;
