import { type Mask, organisedCloud, type Points, type RgbdFrame } from "../geometry/index.js";

/** What the camera saw of a thing, and of everything else; x, y, z, x, y, z, … in metres, in the frame's optical frame. */
export interface ScenePoints {
  readonly target: Points;
  readonly obstacles: Points;
}

/** Pixels between the points: enough for a gripper, few enough to be quick. */
const step = 3;

/** A picture's depth as points on a mask and beside it; undefined without depth or camera. Pixels without depth are left out. */
export function scenePoints(frame: RgbdFrame, mask: Mask | undefined): ScenePoints | undefined {
  if (frame.depth === undefined || frame.camera === undefined) return undefined;
  const window = { x1: 0, y1: 0, x2: frame.depth.width, y2: frame.depth.height };
  const { points, width } = organisedCloud(frame.depth, frame.camera, window, step);
  const target: number[] = [];
  const obstacles: number[] = [];
  for (let i = 0; i < points.length; i += 3) {
    if (Number.isNaN(points[i + 2])) continue;
    const column = (i / 3) % width;
    const row = Math.trunc(i / 3 / width);
    const on = mask !== undefined && mask.data[row * step * mask.width + column * step] === 1;
    (on ? target : obstacles).push(points[i]!, points[i + 1]!, points[i + 2]!);
  }
  return { target: Float32Array.from(target), obstacles: Float32Array.from(obstacles) };
}
