import { GraspGroundingError } from "../../errors/index.js";
import type { Rcl, RclNode } from "../rcl.js";

type Endpoint = "publisher" | "subscription";

/** The policies that ROS 2 names in `qos_overrides.<topic>.<endpoint>.<policy>`, and their values. */
const policies = {
  history: ["keep_last", "keep_all"],
  depth: undefined,
  reliability: ["reliable", "best_effort"],
  durability: ["volatile", "transient_local"],
} as const;

type Policy = keyof typeof policies;

const parameterName = (topic: string, endpoint: Endpoint, policy: Policy): string =>
  `qos_overrides.${topic}.${endpoint}.${policy}`;

/**
 * The value that was given at start for a policy of one endpoint; undefined when none was.
 * Source: the parameters that rclcpp and rclpy declare (design.ros2.org, "External configurability of QoS policies").
 * @param topic fully resolved, remappings applied.
 * @throws GraspGroundingError ROS_PARAMETER for a value that the policy does not have
 */
export function qosOverride(
  node: RclNode,
  topic: string,
  endpoint: Endpoint,
  policy: Policy,
): string | undefined {
  const name = parameterName(topic, endpoint, policy);
  const given = node.getParameterOverrides().find((each) => each.name === name);
  if (given === undefined) return undefined;
  const value = String(given.value);
  const allowed: readonly string[] | undefined = policies[policy];
  const fits = allowed === undefined ? /^[1-9]\d{0,5}$/.test(value) : allowed.includes(value);
  if (fits) return value;
  const detail = allowed === undefined ? "must be an integer from 1" : `must be one of ${allowed.join(", ")}`;
  throw new GraspGroundingError("ROS_PARAMETER", { name, detail: `${detail}, not "${value}"` });
}

/**
 * What rclnodejs declares for one endpoint: every policy as a read-only parameter, with the override applied.
 * `followed` are policies that follow the other side as long as nobody overrides them; they have no parameter until
 * then.
 * @throws GraspGroundingError ROS_PARAMETER as {@link qosOverride}
 */
export function qosOverriding(
  rcl: Rcl,
  node: RclNode,
  topic: string,
  endpoint: Endpoint,
  followed: readonly Policy[] = [],
): unknown {
  const { HISTORY, DEPTH, RELIABILITY, DURABILITY } = rcl.QoSPolicyKind;
  const kinds = { history: HISTORY, depth: DEPTH, reliability: RELIABILITY, durability: DURABILITY };
  const declared = (Object.keys(policies) as Policy[]).filter((policy) => {
    const given = qosOverride(node, topic, endpoint, policy);
    return given !== undefined || !followed.includes(policy);
  });
  return new rcl.QoSOverridingOptions(declared.map((policy) => kinds[policy]));
}
