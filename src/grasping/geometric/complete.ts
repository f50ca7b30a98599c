import type { Metres, Points, Vec3 } from "../../geometry/index.js";
import type { GraspScene } from "./scene.js";
import { Sight } from "./view.js";

/** The target's surface, measured and estimated. */
export interface Shape {
  readonly points: Points;
  /** Unit normals, outward; NaN where unknown. */
  readonly normals: Points;
  /** The first `seen` points were measured; then come mirrored ones, then the outer voxels of hidden insides. */
  readonly seen: number;
  /** Number of measured and mirrored points. */
  readonly surface: number;
  /** Estimated centre of volume. */
  readonly centre: Vec3;
  /** Greatest height above the table. */
  readonly top: Metres;
  /** Estimated volume in cubic metres. */
  readonly volume: number;
}

interface Mirror {
  readonly nx: number;
  readonly ny: number;
  readonly offset: number;
  readonly score: number;
}

/** Least gain for accepting a mirror plane, as a share of the tried points. */
const BELIEF = 0.5;

/**
 * Completes the hidden back by mirroring the seen surface about the vertical plane that fits the image best (after
 * Bohg et al., Mind the Gap, ICRA 2011): mirrored points may fall on the seen surface or hide behind it, not in space
 * that the camera looks through.
 */
export function completeShape(scene: GraspScene): Shape {
  const seen = scene.object.length / 3;
  let points = scene.object;
  let normals = scene.normals;
  if (scene.kind !== "planar") {
    const [low, high] = extent(points, 1, 0);
    // First across the view, which restores the back; then along it, which restores a side hidden by the object's turn.
    for (const middle of [0, Math.PI / 2]) {
      const mirror = bestMirror(scene, points, middle, (low + high) / 2);
      if (mirror !== undefined) [points, normals] = addMirrored(scene, points, normals, mirror);
    }
  }
  return finish(scene, points, normals, seen);
}

/** The surface and its mirror image in hidden space. */
function addMirrored(scene: GraspScene, points: Points, normals: Points, mirror: Mirror): [Points, Points] {
  const { voxel, view } = scene;
  const cell = (x: number, y: number, z: number): number =>
    (Math.round(x / voxel) + 1024) * 4194304 +
    (Math.round(y / voxel) + 1024) * 2048 +
    Math.round(z / voxel) +
    512;
  const cells = new Set<number>();
  for (let i = 0; i < points.length; i += 3) cells.add(cell(points[i]!, points[i + 1]!, points[i + 2]!));
  const added: number[] = [];
  const turned: number[] = [];
  const { nx, ny } = mirror;
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i]!;
    const y = points[i + 1]!;
    const z = points[i + 2]!;
    const d = 2 * (nx * x + ny * y - mirror.offset);
    const mx = x - d * nx;
    const my = y - d * ny;
    if (view.look(mx, my, z, 0.004) < Sight.behindTarget) continue;
    const key = cell(mx, my, z);
    if (cells.has(key)) continue;
    cells.add(key);
    const n = 2 * (nx * normals[i]! + ny * normals[i + 1]!);
    added.push(mx, my, z);
    turned.push(normals[i]! - n * nx, normals[i + 1]! - n * ny, normals[i + 2]!);
  }
  return [join(points, added), join(normals, turned)];
}

