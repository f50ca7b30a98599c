import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Grasp } from "../../grasping/index.js";
import { headerOf, poseMessage } from "../../messages/index.js";
import type { QueryResult, RequestedOutputs } from "../job.js";
import { makeQos } from "../qos.js";
import type { Rcl, RclNode, RclPublisher } from "../rcl.js";
import type { Finished } from "../scheduler.js";
import { annotations, detectionArray, graspArray, groundingMessage, markerArray } from "./result-messages.js";

/** Grasps of one result in the frame they are published in, or why there are none. */
export interface PlacedGrasps {
  readonly grasps: readonly Grasp[];
  readonly reason: string;
}

const topics = {
  detections: ["vision_msgs/msg/Detection2DArray", "~/detections"],
  grounding: ["grasp_grounding_interfaces/msg/Grounding", "~/grounding"],
  mask: ["sensor_msgs/msg/Image", "~/mask"],
  overlay: ["sensor_msgs/msg/Image", "~/overlay"],
  overlayCompressed: ["sensor_msgs/msg/CompressedImage", "~/overlay/compressed"],
  grasps: ["geometry_msgs/msg/PoseArray", "~/grasps"],
  graspPose: ["geometry_msgs/msg/PoseStamped", "~/grasp_pose"],
  markers: ["visualization_msgs/msg/MarkerArray", "~/markers"],
} as const;

type Output = keyof typeof topics | "annotations";

/** The node's result topics. Nothing is built or encoded that nobody subscribes to. */
export class Outputs {
  readonly #node: RclNode;
  readonly #publishers = new Map<Output, RclPublisher>();

  constructor(rcl: Rcl, node: RclNode) {
    this.#node = node;
    const qos = makeQos(rcl, 5, "reliable");
    for (const [name, [type, topic]] of Object.entries(topics))
      this.#publishers.set(name as Output, node.createPublisher(type, topic, { qos }));
    // Foxglove draws its own annotations; the package is optional on a robot.
    if (packageInstalled("foxglove_msgs"))
      this.#publishers.set(
        "annotations",
        node.createPublisher("foxglove_msgs/msg/ImageAnnotations", "~/annotations", { qos }),
      );
  }

  close(): void {
    for (const publisher of this.#publishers.values()) this.#node.destroyPublisher(publisher);
    this.#publishers.clear();
  }

  /** The images that have a subscriber now. */
  wanted(): RequestedOutputs {
    return {
      mask: this.#hasSubscriber("mask"),
      overlay: this.#hasSubscriber("overlay"),
      overlayCompressed: this.#hasSubscriber("overlayCompressed"),
    };
  }

  /** Publishes every result of a job; `place` gives each result's grasps in the frame they are published in. */
  async publish(finished: Finished, place: (result: QueryResult) => Promise<PlacedGrasps>): Promise<void> {
    const { done } = finished;
    this.#raw("mask", done.mask);
    this.#raw("overlay", done.overlay);
    this.#raw("overlayCompressed", done.overlayCompressed);
    for (const result of done.results) {
      this.#publish("detections", () => detectionArray(done, result));
      this.#publish("annotations", () => annotations(done, result));
      const placed = await place(result);
      this.#publish("grounding", () =>
        groundingMessage(done, result, placed.grasps, placed.reason, finished.skew),
      );
      this.#publish("grasps", () => graspArray(done, placed.grasps));
      this.#publish("markers", () => markerArray(done, result, placed.grasps));
      const best = placed.grasps[0];
      if (best !== undefined)
        this.#publish("graspPose", () => ({
          header: headerOf(done.stamp, best.frame),
          pose: poseMessage(best.pose),
        }));
    }
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
