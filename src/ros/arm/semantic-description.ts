import { namedPositions } from "../../arm/index.js";
import { describe } from "../../errors/index.js";
import type { Rcl, RclNode, RclSubscription } from "../rcl.js";
import { makeQos } from "../topics/qos.js";

type Named = Readonly<Record<string, readonly number[]>>;

/**
 * The named joint positions of the robot's SRDF: of a file, or of the topic `robot_description_semantic`, which
 * MoveIt's move_group publishes (transient local). The topic may come, and change, while the arm is in use.
 */
export class SemanticDescription {
  readonly #node: RclNode;
  readonly #subscription: RclSubscription | undefined;
  #text: string | undefined;
  #named: { readonly joints: readonly string[]; readonly positions: Named } | undefined;

  /** @param text of a usable SRDF file; undefined subscribes the topic */
  constructor(rcl: Rcl, node: RclNode, text: string | undefined) {
    this.#node = node;
    this.#text = text;
    if (text === undefined)
      this.#subscription = node.createSubscription(
        "std_msgs/msg/String",
        "robot_description_semantic",
        { qos: makeQos(rcl, 1, "reliable", true) },
        ({ data }: { data: string }) => this.#onText(data),
      );
  }

  /**
   * @param joints the chain's joints, in order
   * @returns joint positions in that order, radians (metres for prismatic joints), by name; none without an SRDF
   */
  named(joints: readonly string[]): Named {
    if (this.#text === undefined) return {};
    if (this.#named?.joints !== joints)
      this.#named = { joints, positions: namedPositions(this.#text, joints) };
    return this.#named.positions;
  }

  close(): void {
    if (this.#subscription !== undefined) this.#node.destroySubscription(this.#subscription);
  }

  #onText(text: string): void {
    try {
      namedPositions(text, []);
    } catch (error) {
      // The description before stays: an arm that is in use keeps its positions.
      this.#node.getLogger().error(`${this.#subscription!.topic}: ${describe(error)}`);
      return;
    }
    this.#text = text;
    this.#named = undefined;
  }
}