function join(first: Points, second: readonly number[]): Points {
  const all = new Float32Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** Tries planes within 45 degrees of `middle`, every 15 degrees and a few millimetres, and refines the best. */
function bestMirror(scene: GraspScene, points: Points, middle: number, centre: Metres): Mirror | undefined {
  const count = points.length / 3;
  const stride = Math.max(1, Math.round(count / 110)) * 3;
  let best: Mirror = { nx: 1, ny: 0, offset: centre, score: -Infinity };
  const attempt = (angle: number, offset: number): void => {
    const nx = Math.cos(angle);
    const ny = Math.sin(angle);
    const score = mirrorScore(scene, points, nx, ny, offset, stride, best.score);
    if (score > best.score) best = { nx, ny, offset, score };
  };
  for (let a = -3; a <= 3; a++) {
    const angle = middle + (a * Math.PI) / 12;
    const [low, high] = extent(points, Math.cos(angle), Math.sin(angle));
    const spacing = Math.max(0.003, (high - low) / 16);
    // The hidden part is on the far side: planes are tried from a little before the middle to well behind it.
    const far = Math.cos(angle) >= -1e-9 ? 1 : -1;
    for (let k = -2; k <= 7; k++) attempt(angle, (low + high) / 2 + far * k * spacing);
  }
  const coarse = best;
  const around = Math.atan2(coarse.ny, coarse.nx);
  for (let a = -2; a <= 2; a++)
    for (let k = -2; k <= 2; k++) attempt(around + (a * Math.PI) / 48, coarse.offset + k * 0.0015);
  return best.score > BELIEF ? best : undefined;
}

/** Points on the seen surface count 1, hidden ones 0.8, points in free space -3; divided by the points tried. */
function mirrorScore(
  { view }: GraspScene,
  points: Points,
  nx: number,
  ny: number,
  offset: number,
  stride: number,
  toBeat: number,
): number {
  const tried = Math.ceil(points.length / stride);
  let score = 0;
  let left = tried;
  for (let i = 0; i < points.length; i += stride) {
    const x = points[i]!;
    const y = points[i + 1]!;
    const d = 2 * (nx * x + ny * y - offset);
    left--;
    switch (view.look(x - d * nx, y - d * ny, points[i + 2]!, 0.005)) {
      case Sight.free:
        score -= 3;
        break;
      case Sight.surface:
        score += 1;
        break;
      case Sight.behindTarget:
        score += 0.8;
        break;
      default:
        score += 0.2;
    }
    if (score + left < toBeat * tried) return -Infinity;
  }
  return score / tried;
}

/** Extent of the points along a level direction. */
function extent(points: Points, nx: number, ny: number): readonly [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < points.length; i += 3) {
    const d = nx * points[i]! + ny * points[i + 1]!;
    if (d < low) low = d;
    if (d > high) high = d;
  }
  return [low, high];
}

/** Narrowest level width, tried every 15 degrees. */
export function narrowestWidth(shape: Shape): Metres {
  let width = Infinity;
  for (let k = 0; k < 12; k++) {
    const [low, high] = extent(shape.points, Math.cos((k * Math.PI) / 12), Math.sin((k * Math.PI) / 12));
    width = Math.min(width, high - low);
  }
  return width;
}

/** Centre, volume and hidden inside of the columns under the surface. */
function finish(scene: GraspScene, points: Points, normals: Points, seen: number): Shape {
  const size = Math.max(0.006, scene.voxel * 1.5);
  const columns = new Map<number, number>();
  let top = 0;
  for (let i = 0; i < points.length; i += 3) {
    const key = (Math.floor(points[i]! / size) + 2048) * 4096 + Math.floor(points[i + 1]! / size) + 2048;
    const z = points[i + 2]!;
    if (z > top) top = z;
    if (z > (columns.get(key) ?? 0)) columns.set(key, z);
  }
  const inside = scene.kind === "solid" ? hiddenInside(scene, columns, size) : [];
  let volume = 0;
  let sx = 0;
  let sy = 0;
  let sz = 0;
  for (const [key, z] of columns) {
    const x = (Math.floor(key / 4096) - 2048 + 0.5) * size;
    const y = ((key % 4096) - 2048 + 0.5) * size;
    volume += z;
    sx += x * z;
    sy += y * z;
    sz += (z * z) / 2;
  }
  const all = new Float32Array(points.length + inside.length);
  all.set(points);
  all.set(inside, points.length);
  const directions = new Float32Array(all.length).fill(Number.NaN);
  directions.set(normals);
  return {
    points: all,
    normals: directions,
    seen,
    surface: points.length / 3,
    centre: [sx / volume, sy / volume, sz / volume],
    top,
    volume: volume * size * size,
  };
}

/**
 * Space under the surface that was not seen to be empty counts as full: a box with one visible side and its top is
 * not a pair of thin walls. Points (x, y, z, …) of the outer voxels only: fingers always meet these first.
 */
function hiddenInside(scene: GraspScene, columns: ReadonlyMap<number, number>, size: Metres): number[] {
  const levels = 512;
  const full = new Set<number>();
  for (const [key, top] of columns) {
    const x = (Math.floor(key / 4096) - 2048 + 0.5) * size;
    const y = ((key % 4096) - 2048 + 0.5) * size;
    for (let k = 0; (k + 1) * size < top; k++)
      if (scene.view.look(x, y, (k + 0.5) * size, 0.004) !== Sight.free) full.add(key * levels + k);
  }
  const points: number[] = [];
  for (const voxel of full) {
    const key = Math.floor(voxel / levels);
    const k = voxel % levels;
    const covered =
      full.has(voxel - levels) &&
      full.has(voxel + levels) &&
      full.has(voxel - 4096 * levels) &&
      full.has(voxel + 4096 * levels) &&
      (full.has(voxel + 1) || (k + 2) * size >= columns.get(key)!);
    if (covered) continue;
    points.push(
      (Math.floor(key / 4096) - 2048 + 0.5) * size,
      ((key % 4096) - 2048 + 0.5) * size,
      (k + 0.5) * size,
    );
  }
  return points;
}
