import type { BridgeResult } from "../bridge/index.js";
import { type Box, boxCentre } from "../geometry/index.js";

/** Words that say where; when several were found, the one that decided is named. */
const sides = ["left", "right", "top", "bottom", "front", "back", "middle", "nearest", "closest", "farthest"];

/** One plain sentence on an answer: what was found and, when nothing was, where the model came nearest to it. */
export function explain(result: BridgeResult): string {
  const { grounding, grasps, graspFailure } = result;
  const count = grounding.detections.length;
  if (!grounding.found || count === 0) {
    return `not found (${percent(grounding.presence)} sure that it is there); closest is ${nearest(result)}`;
  }
  const word =
    count > 1 ? sides.find((side) => new RegExp(`\\b${side}\\b`, "i").test(grounding.query)) : undefined;
  const found =
    count === 1
      ? `found it (${percent(grounding.detections[0]?.score ?? 0)})`
      : `found ${count}, showing the best${word === undefined ? "" : `; “${word}” was asked for`}`;
  if (grasps.length > 0) return `${found}; ${grasps.length === 1 ? "1 grasp" : `${grasps.length} grasps`}`;
  return graspFailure === undefined ? found : `${found}; no grasp: ${graspFailure}`;
}

/** Where the object's probability is highest, in words. */
function nearest({ grounding, image }: BridgeResult): string {
  const { heatmap } = grounding;
  let best = 0;
  for (let i = 1; i < heatmap.data.length; i++)
    if ((heatmap.data[i] as number) > (heatmap.data[best] as number)) best = i;
  const x = ((best % heatmap.width) + 0.5) / heatmap.width;
  const y = (Math.floor(best / heatmap.width) + 0.5) / heatmap.height;
  const chance = percent(heatmap.data[best] ?? 0);
  return `something ${place(x, y)} (${Math.round(x * image.width)}, ${Math.round(y * image.height)}; ${chance})`;
}

/** Place of a box in the picture, in words. */
export function placeOf(box: Box, width: number, height: number): string {
  const [x, y] = boxCentre(box);
  return place(x / width, y / height);
}

function place(x: number, y: number): string {
  const column = x < 0.37 ? "left" : x > 0.63 ? "right" : "";
  const row = y < 0.37 ? "top" : y > 0.63 ? "bottom" : "";
  if (column === "" && row === "") return "in the middle";
  return `at the ${[row, column].filter(Boolean).join(" ")}`;
}

const percent = (value: number): string => `${Math.round(value * 100)} %`;
