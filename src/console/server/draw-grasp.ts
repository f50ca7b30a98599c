import { type CameraModel, project, type Vec3 } from "../../geometry/index.js";
import type { Grasp } from "../../grasping/index.js";
import { gripperLines } from "../../messages/index.js";

/** The open gripper as the camera sees it: lines x1, y1, x2, y2 in pixels, those that begin or end behind the camera left out. */
export function drawGrasp(grasp: Grasp, camera: CameraModel): [number, number, number, number][] {
  const ends = gripperLines(grasp).map((point: Vec3) => project(camera, point));
  const round = (value: number) => Math.round(value * 10) / 10;
  const lines: [number, number, number, number][] = [];
  for (let i = 0; i + 1 < ends.length; i += 2) {
    const [a, b] = [ends[i], ends[i + 1]];
    if (a && b) lines.push([round(a[0]), round(a[1]), round(b[0]), round(b[1])]);
  }
  return lines;
}
