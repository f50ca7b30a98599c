import { describe, expect, it } from "vitest";
import { type Chain, guessTip, Kinematics, parseUrdf, selectChain } from "../../../src/arm/index.js";
import { GraspGroundingError } from "../../../src/errors/index.js";
import { type Random, seededRandom } from "../../../src/geometry/index.js";
import { runPython } from "../../support/python.js";
import { randomConfiguration } from "./robots.js";
import { finger, joint, limit, link, robot, serialArm } from "./urdf-shapes.js";

/** Files as people have them, by what is odd in each. Tools that export URDFs write all of these. */
const base = link("a", "b");
const odd: Readonly<Record<string, string>> = {
  "as it should be": robot(base, joint("j", "a", "b")),
  "a zero axis on a fixed joint": robot(base, joint("j", "a", "b", "fixed", '<axis xyz="0 0 0"/>')),
  "no numbers as the axis of a fixed joint": robot(base, joint("j", "a", "b", "fixed", '<axis xyz="- -"/>')),
  "limits in reverse on a fixed joint": robot(
    base,
    joint("j", "a", "b", "fixed", '<limit lower="2" upper="1" effort="0" velocity="0"/>'),
  ),
  "a mimic on a fixed joint": robot(base, joint("j", "a", "b", "fixed", '<mimic joint="none"/>')),
  "a zero axis on a floating joint": robot(base, joint("j", "a", "b", "floating", '<axis xyz="0 0 0"/>')),
  "a zero axis on a planar joint": robot(base, joint("j", "a", "b", "planar", '<axis xyz="0 0 0"/>')),
  "a zero axis on a moving joint": robot(
    base,
    joint("j", "a", "b", "revolute", `<axis xyz="0 0 0"/>${limit}`),
  ),
  "an axis without numbers": robot(base, joint("j", "a", "b", "revolute", `<axis/>${limit}`)),
  "limits in reverse": robot(
    base,
    joint("j", "a", "b", "revolute", '<limit lower="2" upper="1" effort="0" velocity="1"/>'),
  ),
  "a mimic of a joint that is not there": robot(
    base,
    joint("j", "a", "b", "revolute", `${limit}<mimic joint="none"/>`),
  ),
  "a continuous joint without limits": robot(base, joint("j", "a", "b", "continuous", "")),
  "an empty collision": robot('<link name="a"><collision/></link>', link("b"), joint("j", "a", "b")),
  "an empty geometry": robot(
    '<link name="a"><collision><geometry/></collision></link>',
    link("b"),
    joint("j", "a", "b"),
  ),
  "a collision shape that URDF does not have": robot(
    '<link name="a"><collision><geometry><cone/></geometry></collision></link>',
    link("b"),
    joint("j", "a", "b"),
  ),
  "an empty visual": robot('<link name="a"><visual/></link>', link("b"), joint("j", "a", "b")),
  "two hyphens in a comment": robot("<!-- ---- gripper -- 2 --->", base, joint("j", "a", "b")),
  "space before the declaration": ` \n\t${robot(base, joint("j", "a", "b"))}`,
  "a byte order mark": `\ufeff${robot(base, joint("j", "a", "b"))}`,
  "two declarations": `<?xml version="1.0"?>${robot(base, joint("j", "a", "b"))}`,
  "a bare ampersand": robot('<material name="nuts & bolts"/>', base, joint("j", "a", "b")),
  "a bare bracket": robot('<material name="a<b"/>', base, joint("j", "a", "b")),
  "no space between attributes": robot('<material name="m"id="1"/>', base, joint("j", "a", "b")),
  "a control character": robot('<material name="m\x01"/>', base, joint("j", "a", "b")),
  "text between elements": robot("a remark", base, joint("j", "a", "b")),
  "elements of an extension": robot(base, joint("j", "a", "b"), '<xacro:macro name="m"/><gazebo/>'),
  "two joints to one link": robot(
    link("a", "b", "c"),
    joint("j", "a", "b"),
    joint("k", "b", "c"),
    joint("l", "a", "c"),
  ),
  "a ring beside the tree": robot(link("a", "b", "c"), joint("j", "b", "c"), joint("k", "c", "b")),
  "a comment that does not end": robot(base, joint("j", "a", "b"), "<!-- x"),
  "no limits": robot(base, joint("j", "a", "b", "revolute", "")),
  "two roots": robot(link("a", "b", "c"), joint("j", "a", "b")),
  "a link that is not there": robot(base, joint("j", "a", "b"), joint("k", "b", "x")),
  "two numbers as an axis": robot(base, joint("j", "a", "b", "revolute", `<axis xyz="0 0"/>${limit}`)),
  "a joint type that URDF does not have": robot(base, joint("j", "a", "b", "spherical")),
  "a hexadecimal number": robot(base, joint("j", "a", "b", "fixed", '<origin xyz="0 0 0x10"/>')),
  "a decimal comma": robot(base, joint("j", "a", "b", "fixed", '<origin xyz="0 0 0,3"/>')),
  "a number that begins with a point": robot(
    base,
    joint("j", "a", "b", "fixed", '<origin xyz="0 -.5 +3.e-1"/>'),
  ),
  "a box of negative size": robot(
    '<link name="a"><collision><geometry><box size="-1 1 1"/></geometry></collision></link>',
    link("b"),
    joint("j", "a", "b"),
  ),
  "limits in degrees": robot(
    base,
    joint("j", "a", "b", "revolute", '<limit lower="-180" upper="180" effort="0" velocity="1"/>'),
  ),
  "no links": robot(),
  "a link twice": robot(base, base, joint("j", "a", "b")),
};
/** Read by urdfdom, which takes one of two joints or drops the ring. An arm must not be guessed from such a file. */
const refusedAllTheSame = ["two joints to one link", "a ring beside the tree"];

