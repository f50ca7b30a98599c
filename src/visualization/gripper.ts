import { type CameraModel, type Pose, project, transformPoint, type Vec3 } from "../geometry/index.js";

/** Length of a drawn finger in metres. */
const finger = 0.045;

/**
 * A gripper to look at: two fingers, the bar between them and the approach axis, as pairs of points in the grasp's
 * frame,
 * in metres. @param grasp pose of the tool and opening in metres
 */
export function gripperLines({ pose, width }: { readonly pose: Pose; readonly width: number }): Vec3[] {
  const half = width / 2;
  const corners: Vec3[] = [
    [-half, 0, 0],
    [-half, 0, -finger],
    [half, 0, 0],
    [half, 0, -finger],
    [-half, 0, -finger],
    [half, 0, -finger],
    [0, 0, -finger],
    [0, 0, -2 * finger],
  ];
  return corners.map((corner) => transformPoint(pose, corner));
}

/**
 * The open gripper as the camera sees it: lines x1, y1, x2, y2 in pixels; lines that begin or end behind the camera
 * are omitted.
 */
export function projectGripper(
  grasp: Parameters<typeof gripperLines>[0],
  camera: CameraModel,
): [number, number, number, number][] {
  const ends = gripperLines(grasp).map((point) => project(camera, point));
  const round = (value: number) => Math.round(value * 10) / 10;
  const lines: [number, number, number, number][] = [];
  for (let i = 0; i + 1 < ends.length; i += 2) {
    const [a, b] = [ends[i], ends[i + 1]];
    if (a && b) lines.push([round(a[0]), round(a[1]), round(b[0]), round(b[1])]);
  }
  return lines;
}
