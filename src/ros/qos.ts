import { durability, keepLast, type Qos, type Rcl, type RclEndpointInfo, reliability } from "./rcl.js";

export type ReliabilityChoice = "auto" | "reliable" | "best_effort";
export type Reliability = "reliable" | "best_effort";

const offered = (info: RclEndpointInfo): Reliability =>
  info.qos_profile.reliability === reliability.bestEffort ? "best_effort" : "reliable";

/**
 * What to ask for so that every publisher matches: reliable when all offer it, else best effort. Without publishers
 * best effort, which matches whatever comes.
 */
export function chooseReliability(
  choice: ReliabilityChoice,
  publishers: readonly RclEndpointInfo[],
): Reliability {
  if (choice !== "auto") return choice;
  return publishers.length > 0 && publishers.every((each) => offered(each) === "reliable")
    ? "reliable"
    : "best_effort";
}

/** Why a publisher's messages cannot arrive, with the fix; undefined when all match. */
export function qosProblem(
  topic: string,
  requested: Reliability,
  type: string,
  publishers: readonly RclEndpointInfo[],
): string | undefined {
  for (const info of publishers) {
    const who = `${info.node_namespace === "/" ? "" : info.node_namespace}/${info.node_name}`;
    if (info.topic_type !== type)
      return `${who} publishes ${info.topic_type} on ${topic}, but ${type} is read; check the topic name or remapping`;
    if (requested === "reliable" && offered(info) === "best_effort")
      return `${who} offers best effort on ${topic} and this node asks for reliable, so nothing arrives; set qos_reliability to auto or best_effort`;
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
