import { identityPose, type Pose, type Radians } from "../../geometry/index.js";
import { type Joint, jointsByChild, type Placement, type RobotDescription } from "./description.js";
import {
  concatenate,
  identityPlacement,
  matrixFromRpy,
  matrixWithZ,
  multiplyMatrices,
  placementOf,
  transposed,
} from "./placement.js";
import { guessTip } from "./tip.js";
import { unusable } from "./unusable.js";

const nameLinks = "name links of one chain with the parameters base_frame and tool_frame";

/** One moving joint of a chain, turned so that it acts about (or along) z of its own frame. */
export interface Segment {
  /** Joint frame at value 0, in the frame of the previous segment (of the base for the first). */
  readonly placement: Placement;
  readonly prismatic: boolean;
  /** Which of the chain's variables moves it, and how: value = multiplier * variable + offset (mimic joints). */
  readonly variable: number;
  readonly multiplier: number;
  readonly offset: number;
}

/** A link, rigidly fixed in a segment's frame; segment -1 is the base. */
export interface ChainBody {
  readonly link: string;
  readonly segment: number;
  readonly placement: Placement;
}

/** The joints from a base link to a tool, as numbers ready for the kinematics. */
export interface Chain {
  readonly base: string;
  readonly tip: string;
  /** Variables, base first: the joints a controller commands. */
  readonly joints: readonly string[];
  /** Radians; metres for prismatic joints; ±Infinity for continuous ones. */
  readonly lower: readonly Radians[];
  readonly upper: readonly Radians[];
  readonly velocity: readonly number[];
  readonly segments: readonly Segment[];
  /** Tool frame in the last segment's frame. */
  readonly tool: Placement;
  /**
   * All links that move with the chain or stand at its base. Fingers stand where `rest` says, or where their
   * joints are nearest to 0.
   */
  readonly bodies: readonly ChainBody[];
}

export interface ChainOptions {
  /** Default: the root of the tree. */
  readonly base?: string;
  /** Default: see {@link guessTip}. */
  readonly tip?: string;
  /**
   * Tool frame in the tip link's frame; origin between the fingertips, z along the approach, x along the closing
   * direction.
   */
  readonly tool?: Pose;
  /**
   * Positions of joints outside the chain, by name (fingers: opened, for collision checks). The others stand
   * nearest to 0.
   */
  readonly rest?: Readonly<Record<string, number>>;
}

/** The chain from base to tip. @throws GraspGroundingError ROBOT_DESCRIPTION when no controller could move it */
export function selectChain(robot: RobotDescription, options: ChainOptions = {}): Chain {
  const base = options.base ?? robot.root;
  const tip = options.tip ?? guessTip(robot);
  const carriers = jointsByChild(robot);
  const path = pathTo(robot, carriers, base, tip);
  path.forEach(checkUsable);
  const movable = path.filter((joint) => joint.type !== "fixed");
  const variables = movable.filter((joint) => joint.mimic === undefined);
  if (variables.length === 0) throw unusable(`nothing moves between ${base} and ${tip}`, nameLinks);
  const index = new Map(variables.map((joint, i) => [joint.name, i]));

  const segments: Segment[] = [];
  /** By link: the segment it is fixed to. */
  const places = new Map<string, ChainBody>([
    [base, { link: base, segment: -1, placement: identityPlacement }],
  ]);
  for (const joint of path) {
    const from = places.get(joint.parent)!;
    const origin = concatenate(from.placement, joint.origin);
    if (joint.type === "fixed") {
      places.set(joint.child, { link: joint.child, segment: from.segment, placement: origin });
      continue;
    }
    if (joint.type === "floating" || joint.type === "planar") {
      throw unusable(
        `joint ${joint.name} between ${base} and ${tip} is ${joint.type}, which no arm controller moves`,
        nameLinks,
      );
    }
    const turn = matrixWithZ(joint.axis);
    const { variable, multiplier, offset } = follow(robot, joint, index);
    segments.push({
      placement: { rotation: multiplyMatrices(origin.rotation, turn), translation: origin.translation },
      prismatic: joint.type === "prismatic",
      variable,
      multiplier,
      offset,
    });
    const placement = { rotation: transposed(turn), translation: [0, 0, 0] } as const;
    places.set(joint.child, { link: joint.child, segment: segments.length - 1, placement });
  }
  const bodies = allBodies(robot, carriers, places, options.rest ?? {});
  const limit = (name: "lower" | "upper" | "velocity") => variables.map((joint) => joint.limit![name]);
  return {
    base,
    tip,
    joints: variables.map((joint) => joint.name),
    lower: limit("lower"),
    upper: limit("upper"),
    velocity: limit("velocity").map((v) => (v > 0 ? v : Infinity)),
    segments,
    tool: concatenate(places.get(tip)!.placement, placementOf(options.tool ?? identityPose)),
    bodies,
  };
}

