import type { FrameId, Pose, Seconds, Vec3 } from "../../geometry/index.js";
import type { Grasp } from "../../grasping/index.js";
import { languageName } from "../../grounding/index.js";
import { type Header, headerOf, poseMessage } from "../../messages/index.js";
import { annotationsMessage, markersMessage } from "../../visualization/index.js";
import type { FoundObject, JobResult, QueryResult } from "../job.js";
import type { Origin } from "../requests/origin.js";
import { commandMessages } from "./command-messages.js";
import type { ObjectBox } from "./object-box.js";

/** Plain messages of one query's result, as rclnodejs takes them. */

/** A result, the query that it answers, and the id of each of its objects. */
export interface IdentifiedResult {
  readonly result: QueryResult;
  readonly origin: Origin;
  readonly ids: readonly string[];
}

/** The ids of the objects in an answer to a request: unlike any id on the topics. */
export const requestIds = ({ objects }: QueryResult, { id }: Origin): readonly string[] =>
  objects.map((_, index) => `${id}/${index}`);

const point = ([x, y, z]: Vec3) => ({ x, y, z });

/** grasp_grounding_interfaces/msg/GraspCandidate */
export const graspMessage = (stampHeader: Header, grasp: Grasp) => ({
  pose: { header: { stamp: stampHeader.stamp, frame_id: grasp.frame }, pose: poseMessage(grasp.pose) },
  width: grasp.width,
  score: grasp.score,
  force: grasp.force ?? Number.NaN,
});

const objectMessage = (header: Header, object: FoundObject, id: string) => ({
  x1: object.box[0],
  y1: object.box[1],
  x2: object.box[2],
  y2: object.box[3],
  score: object.score,
  mask: {
    header,
    height: object.maskHeight,
    width: object.maskWidth,
    encoding: "mono8",
    is_bigendian: 0,
    step: object.maskWidth,
    data: object.mask,
  },
  mask_x: object.maskX,
  mask_y: object.maskY,
  has_position: object.position !== undefined,
  position: point(object.position ?? [0, 0, 0]),
  id,
  target: object.target,
});

/** Why nothing was found. */
function notFoundReason({ found, certainty, language }: QueryResult): string {
  if (found) return "";
  if (language !== undefined && language.translated === undefined)
    return `the query is in ${languageName(language.code)}; only English is understood`;
  return certainty === "unsure"
    ? "the model is not sure that the described object is in the image"
    : "the described object is not in the image";
}

/** grasp_grounding_interfaces/msg/Grounding; `grasps` in the frame they are to be published in. */
export function groundingMessage(
  done: JobResult,
  { result, origin, ids }: IdentifiedResult,
  grasps: readonly Grasp[],
  graspReason: string,
  skew: Seconds | undefined,
) {
  const header = headerOf(done.stamp, done.frameId);
  // Named apart from `decode`, the run of the model's decoder.
  const stages = Object.entries({ image: done.decodeMs, ...result.timings });
  return {
    header,
    query: result.query,
    model: result.model,
    found: result.found,
    reason: notFoundReason(result),
    presence: result.presence,
    certainty: result.certainty,
    has_closest: result.closest !== undefined,
    closest_x: result.closest?.point[0] ?? 0,
    closest_y: result.closest?.point[1] ?? 0,
    closest_probability: result.closest?.probability ?? 0,
    width: done.width,
    height: done.height,
    objects: result.objects.map((each, index) => objectMessage(header, each, ids[index]!)),
    grasps: grasps.map((each) => graspMessage(header, each)),
    grasp_reason: graspReason,
    stages: stages.map(([stage]) => stage),
    stage_durations: stages.map(([, ms]) => ms / 1e3),
    depth_skew: skew ?? Number.NaN,
    source: origin.source,
    query_id: origin.id,
    commands: commandMessages(result.command),
    language: result.language?.code ?? "",
    translation: result.language?.translated ?? "",
    question: result.question?.text ?? "",
    question_labels: [...(result.question?.labels ?? [])],
    destination: (result.destination ?? []).map(({ phrase, object }) =>
      objectMessage(header, object, phrase),
    ),
    places: placeMessages(
      done,
      (result.places?.spots ?? []).map(({ pose }) => pose),
    ),
    place_reason: result.places?.reason ?? "",
  };
}

/** geometry_msgs/msg/PoseStamped of each place, in the image's frame. */
export const placeMessages = (done: JobResult, places: readonly Pose[]) =>
  places.map((pose) => ({ header: headerOf(done.stamp, done.frameId), pose: poseMessage(pose) }));

/** vision_msgs/msg/Detection2DArray */
export function detectionArray(done: JobResult, { result, ids }: IdentifiedResult) {
  const header = headerOf(done.stamp, done.frameId);
  return {
    header,
    detections: result.objects.map(({ box: [x1, y1, x2, y2], score, position }, index) => ({
      header,
      results: [hypothesis(result.query, score, position ?? [0, 0, 0])],
      bbox: {
        center: { position: { x: (x1 + x2) / 2, y: (y1 + y2) / 2 }, theta: 0 },
        size_x: x2 - x1,
        size_y: y2 - y1,
      },
      id: ids[index]!,
    })),
  };
}

const unturned = { x: 0, y: 0, z: 0, w: 1 };

const hypothesis = (query: string, score: number, position: Vec3) => ({
  hypothesis: { class_id: query, score },
  pose: {
    pose: { position: point(position), orientation: unturned },
    covariance: new Array<number>(36).fill(0),
  },
});

/** vision_msgs/msg/Detection3DArray in `frame`; an object without a box has no depth and is skipped. */
export function detection3dArray(
  done: JobResult,
  { result, ids }: IdentifiedResult,
  frame: FrameId,
  boxes: readonly (ObjectBox | undefined)[],
) {
  const header = headerOf(done.stamp, frame);
  return {
    header,
    detections: result.objects.flatMap(({ score }, index) => {
      const box = boxes[index];
      if (box === undefined) return [];
      return {
        header,
        results: [hypothesis(result.query, score, box.center)],
        bbox: { center: { position: point(box.center), orientation: unturned }, size: point(box.size) },
        id: ids[index]!,
      };
    }),
  };
}

/** geometry_msgs/msg/PoseArray in the grasps' frame; without grasps an empty one in the image's. */
export const graspArray = (done: JobResult, grasps: readonly Grasp[]) => ({
  header: headerOf(done.stamp, grasps[0]?.frame ?? done.frameId),
  poses: grasps.map(({ pose }) => poseMessage(pose)),
});

/** visualization_msgs/msg/MarkerArray: clears what was drawn, then objects with their scores, and grippers. */
export function markerArray(done: JobResult, result: QueryResult, grasps: readonly Grasp[]) {
  const objects = result.objects.flatMap(({ position, score }) =>
    position === undefined ? [] : [{ position, label: `${result.query} ${score.toFixed(2)}` }],
  );
  return markersMessage(headerOf(done.stamp, done.frameId), objects, grasps);
}

/** foxglove_msgs/msg/ImageAnnotations */
export const annotations = (done: JobResult, result: QueryResult) =>
  annotationsMessage(
    headerOf(done.stamp, done.frameId),
    result.objects.map(({ box, score }) => ({ box, score, label: result.query })),
  );
