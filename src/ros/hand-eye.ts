import { readFileSync } from "node:fs";
import { type HandEyeCalibration, parseHandEye } from "../calibration/index.js";
import { describe, GraspGroundingError } from "../errors/index.js";
import { type TfMessage, timeOf } from "../messages/index.js";
import type { Rcl, RclNode, RclPublisher } from "./rcl.js";
import { makeQos } from "./topics/qos.js";

/** Publishes a hand-eye calibration on /tf_static, for as long as the node is configured. */
export class HandEyeBroadcaster {
  /** What was published, for the node's own buffer: it must not wait for its own message to come round. */
  readonly message: TfMessage;
  readonly #node: RclNode;
  readonly #publisher: RclPublisher;

  /** @throws GraspGroundingError FILE_MISSING, FILE_UNREADABLE, CALIBRATION_FILE */
  constructor(rcl: Rcl, node: RclNode, path: string) {
    const calibration = read(path);
    this.#node = node;
    this.message = toTf(calibration, node.now().nanoseconds);
    this.#publisher = node.createPublisher("tf2_msgs/msg/TFMessage", "/tf_static", {
      qos: makeQos(rcl, 1, "reliable", true),
    });
    this.#publisher.publish(this.message);
    node
      .getLogger()
      .info(`publishing ${calibration.parent} -> ${calibration.child} of ${path} on /tf_static`);
  }

  close(): void {
    this.#node.destroyPublisher(this.#publisher);
  }
}

function read(path: string): HandEyeCalibration {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === "ENOENT"
      ? new GraspGroundingError("FILE_MISSING", { path }, { cause })
      : new GraspGroundingError("FILE_UNREADABLE", { path, detail: describe(cause) }, { cause });
  }
  return parseHandEye(text, path);
}

function toTf({ parent, child, transform }: HandEyeCalibration, now: bigint): TfMessage {
  const [x, y, z] = transform.position;
  const [qx, qy, qz, qw] = transform.orientation;
  return {
    transforms: [
      {
        header: { stamp: timeOf(now), frame_id: parent },
        child_frame_id: child,
        transform: { translation: { x, y, z }, rotation: { x: qx, y: qy, z: qz, w: qw } },
      },
    ],
  };
}
