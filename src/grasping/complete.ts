import type { Metres, Points, Vec3 } from "../geometry/index.js";
import type { GraspScene } from "./scene.js";
import { Sight } from "./view.js";

/** The target's surface as far as it is seen or can be guessed. */
export interface Shape {
  readonly points: Points;
  /** Unit normals, outward; NaN where unknown. */
  readonly normals: Points;
  /** The first `seen` points were measured; then come mirrored ones, then the outside of hidden insides. */
  readonly seen: number;
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

/** Least gain, as a share of the points tried, for which a mirror is believed. */
const BELIEF = 0.35;

/**
 * Completes the hidden back by mirroring the seen surface about the vertical plane that fits the picture best (after
 * Bohg et al., Mind the Gap, ICRA 2011): mirrored points may fall on the seen surface or hide behind it, not in space the
 * camera looks through.
 */
export function completeShape(scene: GraspScene): Shape {
  const { object, normals } = scene;
  const mirror = scene.kind === "planar" ? undefined : bestMirror(scene);
  const seen = object.length / 3;
  if (mirror === undefined) return finish(scene, object, normals, seen);
  const added: number[] = [];
  const cells = new Set<string>();
  const cell = (x: number, y: number, z: number): string =>
    `${Math.round(x / scene.voxel)},${Math.round(y / scene.voxel)},${Math.round(z / scene.voxel)}`;
  for (let i = 0; i < object.length; i += 3) cells.add(cell(object[i]!, object[i + 1]!, object[i + 2]!));
  for (let i = 0; i < object.length; i += 3) {
    const x = object[i]!;
    const y = object[i + 1]!;
    const z = object[i + 2]!;
    const d = 2 * (mirror.nx * x + mirror.ny * y - mirror.offset);
    const mx = x - d * mirror.nx;
    const my = y - d * mirror.ny;
    if (scene.view.look(mx, my, z, 0.004) < Sight.behindTarget) continue;
    const key = cell(mx, my, z);
    if (cells.has(key)) continue;
    cells.add(key);
    const n = 2 * (mirror.nx * normals[i]! + mirror.ny * normals[i + 1]!);
    added.push(mx, my, z, normals[i]! - n * mirror.nx, normals[i + 1]! - n * mirror.ny, normals[i + 2]!);
  }
  const extra = added.length / 6;
  const points = new Float32Array(object.length + extra * 3);
  const directions = new Float32Array(points.length);
  points.set(object);
  directions.set(normals);
  for (let k = 0; k < extra; k++)
    for (let j = 0; j < 3; j++) {
      points[object.length + k * 3 + j] = added[k * 6 + j]!;
      directions[object.length + k * 3 + j] = added[k * 6 + 3 + j]!;
    }
  return finish(scene, points, directions, seen);
}

/** Tries planes every 15 degrees and a few millimetres, refines the best. */
function bestMirror(scene: GraspScene): Mirror | undefined {
  const { object } = scene;
  const count = object.length / 3;
  const stride = Math.max(1, Math.round(count / 130)) * 3;
  let best: Mirror = { nx: 1, ny: 0, offset: 0, score: -Infinity };
  const attempt = (angle: number, offset: number): void => {
    const nx = Math.cos(angle);
    const ny = Math.sin(angle);
    const score = mirrorScore(scene, nx, ny, offset, stride, best.score);
    if (score > best.score) best = { nx, ny, offset, score };
  };
  for (let a = 0; a < 12; a++) {
    const angle = (a * Math.PI) / 12;
    const [low, high] = extent(object, Math.cos(angle), Math.sin(angle));
    const middle = (low + high) / 2;
    const spacing = Math.max(0.003, (high - low) / 16);
    for (let k = -2; k <= 6; k++) {
      // The hidden half is on the far side: planes are tried from a little before the middle to well behind it.
      attempt(angle, middle + (Math.cos(angle) >= 0 ? k : -k) * spacing);
    }
  }
  const coarse = best;
  const around = Math.atan2(coarse.ny, coarse.nx);
  for (let a = -2; a <= 2; a++)
    for (let k = -2; k <= 2; k++) attempt(around + (a * Math.PI) / 48, coarse.offset + k * 0.0015);
  return best.score > BELIEF ? best : undefined;
}

/** Points on the seen surface count 1, hidden ones 0.6, points in free space -2.5; divided by the points tried. */
function mirrorScore(
  scene: GraspScene,
  nx: number,
  ny: number,
  offset: number,
  stride: number,
  toBeat: number,
): number {
  const { object, view } = scene;
  const tried = Math.ceil(object.length / stride);
  let score = 0;
  let left = tried;
  for (let i = 0; i < object.length; i += stride) {
    const x = object[i]!;
    const y = object[i + 1]!;
    const d = 2 * (nx * x + ny * y - offset);
    left--;
    switch (view.look(x - d * nx, y - d * ny, object[i + 2]!, 0.005)) {
      case Sight.free:
        score -= 2.5;
        break;
      case Sight.surface:
        score += 1;
        break;
      case Sight.behindTarget:
        score += 0.6;
        break;
      default:
        score += 0.2;
    }
    if (score + left < toBeat * tried) return -Infinity;
  }
  return score / tried;
}

export function extent(points: Points, nx: number, ny: number): readonly [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < points.length; i += 3) {
    const d = nx * points[i]! + ny * points[i + 1]!;
    if (d < low) low = d;
    if (d > high) high = d;
  }
  return [low, high];
}

/** Centre and volume of the columns under the surface. */
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
    centre: [sx / volume, sy / volume, sz / volume],
    top,
    volume: volume * size * size,
  };
}

/**
 * What lies under the surface and was not seen to be empty is taken as full: a box of which one side and the top are seen
 * is no pair of thin walls. Points (x, y, z, …) of the outer voxels only: fingers always meet these first.
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
