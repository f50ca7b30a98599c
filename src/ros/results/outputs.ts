import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe } from "../../errors/index.js";
import type { FrameId, Pose, Seconds } from "../../geometry/index.js";
import type { Grasp } from "../../grasping/index.js";
import { headerOf, poseMessage } from "../../messages/index.js";
import type { QueryResult, RequestedOutputs } from "../job.js";
import type { Rcl, RclNode, RclPublisher } from "../rcl.js";
import type { Finished } from "../scheduler.js";
import { makeQos } from "../topics/qos.js";
import { qosOverriding } from "../topics/qos-overrides.js";
import { CollisionObjects } from "./collision-objects.js";
import { type ObjectBox, objectBox } from "./object-box.js";
import {
  annotations,
  detection3dArray,
  detectionArray,
  graspArray,
  groundingMessage,
  type IdentifiedResult,
  markerArray,
  requestIds,
} from "./result-messages.js";
import { Tracker } from "./tracker.js";

/** Grasps of one result in the frame they are published in, or why there are none. */
export interface PlacedGrasps {
  readonly grasps: readonly Grasp[];
  readonly reason: string;
}

/** The frame of what is published in 3D; `pose` is the image's optical frame in it, undefined when TF lacks it. */
export interface TargetFrame {
  readonly frame: FrameId;
  readonly pose: Pose | undefined;
}

export interface PublishOptions {
  /** Each result's grasps in the frame they are published in. */
  readonly place: (result: QueryResult) => Promise<PlacedGrasps>;
  readonly target: () => Promise<TargetFrame>;
  /** Publish answers to requests too, where the message names the query. */
  readonly requests: boolean;
  readonly trackTimeout: Seconds;
}

const topics = {
  detections: ["vision_msgs/msg/Detection2DArray", "~/detections"],
  detections3d: ["vision_msgs/msg/Detection3DArray", "~/detections_3d"],
  grounding: ["grasp_grounding_interfaces/msg/Grounding", "~/grounding"],
  mask: ["sensor_msgs/msg/Image", "~/mask"],
  overlay: ["sensor_msgs/msg/Image", "~/overlay"],
  overlayCompressed: ["sensor_msgs/msg/CompressedImage", "~/overlay/compressed"],
  objectCloud: ["sensor_msgs/msg/PointCloud2", "~/object_cloud"],
  grasps: ["geometry_msgs/msg/PoseArray", "~/grasps"],
  graspPose: ["geometry_msgs/msg/PoseStamped", "~/grasp_pose"],
  markers: ["visualization_msgs/msg/MarkerArray", "~/markers"],
  // Their packages are optional on a robot.
  annotations: ["foxglove_msgs/msg/ImageAnnotations", "~/annotations"],
  collisionObjects: ["moveit_msgs/msg/CollisionObject", "~/collision_objects"],
} as const;

type Output = keyof typeof topics;

const optionalPackages = ["foxglove_msgs", "moveit_msgs"];

/** The node's result topics. Nothing is built or encoded that nobody subscribes to. */
export class Outputs {
  readonly #node: RclNode;
  readonly #publishers = new Map<Output, RclPublisher>();
  readonly #tracker = new Tracker();
  readonly #collisionObjects = new CollisionObjects();

  /** @throws GraspGroundingError ROS_PARAMETER for a `qos_overrides` value that is not allowed */
  constructor(rcl: Rcl, node: RclNode) {
    this.#node = node;
    // Before the first publisher, so that a wrong value leaves none behind.
    const overriding = (topic: string) => qosOverriding(rcl, node, node.resolveTopicName(topic), "publisher");
    for (const [, topic] of Object.values(topics)) overriding(topic);
    for (const name of Object.keys(topics) as Output[]) {
      const [type, topic] = topics[name];
      const packageName = type.split("/")[0]!;
      const isOptional = optionalPackages.includes(packageName);
      if (isOptional && !packageInstalled(packageName)) continue;
      const qosOverridingOptions = overriding(topic);
      try {
        const qos = makeQos(rcl, 5, "reliable");
        this.#publishers.set(name, node.createPublisher(type, topic, { qos, qosOverridingOptions }));
      } catch (error) {
        if (!isOptional) throw error;
        node.getLogger().warn(`${topic} is not offered: ${describe(error)}; run \`npm run ros:setup\` again`);
      }
    }
  }

