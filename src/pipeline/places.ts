import { type RgbdFrame, relativeTo, type Vec3 } from "../geometry/index.js";
import {
  type Grasp,
  type HeldObject,
  type PlacePlan,
  type PlaceRelation,
  planPlace,
} from "../grasping/index.js";
import type { Destination, Grounding } from "../grounding/index.js";
import { scenePoints } from "./scene-points.js";

export interface PlaceOptions {
  /** What the gripper holds; without it, it is the first object, as its best grasp takes it. */
  readonly holding?: HeldObject;
  /** Up in the camera's optical frame, where it is known. */
  readonly up?: Vec3;
}

/** What everything stands on: any free place of it is on it, and no object has to be found. */
const ground = /\b(?:table|desk|counter|worktop|bench|floor|ground|surface)$/i;

const relations: Partial<Record<Destination["relation"], PlaceRelation>> = {
  in: "in",
  on: "on",
  "left of": "left of",
  "right of": "right of",
  "next to": "next to",
  "closest to": "next to",
  "in front of": "in front of",
  behind: "behind",
  between: "between",
};

/** Free places for a command with a destination that an image can show; undefined for every other query. */
export function placesFor(
  frame: RgbdFrame,
  { destination, detections }: Grounding,
  grasps: readonly Grasp[],
  { holding, up }: PlaceOptions,
): PlacePlan | undefined {
  if (destination === undefined) return undefined;
  const { relation, landmarks = [], found } = destination;
  if (relation === "back" || relation === "here" || relation === "there") return undefined;
  const known = relations[relation];
  if (known === undefined) return { spots: [], reason: `nothing can be put down "${relation}" something` };
  const held = holding ?? firstObject(frame, detections[0]?.mask, grasps[0]);
  if (held === undefined)
    return { spots: [], reason: "without a grasp the size of what is put down is not known" };
  const onGround = relation === "on" && landmarks.some((phrase) => ground.test(phrase));
  const missing = onGround ? undefined : found.find(({ detection }) => detection === undefined);
  if (missing !== undefined) return { spots: [], reason: `"${missing.phrase}" is not in the image` };
  const masks = onGround ? [] : found.flatMap(({ detection }) => detection?.mask ?? []);
  const taken = holding === undefined ? detections.slice(0, 1).map(({ mask }) => mask) : [];
  return planPlace(frame, {
    relation: onGround ? "anywhere" : known,
    landmarks: masks,
    held,
    ignored: taken,
    ...(up !== undefined && { up }),
  });
}

/** The object of a grasp as the gripper will hold it. */
function firstObject(
  frame: RgbdFrame,
  mask: Grounding["detections"][number]["mask"] | undefined,
  grasp: Grasp | undefined,
): HeldObject | undefined {
  const seen = mask === undefined ? undefined : scenePoints(frame, mask);
  if (seen === undefined || grasp === undefined || seen.target.length === 0) return undefined;
  return { points: relativeTo(seen.target, grasp.pose), orientation: grasp.pose.orientation };
}
