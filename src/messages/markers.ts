import { type FrameId, type Pose, transformPoint, type Vec3 } from "../geometry/index.js";
import { poseMessage } from "./to-ros.js";
import type { ColorMessage, Header, MarkerArrayMessage, MarkerMessage } from "./types.js";

/** A found object to mark: where it is in the header's frame, and its label. */
export interface MarkedObject {
  readonly position: Vec3;
  readonly label: string;
}

/** A gripper to draw: opening in metres. */
export interface MarkedGrasp {
  readonly frame: FrameId;
  readonly pose: Pose;
  readonly width: number;
}

/** visualization_msgs/Marker's numbers. */
const kinds = { sphere: 2, lineList: 5, text: 9 } as const;
const deleteAll = 3;
const green: ColorMessage = { r: 0, g: 0.62, b: 0.45, a: 0.9 };
const white: ColorMessage = { r: 1, g: 1, b: 1, a: 1 };
const best: ColorMessage = { r: 0.84, g: 0.37, b: 0, a: 1 };
const other: ColorMessage = { r: 0.9, g: 0.62, b: 0, a: 0.6 };
const origin: Pose = { position: [0, 0, 0], orientation: [0, 0, 0, 1] };

/** Clears what was drawn before, then marks objects with their labels, and grippers, the first one as the best. */
export function markersMessage(
  header: Header,
  objects: readonly MarkedObject[],
  grasps: readonly MarkedGrasp[],
): MarkerArrayMessage {
  const base = (frame: FrameId, ns: string, id: number, type: number): MarkerMessage => ({
    header: { stamp: header.stamp, frame_id: frame },
    ns,
    id,
    type,
    action: 0,
    pose: poseMessage(origin),
    scale: { x: 0.02, y: 0.02, z: 0.02 },
    color: green,
    lifetime: { sec: 0, nanosec: 0 },
  });
  const placed = (position: Vec3) => poseMessage({ ...origin, position });
  return {
    markers: [
      { ...base(header.frame_id, "", 0, 0), action: deleteAll },
      ...objects.flatMap(({ position: [x, y, z], label }, id) => [
        { ...base(header.frame_id, "objects", id, kinds.sphere), pose: placed([x, y, z]) },
        {
          ...base(header.frame_id, "labels", id, kinds.text),
          pose: placed([x, y - 0.05, z]),
          scale: { x: 0, y: 0, z: 0.03 },
          color: white,
          text: label,
        },
      ]),
      ...grasps.map((grasp, id) => ({
        ...base(grasp.frame, "grasps", id, kinds.lineList),
        scale: { x: id === 0 ? 0.006 : 0.003, y: 0, z: 0 },
        color: id === 0 ? best : other,
        points: gripperLines(grasp).map(([x, y, z]) => ({ x, y, z })),
      })),
    ],
  };
}

/** A gripper's outline: fingers, the bar between them and the approach axis; pairs of points in the grasp's frame, metres. */
export function gripperLines({ pose, width }: Omit<MarkedGrasp, "frame">): Vec3[] {
  const half = width / 2;
  const finger = 0.045;
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