interface Answer {
  readonly accepted: boolean;
  readonly poses: readonly { readonly rotation: number[]; readonly translation: number[] }[];
}
const askUrdfdom = (tasks: object): Record<string, Answer> =>
  JSON.parse(runPython("test/unit/arm/reference/urdfdom.py", [], JSON.stringify(tasks)));

function refusal(text: string): GraspGroundingError | undefined {
  try {
    parseUrdf(text);
    return undefined;
  } catch (error) {
    if (error instanceof GraspGroundingError) return error;
    throw error;
  }
}

describe("a description is read where urdfdom reads it", () => {
  const answers = askUrdfdom(Object.fromEntries(Object.entries(odd).map(([name, urdf]) => [name, { urdf }])));
  it.each(Object.keys(odd))("%s", (name) => {
    const refused = refusal(odd[name]!);
    const { accepted } = answers[name]!;
    expect(refused === undefined).toBe(accepted && !refusedAllTheSame.includes(name));
    // Its own checker is the remedy only for what it refuses.
    if (refused !== undefined) expect(refused.message.includes("check_urdf")).toBe(!accepted);
  });

  it.each([
    ["two hyphens in a comment", "not well-formed"],
    ["space before the declaration", "not well-formed"],
    ["a mimic of a joint that is not there", "mimics none"],
    ["a zero axis on a moving joint", "axis of joint j is zero"],
    ["an empty collision", "no geometry"],
    ["a box of negative size", "negative side"],
    ["limits in degrees", "-180 to 180 rad, look like degrees"],
  ])("%s: with a warning", (name, says) => {
    expect(parseUrdf(odd[name]!).warnings).toEqual([expect.stringContaining(says)]);
  });

  it("without a warning where nothing is left out", () => {
    for (const name of ["as it should be", "a zero axis on a fixed joint", "a mimic on a fixed joint"])
      expect(parseUrdf(odd[name]!).warnings).toEqual([]);
  });

  it.each([
    ["a zero axis on a moving joint", "zero"],
    ["limits in reverse", "above"],
    ["a mimic of a joint that is not there", "nothing moves"],
  ])("%s: no chain uses it", (name, says) => {
    expect(() => selectChain(parseUrdf(odd[name]!), { tip: "b" })).toThrowError(says);
  });
});

