import type { Pose } from "../geometry/index.js";
import type { Sighting } from "./types.js";

/** The robot stands still when it moves by no more than this between two moments. */
const maxStillMetres = 0.001;
const maxStillRadians = 0.002;
/** Mean distance of corners below which two sightings are alike, as a share of the image's width. */
const maxAlikeShare = 0.02;

/** Whether two poses of the tool are those of a robot that stands still. */
export function standsStill(a: Pose, b: Pose): boolean {
  const distance = Math.hypot(...a.position.map((value, k) => value - b.position[k]!));
  const cosine = Math.abs(a.orientation.reduce((sum, value, k) => sum + value * b.orientation[k]!, 0));
  return distance <= maxStillMetres && cosine >= Math.cos(maxStillRadians / 2);
}

/** Whether two sightings have their common corners at nearly the same pixels: a second one adds nothing. */
export function areAlike(a: Sighting, b: Sighting): boolean {
  const at = new Map<string, readonly [number, number]>();
  const keyOf = (s: Sighting, i: number) => `${s.object[3 * i]},${s.object[3 * i + 1]}`;
  for (let i = 0; i < a.pixels.length / 2; i++) at.set(keyOf(a, i), [a.pixels[2 * i]!, a.pixels[2 * i + 1]!]);
  let [sum, count] = [0, 0];
  for (let i = 0; i < b.pixels.length / 2; i++) {
    const other = at.get(keyOf(b, i));
    if (other === undefined) continue;
    sum += Math.hypot(other[0] - b.pixels[2 * i]!, other[1] - b.pixels[2 * i + 1]!);
    count++;
  }
  return count > 0 && sum / count < maxAlikeShare * a.width;
}
