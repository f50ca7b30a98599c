import type { FrameId, Metres, Seconds, Stamp } from "../../geometry/index.js";
import { headerOf } from "../../messages/index.js";
import type { ObjectBox } from "./object-box.js";

/** An object as it is sent to a planning scene. */
export interface CollisionBox {
  /** The object's tracking id. */
  readonly id: string;
  readonly query: string;
  readonly box: ObjectBox;
}

/** moveit_msgs/msg/CollisionObject */
const operations = { add: 0, remove: 1 } as const;
/** shape_msgs/msg/SolidPrimitive */
const boxPrimitive = 1;

/** An object that moved or grew less than this is not sent again: MoveIt plans anew for every change of its scene. */
const tolerance: Metres = 0.005;
/** An unchanged object is sent again after this long, for a move_group that was started later. */
const repeatAfter: Seconds = 1;

interface Sent {
  readonly frame: FrameId;
  readonly box: ObjectBox;
  readonly at: number;
}

/**
 * The objects of the topics' query as boxes for a planning scene: moveit_msgs/msg/CollisionObject, one message an
 * object.
 * MoveIt adds each to its scene, or replaces the one with the same id, and removes it when the object's track ends.
 */
export class CollisionObjects {
  readonly #sent = new Map<string, Sent>();

  /**
   * @param ended tracking ids that will not come back.
   * @param now in milliseconds of the steady clock.
   * @returns the messages to publish.
   */
  update(
    stamp: Stamp,
    frame: FrameId,
    boxes: readonly CollisionBox[],
    ended: readonly string[],
    now: number,
  ): readonly object[] {
    const added = boxes.filter(({ id, box }) => !isCurrent(this.#sent.get(id), frame, box, now));
    for (const { id, box } of added) this.#sent.set(id, { frame, box, at: now });
    return [...this.#remove(ended), ...added.map((each) => addMessage(stamp, frame, each))];
  }

  /** @returns the messages that remove every object that was sent. */
  clear(): readonly object[] {
    return this.#remove([...this.#sent.keys()]);
  }

  #remove(ids: readonly string[]): readonly object[] {
    return ids.flatMap((id) => {
      const sent = this.#sent.get(id);
      this.#sent.delete(id);
      return sent === undefined ? [] : [removeMessage(sent.frame, id)];
    });
  }
}

function isCurrent(sent: Sent | undefined, frame: FrameId, box: ObjectBox, now: number): boolean {
  if (sent === undefined || sent.frame !== frame || now - sent.at > repeatAfter * 1e3) return false;
  return [0, 1, 2].every(
    (axis) =>
      Math.abs(sent.box.center[axis]! - box.center[axis]!) <= tolerance &&
      Math.abs(sent.box.size[axis]! - box.size[axis]!) <= tolerance,
  );
}

/** No slash: MoveIt reads what follows one as the name of a subframe. */
const objectName = (id: string): string => `grasp_grounding_${id}`;

const identity = { x: 0, y: 0, z: 0, w: 1 };

function addMessage(stamp: Stamp, frame: FrameId, { id, query, box }: CollisionBox): object {
  const [x, y, z] = box.center;
  return {
    header: headerOf(stamp, frame),
    id: objectName(id),
    type: { key: query, db: "" },
    pose: { position: { x, y, z }, orientation: identity },
    primitives: [{ type: boxPrimitive, dimensions: [...box.size] }],
    primitive_poses: [{ position: { x: 0, y: 0, z: 0 }, orientation: identity }],
    operation: operations.add,
  };
}

const removeMessage = (frame: FrameId, id: string): object => ({
  header: headerOf(0n, frame),
  id: objectName(id),
  operation: operations.remove,
});