describe("the default tip is the arm's end effector", () => {
  const six = serialArm(6);
  const two = [0, 1];
  const shapes: Readonly<Record<string, readonly [string, string, number]>> = {
    "bare arm": [robot(...six), "link_6", 6],
    "arm with a tool frame and a camera": [
      robot(
        ...six,
        link("tool0", "camera_link"),
        joint("t", "link_6", "tool0", "fixed"),
        joint("c", "link_6", "camera_link", "fixed"),
      ),
      "tool0",
      6,
    ],
    // Kinova Jaco: three fingers of two joints, none of which mimics another.
    "three fingers of two joints": [
      robot(
        ...serialArm(7),
        link("j2s7s300_end_effector"),
        joint("e", "link_7", "j2s7s300_end_effector", "fixed"),
        ...[1, 2, 3].map((k) => finger(`j2s7s300_joint_finger_${k}`, "link_7", 2)),
      ),
      "j2s7s300_end_effector",
      7,
    ],
    "fingers that nothing in their names tells": [
      robot(
        ...six,
        link("p"),
        joint("f", "link_6", "p", "fixed"),
        ...[1, 2, 3, 4].map((k) => finger(`m${k}`, "p", 4)),
      ),
      "p",
      6,
    ],
    // Interbotix: a turning prop, and two sliding fingers with a frame between them.
    "a gripper's motor with a prop": [
      robot(
        ...serialArm(5),
        link("gripper_link", "ee_arm_link", "gripper_prop_link", "fingers_link", "ee_gripper_link"),
        joint("ee_arm", "link_5", "ee_arm_link", "fixed"),
        joint("gripper_fixed", "ee_arm_link", "gripper_link", "fixed"),
        joint("gripper", "gripper_link", "gripper_prop_link", "continuous"),
        joint("bar", "gripper_link", "fingers_link", "fixed"),
        ...two.map((k) => finger(`slide_${k}`, "fingers_link", 1, "prismatic")),
        joint("ee", "fingers_link", "ee_gripper_link", "fixed"),
      ),
      "ee_gripper_link",
      5,
    ],
    // PR2: a lift, two arms and a head on it, wheels below, and fingers with tips that mimic.
    "two arms, a head and wheels": [
      robot(
        link("base", "torso"),
        joint("lift", "base", "torso", "prismatic"),
        ...two.map((k) => finger(`wheel_${k}`, "base", 2)),
        finger("head", "torso", 2),
        ...["r", "l"].flatMap((side) => [
          ...serialArm(7, `${side}_`, "torso"),
          link(`${side}_gripper_palm_link`, `${side}_gripper_tool_frame`),
          joint(`${side}_palm`, `${side}_link_7`, `${side}_gripper_palm_link`, "fixed"),
          joint(`${side}_tool`, `${side}_gripper_palm_link`, `${side}_gripper_tool_frame`, "fixed"),
          ...["l", "r"].map((f) => finger(`${side}_gripper_${f}_finger`, `${side}_gripper_palm_link`, 2)),
          finger(`${side}_gripper_motor_slider`, `${side}_gripper_palm_link`, 2, "prismatic"),
        ]),
      ),
      "l_gripper_tool_frame",
      8,
    ],
    // xArm: one knuckle is driven, the others mimic it.
    "knuckles that mimic": [
      robot(
        ...six,
        link("gripper_base", "outer_left", "inner_left", "outer_right", "link_tcp"),
        joint("g", "link_6", "gripper_base", "fixed"),
        joint("drive_joint", "gripper_base", "outer_left"),
        joint("m1", "gripper_base", "inner_left", "revolute", `${limit}<mimic joint="drive_joint"/>`),
        joint("m2", "gripper_base", "outer_right", "revolute", `${limit}<mimic joint="drive_joint"/>`),
        joint("t", "gripper_base", "link_tcp", "fixed"),
      ),
      "link_tcp",
      6,
    ],
    // SO-ARM: a single jaw, and a wrist whose body is called gripper.
    "one jaw": [
      robot(
        ...serialArm(4),
        link("gripper", "moving_jaw"),
        joint("wrist_roll", "link_4", "gripper"),
        joint("jaw", "gripper", "moving_jaw"),
      ),
      "gripper",
      5,
    ],
    "a slide behind a whole arm": [robot(...six, finger("slide", "link_6", 1, "prismatic")), "link_6", 6],
    "a SCARA": [
      robot(
        ...serialArm(2),
        link("z", "spindle"),
        joint("z", "link_2", "z", "prismatic"),
        joint("spin", "z", "spindle"),
      ),
      "spindle",
      4,
    ],
    "a gantry": [robot(...serialArm(3, "", "base_link", "prismatic")), "link_3", 3],
    // A four-bar linkage: its passive rods hang on the lower arm.
    "an arm with a passive rod": [robot(...six, finger("rod", "link_3", 1)), "link_6", 6],
  };
  it.each(Object.entries(shapes))("%s", (_, [urdf, tip, joints]) => {
    const parsed = parseUrdf(urdf);
    expect(guessTip(parsed)).toBe(tip);
    expect(selectChain(parsed).joints).toHaveLength(joints);
  });
});

