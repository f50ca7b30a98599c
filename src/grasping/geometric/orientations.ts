import { cross, dot, type Random, symmetricEigen3, type Vec3 } from "../../geometry/index.js";
import type { Shape } from "./complete.js";

/** Axes of a tool in the table frame: closing direction, the third axis, approach. */
export interface ToolAxes {
  readonly closing: Vec3;
  readonly side: Vec3;
  readonly approach: Vec3;
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Straight down, closing at even yaws and at the object's own directions. */
export function downOrientations(shape: Shape, friction: number, random: Random, steps: number): ToolAxes[] {
  const yaws: number[] = [];
  for (let k = 0; k < steps; k++) yaws.push((k * Math.PI) / steps);
  for (const yaw of [...principalYaws(shape), ...antipodalYaws(shape, friction, random)])
    if (yaws.every((other) => yawBetween(yaw, other) > radians(3))) yaws.push(yaw);
  return yaws.map((yaw) => axesFor(yaw, 0));
}

/**
 * Tilted about the closing axis, which stays level, in both directions: at the given yaws and at even ones far from
 * them. For wide objects also leaning in the closing direction.
 */
export function tiltedOrientations(shape: Shape, yaws: readonly number[], wide: boolean): ToolAxes[] {
  const chosen = [...yaws];
  for (let k = 0; k < 4; k++) {
    const yaw = (k * Math.PI) / 4;
    if (chosen.every((other) => yawBetween(yaw, other) > radians(20))) chosen.push(yaw);
  }
  const tilts = shape.top > 0.05 ? [20, 40, 60, 80] : shape.top > 0.025 ? [20, 40] : [15];
  const tilted = tilts.flatMap((tilt) =>
    chosen.flatMap((yaw) => [axesFor(yaw, radians(tilt)), axesFor(yaw, -radians(tilt))]),
  );
  if (!wide) return tilted;
  // Wide objects are grasped by walls and rims, and these lean.
  return [...tilted, ...chosen.flatMap((yaw) => [leaning(yaw, LEAN), leaning(yaw, -LEAN)])];
}

const LEAN = radians(28);

/** As straight down at `yaw`, then turned about the side axis: the closing direction leaves the level by `lean`. */
function leaning(yaw: number, lean: number): ToolAxes {
  const { closing: c, side, approach: a } = axesFor(yaw, 0);
  const [cos, sin] = [Math.cos(lean), Math.sin(lean)];
  const mix = (p: Vec3, q: Vec3, s: number): Vec3 => [
    p[0] * cos + q[0] * s,
    p[1] * cos + q[1] * s,
    p[2] * cos + q[2] * s,
  ];
  return { closing: mix(c, a, sin), side, approach: mix(a, c, -sin) };
}

/** Closing level at `yaw`; approach down, tilted about the closing axis. */
export function axesFor(yaw: number, tilt: number): ToolAxes {
  const closing: Vec3 = [Math.cos(yaw), Math.sin(yaw), 0];
  const approach: Vec3 = [-Math.sin(yaw) * Math.sin(tilt), Math.cos(yaw) * Math.sin(tilt), -Math.cos(tilt)];
  return { closing, side: cross(approach, closing), approach };
}

/** Smallest angle between two closing directions; they repeat every half turn. */
export function yawBetween(a: number, b: number): number {
  const d = Math.abs(a - b) % Math.PI;
  return Math.min(d, Math.PI - d);
}

/** The directions of least and most spread seen from above. */
function principalYaws(shape: Shape): number[] {
  const { points } = shape;
  const n = points.length / 3;
  let mx = 0;
  let my = 0;
  for (let i = 0; i < points.length; i += 3) {
    mx += points[i]! / n;
    my += points[i + 1]! / n;
  }
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i]! - mx;
    const y = points[i + 1]! - my;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  const [minor] = symmetricEigen3(xx, xy, 0, yy, 0, 1e9).vectors;
  const yaw = wrap(Math.atan2(minor[1], minor[0]));
  return [yaw, wrap(yaw + Math.PI / 2)];
}

/**
 * Closing directions from antipodal pairs: two points whose normals oppose each other along the line between them,
 * within the friction cone. Returns the yaws with the most votes of pairs, at most four.
 */
function antipodalYaws(shape: Shape, friction: number, random: Random): number[] {
  const { points, normals } = shape;
  const sides: number[] = [];
  for (let i = 0; i < normals.length; i += 3) if (Math.abs(normals[i + 2]!) < 0.6) sides.push(i);
  if (sides.length < 10) return [];
  const cone = Math.cos(Math.atan(friction));
  const votes = new Float64Array(36);
  for (let k = 0; k < 3000; k++) {
    const i = sides[Math.trunc(random() * sides.length)]!;
    const j = sides[Math.trunc(random() * sides.length)]!;
    const d: Vec3 = [
      points[j]! - points[i]!,
      points[j + 1]! - points[i + 1]!,
      points[j + 2]! - points[i + 2]!,
    ];
    const length = Math.hypot(d[0], d[1], d[2]);
    if (!(length > 0.005)) continue;
    const ni: Vec3 = [normals[i]!, normals[i + 1]!, normals[i + 2]!];
    const nj: Vec3 = [normals[j]!, normals[j + 1]!, normals[j + 2]!];
    const first = -dot(ni, d) / length;
    const second = dot(nj, d) / length;
    if (first < cone || second < cone) continue;
    const bin = Math.trunc((wrap(Math.atan2(d[1], d[0])) / Math.PI) * 36) % 36;
    votes[bin]! += first * second;
  }
  const found: number[] = [];
  const total = votes.reduce((a, b) => a + b, 0);
  const order = [...votes.keys()].sort((a, b) => votes[b]! - votes[a]!);
  for (const bin of order) {
    if (found.length === 4 || votes[bin]! < 0.06 * total || votes[bin] === 0) break;
    const yaw = ((bin + 0.5) * Math.PI) / 36;
    if (found.every((other) => yawBetween(yaw, other) > radians(12))) found.push(yaw);
  }
  return found;
}

const wrap = (yaw: number): number => ((yaw % Math.PI) + Math.PI) % Math.PI;
