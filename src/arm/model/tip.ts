import { type Joint, jointsByChild, type RobotDescription } from "./description.js";

/** Words in the names of joints that move a finger, or the whole of a gripper's fingers. */
const fingerJoints =
  /finger|thumb|knuckle|gripper|jaw|claw|phalan|(^|_)(index|middle|ring|little|pinky)(_|\d)/i;
/** A wrist's joint may be named for the gripper that it turns. */
const wristJoints = /wrist|roll|rot|yaw|pitch|turn|swivel/i;
/** Words in the names of the links that such joints move. "gripper" is none of them: a wrist moves a whole gripper. */
const fingerLinks = /finger|thumb|knuckle|jaw|claw|phalan|(^|_)prop(_|$)/i;
/** A branch of a hand is shorter than the arm that carries it, and has at most a thumb's joints (Shadow hand: 5). */
const maxFingerJoints = 5;
/** Arms have at least this many joints before their hand branches into fingers. */
const minArmJoints = 3;

/** Names of fixed links, best first. Cameras and other sensors sit on the last link as well, but do not grasp. */
const tipNames: readonly { readonly pattern: RegExp; readonly worth: number }[] = [
  {
    pattern:
      /camera|sensor|imu|laser|lidar|optical|force|torque|(^|_)ft(_|$)|mount|marker|light|led(_|$)|screen|cable|finger/i,
    worth: -1,
  },
  { pattern: /tcp|grasp/i, worth: 4 },
  { pattern: /tool/i, worth: 3 },
  { pattern: /end_?effector|(^|_)ee(f|_|$)/i, worth: 2 },
  { pattern: /gripper|hand|palm|flange/i, worth: 1 },
];

/**
 * The end effector's link: of the links that most single joints carry, and no finger, the one that its name calls tcp
 * or grasp, then tool, then end effector, then hand; the last of equals. Finger joints are recognised by their name,
 * or because the arm branches there into several short chains. Name the tip where a robot has several arms.
 */
export function guessTip(robot: RobotDescription): string {
  const tree = new JointTree(robot);
  let best: { link: string; rank: number } = { link: robot.root, rank: -Infinity };
  for (const link of robot.links.keys()) {
    const path = tree.movingPath(link);
    if (!isArm(path, tree)) continue;
    const rank = 10 * path.filter(isSingle).length + worthOf(link);
    if (rank >= best.rank) best = { link, rank };
  }
  return best.link;
}

const worthOf = (link: string): number => tipNames.find(({ pattern }) => pattern.test(link))?.worth ?? 0;

const moves = ({ type }: Joint): boolean =>
  type === "revolute" || type === "continuous" || type === "prismatic";

/** Moved by a motor of its own. */
const isSingle = (joint: Joint): boolean => joint.mimic === undefined && joint.axis.some((v) => v !== 0);

/** Whether these moving joints, base first, are an arm's, and not a finger's. */
function isArm(path: readonly Joint[], tree: JointTree): boolean {
  const last = path.at(-1);
  if (last === undefined || !isSingle(last)) return false;
  // A slide behind a whole arm is a finger; one of a gantry or a SCARA has fewer joints before it.
  if (last.type === "prismatic" && path.length > minArmJoints + 1) return false;
  return !path.some((joint, before) => tree.isFinger(joint, before));
}

/** The moving joints of a robot, without the fixed ones between them. */
class JointTree {
  readonly #carriers: ReadonlyMap<string, Joint>;
  /** Moving joints by the link that carries them, fixed joints between taken along. */
  readonly #branches = new Map<string, Joint[]>();
  readonly #lengths = new Map<string, number>();

  constructor(robot: RobotDescription) {
    this.#carriers = jointsByChild(robot);
    for (const joint of robot.joints.values()) {
      if (!moves(joint)) continue;
      const body = this.#body(joint.parent);
      const siblings = this.#branches.get(body);
      if (siblings === undefined) this.#branches.set(body, [joint]);
      else siblings.push(joint);
    }
  }

  /** The moving joints from the root to a link. */
  movingPath(link: string): Joint[] {
    const path: Joint[] = [];
    for (let joint = this.#carriers.get(link); joint !== undefined; joint = this.#carriers.get(joint.parent))
      if (moves(joint)) path.unshift(joint);
    return path;
  }

  /** Whether a joint belongs to a hand, when `before` moving joints carry it. */
  isFinger(joint: Joint, before: number): boolean {
    if (before > 0 && fingerLinks.test(joint.child)) return true;
    if (before > 0 && fingerJoints.test(joint.name) && !wristJoints.test(joint.name)) return true;
    if (before < minArmJoints) return false;
    const branches = this.#branches.get(this.#body(joint.parent)) ?? [];
    const [longest = 0, second = 0] = branches.map((each) => this.#length(each)).sort((a, b) => b - a);
    return second > 0 && longest < before && longest <= Math.min(maxFingerJoints, second + 1);
  }

  /** The link at the near end of the fixed joints that carry `link`: all of them move as one body. */
  #body(link: string): string {
    let at = link;
    for (let joint = this.#carriers.get(at); joint !== undefined && !moves(joint); ) {
      at = joint.parent;
      joint = this.#carriers.get(at);
    }
    return at;
  }

  /** The most moving joints one after the other from `joint` on, itself included. */
  #length(joint: Joint): number {
    const known = this.#lengths.get(joint.child);
    if (known !== undefined) return known;
    const further = (this.#branches.get(joint.child) ?? []).map((each) => this.#length(each));
    const length = 1 + Math.max(0, ...further);
    this.#lengths.set(joint.child, length);
    return length;
  }
}
