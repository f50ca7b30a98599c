import { durability, keepLast, type Qos, type Rcl, type RclEndpointInfo, reliability } from "../rcl.js";

export type ReliabilityChoice = "auto" | "reliable" | "best_effort";
export type Reliability = "reliable" | "best_effort";
export type Durability = "volatile" | "transient_local";

/** The policies of a subscription that decide whether a publisher's messages arrive. */
export interface MatchedQos {
  readonly reliability: Reliability;
  readonly durability: Durability;
}

const offered = (info: RclEndpointInfo): Reliability =>
  info.qos_profile.reliability === reliability.bestEffort ? "best_effort" : "reliable";

const isTransientLocal = (info: RclEndpointInfo): boolean =>
  info.qos_profile.durability === durability.transientLocal;

/**
 * The reliability that every publisher matches: reliable when all offer it, else best effort. Without publishers
 * `unknown`, by default best effort, which matches every publisher.
 */
export function chooseReliability(
  choice: ReliabilityChoice,
  publishers: readonly RclEndpointInfo[],
  unknown: Reliability = "best_effort",
): Reliability {
  if (choice !== "auto") return choice;
  if (publishers.length === 0) return unknown;
  return publishers.every((each) => offered(each) === "reliable") ? "reliable" : "best_effort";
}

/**
 * The durability that every publisher matches: transient local when all offer it, so that a message sent before this
 * node started arrives too; else volatile.
 */
export const chooseDurability = (publishers: readonly RclEndpointInfo[]): Durability =>
  publishers.length > 0 && publishers.every(isTransientLocal) ? "transient_local" : "volatile";

/** Why a publisher's messages cannot arrive, with the fix; undefined when all match. */
export function qosProblem(
  topic: string,
  requested: MatchedQos,
  type: string,
  publishers: readonly RclEndpointInfo[],
): string | undefined {
  for (const info of publishers) {
    const who = `${info.node_namespace === "/" ? "" : info.node_namespace}/${info.node_name}`;
    if (info.topic_type !== type)
      return `${who} publishes ${info.topic_type} on ${topic}, but ${type} is read; check the topic name or remapping`;
    if (requested.reliability === "reliable" && offered(info) === "best_effort")
      return `${who} offers best effort on ${topic} and this node requests reliable, so nothing arrives; set qos_reliability to auto or best_effort, and remove qos_overrides of this topic`;
    if (requested.durability === "transient_local" && !isTransientLocal(info))
      return `${who} offers volatile durability on ${topic} and this node requests transient local, so nothing arrives; remove qos_overrides of this topic`;
  }
  return undefined;
}

export function makeQos(rcl: Rcl, depth: number, requested: Reliability, transientLocal = false): Qos {
  return new rcl.QoS(
    keepLast,
    depth,
    requested === "reliable" ? reliability.reliable : reliability.bestEffort,
    transientLocal ? durability.transientLocal : durability.volatile,
  );
}