describe("robots of example-robot-data", () => {
  const urdfs = JSON.parse(runPython("test/unit/arm/reference/urdfdom.py", ["--real"])) as Record<
    string,
    string
  >;
  const answers = askUrdfdom(
    Object.fromEntries(Object.entries(urdfs).map(([name, urdf]) => [name, taskOf(urdf)])),
  );

  it("there are many", () => expect(Object.keys(urdfs).length).toBeGreaterThan(60));

  it.each(Object.keys(urdfs))("%s: as urdfdom reads it, frames as Pinocchio has them", (name) => {
    const answer = answers[name]!;
    const task = taskOf(urdfs[name]!);
    expect(refusal(urdfs[name]!) === undefined).toBe(answer.accepted);
    if (task.chain === undefined) return;
    const kinematics = new Kinematics(task.chain);
    expect(answer.poses).toHaveLength(task.configurations.length);
    for (const [i, pose] of answer.poses.entries()) {
      kinematics.update(task.configurations[i]!);
      const last = task.chain.segments.length;
      const ours = [
        ...kinematics.rotations.subarray(last * 9, last * 9 + 9),
        ...kinematics.origins.subarray(last * 3, last * 3 + 3),
      ];
      for (const [k, value] of [...pose.rotation, ...pose.translation].entries())
        expect(Math.abs(ours[k]! - value)).toBeLessThan(1e-9);
    }
  });

  it.each([
    ["kinova", "j2s6s200_end_effector"],
    ["pr2", "l_gripper_tool_frame"],
    ["baxter", "right_gripper"],
    ["panda", "panda_hand_tcp"],
    ["so101", "gripper_frame_link"],
    ["tiago", "hand_mrl_link"],
    ["ur5_gripper", "tool0"],
    ["xarm7", "link_eef"],
  ])("%s: its tip is %s", (name, tip) => expect(guessTip(parseUrdf(urdfs[name]!))).toBe(tip));
});

/** What Pinocchio is asked of one robot: the default chain in ten joint configurations. */
function taskOf(urdf: string): {
  readonly urdf: string;
  readonly base?: string;
  readonly tip?: string;
  readonly joints?: readonly string[];
  readonly configurations: readonly number[][];
  readonly chain?: Chain;
} {
  const random: Random = seededRandom(5);
  try {
    const chain = selectChain(parseUrdf(urdf));
    const configurations = Array.from({ length: 10 }, () => randomConfiguration(chain, random));
    return { urdf, base: chain.base, tip: chain.tip, joints: chain.joints, configurations, chain };
  } catch (error) {
    if (!(error instanceof GraspGroundingError)) throw error;
    return { urdf, configurations: [] };
  }
}
