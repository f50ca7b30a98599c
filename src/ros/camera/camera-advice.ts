import type { Seconds } from "../../geometry/index.js";
import type { TopicInput } from "../topics/topic-input.js";
import type { ImageLoss } from "./image-loss.js";

/** Seconds without a message after which a topic counts as silent. */
const silentAfter: Seconds = 2;
/** Share of images that may be lost before it is a warning. */
const tolerableLoss = 0.2;
/** An image stamped further in the future than this was stamped by another clock. */
export const maxFuture: Seconds = 1;

const isSilent = ({ silence }: TopicInput): boolean => (silence ?? Number.POSITIVE_INFINITY) > silentAfter;

const clockAdvice =
  "synchronise the clocks of both machines (chrony or PTP), or set use_sim_time when a bag or simulator publishes /clock";

/** What lets large images through. */
const transportAdvice = ({ reliability }: TopicInput): string =>
  reliability === "reliable"
    ? "raise qos_depth or lower the camera's rate"
    : "start the camera with FASTRTPS_DEFAULT_PROFILES_FILE set to launch/config/fastdds.xml (docs/ros-api.md, Large images over best effort)";

/** Why images of a topic are missing, with the fix; undefined when enough arrive. */
export function lossProblem(input: TopicInput, loss: ImageLoss | undefined): string | undefined {
  if (loss === undefined || loss.arrived >= loss.sent * (1 - tolerableLoss)) return undefined;
  return `only ${loss.arrived} of the last ${loss.sent} images sent on ${input.topic} arrived; ${transportAdvice(input)}`;
}

/**
 * Why no usable colour image comes, with the fix: nobody sends, nothing arrives, or the stamps are of another clock.
 */
export function colourProblem(
  colour: TopicInput,
  maxAge: Seconds,
  loss: ImageLoss | undefined,
): string | undefined {
  if (colour.publishers === 0) return `nobody publishes ${colour.topic}; start the camera or remap the topic`;
  if (isSilent(colour)) return `${colour.topic} has a publisher but is silent; ${transportAdvice(colour)}`;
  const age = colour.lastAge ?? 0;
  if (maxAge > 0 && age > maxAge)
    return `images on ${colour.topic} are ${age.toFixed(1)} s old when they arrive and max_frame_age is ${maxAge} s, so they are dropped; ${clockAdvice}, or raise max_frame_age`;
  if (age < -maxFuture)
    return `images on ${colour.topic} are stamped ${(-age).toFixed(1)} s in the future; ${clockAdvice}`;
  return lossProblem(colour, loss);
}

/** Why no depth comes, hence no grasp, with the fix. */
export function depthTopicProblem(depth: TopicInput): string | undefined {
  if (depth.publishers === 0)
    return `nobody publishes ${depth.topic}, so there are no grasps; start depth, remap the topic or set use_depth to false`;
  if (isSilent(depth))
    return `${depth.topic} has a publisher but is silent, so there are no grasps; ${transportAdvice(depth)}`;
  return undefined;
}