  close(): void {
    for (const publisher of this.#publishers.values()) this.#node.destroyPublisher(publisher);
    this.#publishers.clear();
  }

  /** What has a subscriber now and costs something to prepare. */
  wanted(): RequestedOutputs {
    return {
      mask: this.#hasSubscriber("mask"),
      overlay: this.#hasSubscriber("overlay"),
      overlayCompressed: this.#hasSubscriber("overlayCompressed"),
      objectCloud: this.#hasSubscriber("objectCloud"),
      surfaces: this.#hasSubscriber("detections3d") || this.#hasSubscriber("collisionObjects"),
    };
  }

  /** Publishes a job's results of the topics' own query, and with `requests` answers to requests. */
  async publish(finished: Finished, options: PublishOptions): Promise<void> {
    const { done } = finished;
    this.#raw("mask", done.mask);
    this.#raw("overlay", done.overlay);
    this.#raw("overlayCompressed", done.overlayCompressed);
    this.#raw("objectCloud", done.objectCloud);
    for (const { result, origin } of finished.answers) {
      if (origin.source === "topic") {
        const boxes = result.objects.map(({ box }) => box);
        const { ids, ended } = this.#tracker.update(boxes, done.stamp, options.trackTimeout);
        const identified = { result, origin, ids };
        await this.#publishNamed(finished, identified, options, ended);
        this.#publish("annotations", () => annotations(done, result));
      } else if (options.requests) {
        await this.#publishNamed(finished, { result, origin, ids: requestIds(result, origin) }, options);
      }
    }
  }

  /** Publishes a grasp_grounding_interfaces/msg/Grounding that answers without an image. */
  answer(grounding: object): void {
    this.#publish("grounding", () => grounding);
  }

  /** Ends the tracks of the query before, and removes its objects from planning scenes. */
  forget(): void {
    this.#tracker.clear();
    for (const message of this.#collisionObjects.clear())
      this.#publishers.get("collisionObjects")?.publish(message);
  }

  /** Messages that name their query; for the topics' own query (`ended` is given) the others too. */
  async #publishNamed(
    finished: Finished,
    identified: IdentifiedResult,
    options: PublishOptions,
    ended?: readonly string[],
  ): Promise<void> {
    const { done } = finished;
    const { result } = identified;
    this.#publish("detections", () => detectionArray(done, identified));
    const placed = await options.place(result);
    this.#publish("grounding", () =>
      groundingMessage(done, identified, placed.grasps, placed.reason, finished.skew),
    );
    await this.#publishBoxes(finished, identified, options, ended);
    if (ended === undefined) return;
    this.#publish("grasps", () => graspArray(done, placed.grasps));
    this.#publish("markers", () => markerArray(done, result, placed.grasps));
    const best = placed.grasps[0];
    if (best !== undefined)
      this.#publish("graspPose", () => ({
        header: headerOf(done.stamp, best.frame),
        pose: poseMessage(best.pose),
      }));
  }

  async #publishBoxes(
    { done }: Finished,
    identified: IdentifiedResult,
    options: PublishOptions,
    ended: readonly string[] | undefined,
  ): Promise<void> {
    if (!this.#hasSubscriber("detections3d") && !this.#hasSubscriber("collisionObjects")) return;
    const { result, ids } = identified;
    const { frame, pose } = await options.target();
    const boxes = result.objects.map(({ surface }): ObjectBox | undefined =>
      surface === undefined || pose === undefined ? undefined : objectBox(surface, pose),
    );
    this.#publish("detections3d", () => detection3dArray(done, identified, frame, boxes));
    if (ended === undefined || !this.#hasSubscriber("collisionObjects")) return;
    const collisionBoxes = boxes.flatMap((box, i) =>
      box === undefined ? [] : [{ id: ids[i]!, query: result.query, box }],
    );
    const now = performance.now();
    for (const message of this.#collisionObjects.update(done.stamp, frame, collisionBoxes, ended, now))
      this.#publishers.get("collisionObjects")!.publish(message);
  }

  #hasSubscriber(name: Output): boolean {
    const publisher = this.#publishers.get(name);
    return publisher !== undefined && this.#node.countSubscribers(publisher.topic) > 0;
  }

  #publish(name: Output, message: () => object): void {
    if (this.#hasSubscriber(name)) this.#publishers.get(name)!.publish(message());
  }

  #raw(name: Output, cdr: Uint8Array | undefined): void {
    if (cdr !== undefined)
      this.#publishers.get(name)?.publish(Buffer.from(cdr.buffer, cdr.byteOffset, cdr.byteLength));
  }
}

/** Whether a ROS package is in the environment. */
export const packageInstalled = (name: string): boolean =>
  (process.env.AMENT_PREFIX_PATH ?? "")
    .split(delimiter)
    .some((prefix) => prefix !== "" && existsSync(join(prefix, "share", name, "package.xml")));