/** What a description may hold in a joint that an arm does not use. @throws GraspGroundingError ROBOT_DESCRIPTION */
function checkUsable({ name, axis, limit }: Joint): void {
  if (axis.every((v) => v === 0)) throw unusable(`the axis of joint ${name} is zero`, "give it a direction");
  if (limit === undefined) return;
  if (limit.lower > limit.upper)
    throw unusable(`joint ${name} has its lower limit above its upper one`, "swap the two");
  if (limit.velocity < 0)
    throw unusable(`joint ${name} has a negative velocity limit`, "give the limit's absolute value");
}

function pathTo(
  robot: RobotDescription,
  carriers: ReadonlyMap<string, Joint>,
  base: string,
  tip: string,
): Joint[] {
  for (const link of [base, tip])
    if (!robot.links.has(link)) throw unusable(`it has no link ${link}`, nameLinks);
  const path: Joint[] = [];
  for (let link = tip; link !== base; ) {
    const joint = carriers.get(link);
    if (joint === undefined) throw unusable(`link ${tip} does not hang on ${base}`, nameLinks);
    path.unshift(joint);
    link = joint.parent;
  }
  return path;
}

/** The variable that moves a joint: its own, or the one that it mimics, directly or through other joints. */
function follow(robot: RobotDescription, joint: Joint, index: ReadonlyMap<string, number>) {
  let multiplier = 1;
  let offset = 0;
  let at = joint;
  for (let hops = 0; at.mimic !== undefined; hops++) {
    if (hops > robot.joints.size)
      throw unusable(`joint ${joint.name} mimics itself`, "let it mimic another joint");
    offset += multiplier * at.mimic.offset;
    multiplier *= at.mimic.multiplier;
    const master = robot.joints.get(at.mimic.joint);
    if (master === undefined)
      throw unusable(`joint ${at.name} mimics ${at.mimic.joint}, which is not there`, "correct its <mimic>");
    at = master;
  }
  const variable = index.get(at.name);
  if (variable === undefined) {
    throw unusable(`joint ${joint.name} mimics ${at.name}, which is not part of the chain`, nameLinks);
  }
  return { variable, multiplier, offset };
}

/** Adds the links off the path: those that hang on a link of the chain move with it. */
function allBodies(
  robot: RobotDescription,
  carriers: ReadonlyMap<string, Joint>,
  places: Map<string, ChainBody>,
  rest: Readonly<Record<string, number>>,
): ChainBody[] {
  const find = (link: string): ChainBody | undefined => {
    const known = places.get(link);
    if (known !== undefined) return known;
    const joint = carriers.get(link);
    const from = joint === undefined ? undefined : find(joint.parent);
    if (joint === undefined || from === undefined) return undefined;
    const body = {
      link,
      segment: from.segment,
      placement: concatenate(from.placement, rested(joint, rest[joint.name] ?? 0)),
    };
    places.set(link, body);
    return body;
  };
  return [...robot.links.keys()].map(find).filter((body) => body !== undefined);
}

/** The placement that a joint outside the chain gives its child. */
function rested(joint: Joint, wanted: number): Placement {
  const { lower, upper } = joint.limit ?? { lower: 0, upper: 0 };
  const value = Math.min(Math.max(wanted, lower), upper);
  if (value === 0 || joint.axis.every((v) => v === 0)) return joint.origin;
  const turn = matrixWithZ(joint.axis);
  const [x, y, z] = joint.axis;
  if (joint.type === "prismatic") {
    return concatenate(joint.origin, {
      ...identityPlacement,
      translation: [x * value, y * value, z * value],
    });
  }
  const about = multiplyMatrices(multiplyMatrices(turn, matrixFromRpy(0, 0, value)), transposed(turn));
  return concatenate(joint.origin, { ...identityPlacement, rotation: about });
}
