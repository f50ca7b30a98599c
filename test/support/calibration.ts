import type { Sighting } from "../../src/calibration/index.js";
import {
  type CameraModel,
  compose,
  invert,
  type Pose,
  project,
  quaternionFromRotationVector,
  type Random,
  transformPoint,
  type Vec3,
} from "../../src/geometry/index.js";

/** Standard normal (Box and Muller). */
export const gaussian = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

export const vector = (random: Random, size: number): Vec3 => [
  (2 * random() - 1) * size,
  (2 * random() - 1) * size,
  (2 * random() - 1) * size,
];

export const noise = (random: Random, size: number): Vec3 => [
  gaussian(random) * size,
  gaussian(random) * size,
  gaussian(random) * size,
];

export const degree = Math.PI / 180;

/** A pose moved by Gaussian noise of so many metres and radians an axis. */
export const jitter = (pose: Pose, random: Random, metres: number, radians: number): Pose =>
  compose(pose, {
    position: noise(random, metres),
    orientation: quaternionFromRotationVector(noise(random, radians)),
  });

/** Corners of a flat board, columns × rows, `square` metres apart. */
export function board(columns: number, rows: number, square: number): Float64Array {
  const points = new Float64Array(columns * rows * 3);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) points.set([c * square, r * square, 0], 3 * (r * columns + c));
  return points;
}

/** What a camera sees of a board, with noise in pixels; undefined when a corner is outside the image. */
export function look(
  name: string,
  camera: CameraModel,
  pose: Pose,
  object: Float64Array,
  random: Random,
  pixelNoise: number,
): Sighting | undefined {
  const pixels = new Float64Array((object.length / 3) * 2);
  for (let i = 0; i < object.length / 3; i++) {
    const at = project(
      camera,
      transformPoint(pose, [object[3 * i]!, object[3 * i + 1]!, object[3 * i + 2]!]),
    );
    if (at === undefined || at[0] < 0 || at[1] < 0 || at[0] > camera.width - 1 || at[1] > camera.height - 1)
      return undefined;
    pixels.set([at[0] + gaussian(random) * pixelNoise, at[1] + gaussian(random) * pixelNoise], 2 * i);
  }
  return { name, width: camera.width, height: camera.height, object, pixels };
}

/** A hand-eye set: robot poses that look at a target from around it. `truth`: the camera in the tool. */
export function handEyeSet(count: number, random: Random, truth: Pose, metres = 0, radians = 0) {
  const target: Pose = { position: [0.5, 0.1, 0], orientation: quaternionFromRotationVector([0.1, 0, 0.4]) };
  return Array.from({ length: count }, (_, k) => {
    const camera: Pose = {
      position: [0.5 + 0.25 * (random() - 0.5), 0.1 + 0.25 * (random() - 0.5), 0.45 + 0.15 * random()],
      orientation: compose(
        { position: [0, 0, 0], orientation: quaternionFromRotationVector([Math.PI, 0, 0]) },
        { position: [0, 0, 0], orientation: quaternionFromRotationVector(vector(random, 0.5)) },
      ).orientation,
    };
    const robot = compose(camera, invert(truth));
    return {
      name: `${k}`,
      robot: jitter(robot, random, metres, radians),
      target: jitter(compose(invert(camera), target), random, metres, radians),
    };
  });
}
