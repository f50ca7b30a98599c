import { describe, expect, it } from "vitest";
import { guessTip, Kinematics, parseUrdf, selectChain } from "../../../src/arm/index.js";
import { chainOf, descriptions } from "./robots.js";

const link = (...names: string[]) => names.map((name) => `<link name="${name}"/>`).join("");
const joint = (name: string, parent: string, child: string, body = "", type = "revolute") =>
  `<joint name="${name}" type="${type}"><parent link="${parent}"/><child link="${child}"/>` +
  `${body || '<limit lower="-1" upper="2" velocity="3" effort="1"/>'}</joint>`;
const robot = (...parts: string[]) => `<?xml version="1.0"?><robot name="r">${parts.join("")}</robot>`;

describe("what is read", () => {
  it("joints with origin, axis, limits and mimic", () => {
    const text = robot(
      link("a", "b", "c"),
      joint(
        "j",
        "a",
        "b",
        '<origin xyz="1 2 3" rpy="0 0 1.5707963267948966"/><axis xyz="0 0 2"/><limit lower="-1" upper="2" velocity="3"/>',
      ),
      joint("k", "b", "c", '<mimic joint="j" multiplier="-2" offset="0.5"/><limit upper="1" velocity="1"/>'),
    );
    const parsed = parseUrdf(text);
    const j = parsed.joints.get("j")!;
    expect(parsed.root).toBe("a");
    expect(j).toMatchObject({ axis: [0, 0, 1], limit: { lower: -1, upper: 2, velocity: 3 } });
    expect(j.origin.translation).toEqual([1, 2, 3]);
    for (const [i, v] of [0, -1, 0, 1, 0, 0, 0, 0, 1].entries())
      expect(j.origin.rotation[i]).toBeCloseTo(v, 12);
    expect(parsed.joints.get("k")?.mimic).toEqual({ joint: "j", multiplier: -2, offset: 0.5 });
  });

  it("collision shapes of every kind", () => {
    const shapes =
      '<sphere radius="0.1"/>|<cylinder radius="0.1" length="1"/>|<capsule radius="0.1" length="1"/>|<box size="1 2 3"/>|<mesh filename="package://p/m.stl" scale="0.001 0.001 0.001"/>';
    const collisions = shapes.split("|").map((s) => `<collision><geometry>${s}</geometry></collision>`);
    const parsed = parseUrdf(robot(`<link name="a">${collisions.join("")}</link>`));
    expect(parsed.links.get("a")?.collisions.map((shape) => shape.kind)).toEqual([
      "sphere",
      "cylinder",
      "capsule",
      "box",
      "mesh",
    ]);
  });

  it("a mimic joint within a chain moves with its master", () => {
    const text = robot(
      link("a", "b", "c"),
      joint("j", "a", "b", '<axis xyz="0 0 1"/><limit lower="-1" upper="1" velocity="1"/>'),
      joint(
        "k",
        "b",
        "c",
        '<origin xyz="1 0 0"/><axis xyz="0 0 1"/><mimic joint="j" multiplier="-1"/><limit lower="-1" upper="1" velocity="1"/>',
      ),
    );
    const chain = selectChain(parseUrdf(text), { tip: "c" });
    expect(chain.joints).toEqual(["j"]);
    const kinematics = new Kinematics(chain);
    const pose = kinematics.forward([0.5]);
    expect(pose.orientation[2]).toBeCloseTo(0, 12);
    expect(pose.position[0]).toBeCloseTo(Math.cos(0.5), 12);
    kinematics.updateJacobian();
    expect(kinematics.jacobian[5]).toBeCloseTo(0, 12);
    expect(kinematics.jacobian[1]).toBeCloseTo(Math.cos(0.5), 12);
  });

  it("a prismatic joint along any axis", () => {
    const text = robot(
      link("a", "b"),
      joint("j", "a", "b", '<axis xyz="1 1 0"/><limit lower="0" upper="1" velocity="1"/>', "prismatic"),
    );
    const kinematics = new Kinematics(selectChain(parseUrdf(text), { tip: "b" }));
    const { position } = kinematics.forward([0.5]);
    expect(kinematics.toolVelocity([0.5], [2])[1]).toBeCloseTo(Math.SQRT2, 12);
    expect(position[0]).toBeCloseTo(0.5 * Math.SQRT1_2, 12);
    expect(position[1]).toBeCloseTo(0.5 * Math.SQRT1_2, 12);
  });
});

describe("real robots", () => {
  const urdfs = descriptions(["panda", "panda_collision", "xarm7", "gen3", "iiwa"]);

  it.each([
    ["panda", "panda_hand_tcp"],
    ["gen3", "tool0"],
    ["iiwa", "tool0"],
  ])("%s: the tool is found without being named", (name, tip) => {
    expect(guessTip(parseUrdf(urdfs[name]!))).toBe(tip);
  });

  it("a finger beside the chain stands where it was asked to", () => {
    const bodies = (rest: number) =>
      selectChain(parseUrdf(urdfs.panda!), {
        tip: "panda_hand_tcp",
        rest: { panda_finger_joint1: rest },
      }).bodies.find(({ link }) => link === "panda_leftfinger")!.placement.translation;
    const [closed, open] = [bodies(0), bodies(0.04)];
    expect(Math.hypot(...open.map((v, i) => v - closed[i]!))).toBeCloseTo(0.04, 9);
  });

  it("an origin turned by a quaternion is one turned by the same angles", () => {
    const turned = (turn: string) =>
      parseUrdf(
        robot(link("a", "b"), joint("j", "a", "b", `<origin xyz="0 0 1" ${turn}/><limit velocity="1"/>`)),
      )
        .joints.get("j")!
        .origin.rotation.map((value) => Number(value.toFixed(6)) + 0);
    expect(turned('quat_xyzw="0.7071068 0 0 0.7071068"')).toEqual(turned('rpy="1.5707963 0 0"'));
  });

  it("limits and speeds come from the description", () => {
    const chain = chainOf("panda", urdfs.panda!);
    expect(chain.joints[3]).toBe("panda_joint4");
    expect([chain.lower[3], chain.upper[3], chain.velocity[3]]).toEqual([-3.0718, -0.0698, 2.175]);
    expect(chainOf("gen3", urdfs.gen3!).upper[0]).toBe(Infinity);
  });
});

describe("what is refused, and says why", () => {
  const two = link("a", "b");
  it.each([
    ["", "empty"],
    ["<robot", "not well-formed"],
    ["<model/>", "<model>"],
    [robot(), "no links"],
    [robot(link("a", "a")), "twice"],
    [robot("<link/>"), "no name"],
    [robot(two), "several roots"],
    [robot(two, joint("j", "a", "b"), joint("j", "a", "b")), "twice"],
    [robot(two, joint("j", "a", "b"), joint("k", "a", "b")), "two joints"],
    [robot(two, joint("j", "a", "b"), joint("k", "b", "a")), "ring"],
    [robot(link("a", "b", "c"), joint("j", "b", "c"), joint("k", "c", "b")), "ring"],
    [robot(two, joint("j", "a", "x")), "which is not there"],
    [robot(two, joint("j", "a", "b", "", "hinge")), "unknown type"],
    [robot(two, '<joint name="j" type="fixed"/>'), "parent and child"],
    [robot(two, joint("j", "a", "b", "<x/>")), "no <limit>"],
    [robot(two, joint("j", "a", "b", '<axis xyz="0 0"/>')), "three numbers"],
    [robot(two, joint("j", "a", "b", '<origin xyz="0 0 up"/><limit velocity="1"/>')), "not a number"],
    [robot(two, joint("j", "a", "b", `<origin xyz="0 0 \${z}"/><limit velocity="1"/>`)), "xacro"],
    [robot(two, joint("j", "a", "b", '<mimic/><limit velocity="1"/>')), "names no joint"],
    [
      robot(`<link name="a"><collision><geometry><sphere radius="\${r}"/></geometry></collision></link>`),
      "xacro",
    ],
    [robot('<xacro:include filename="arm.xacro"/>'), "xacro"],
    [robot(two, joint("j", "a", "b"), '<xacro:gripper parent="b"/>'), "<xacro:gripper> is not expanded"],
    [robot(two, joint("j", "a", "b", '<origin quat_xyzw="0 0 1"/><limit velocity="1"/>')), "four numbers"],
    [robot(two, joint("j", "a", "b", '<origin quat_xyzw="0 0 1 1"/><limit velocity="1"/>')), "length 1"],
    [
      robot(two, joint("j", "a", "b", '<origin rpy="0 0 0" quat_xyzw="0 0 0 1"/><limit velocity="1"/>')),
      "rpy and quat_xyzw",
    ],
  ])("%s", (text, says) => {
    expect(() => parseUrdf(text)).toThrowError(says);
    expect(() => parseUrdf(text)).toThrowError(expect.objectContaining({ code: "ROBOT_DESCRIPTION" }));
  });

  it("entities are not expanded without bound", () => {
    const bomb =
      '<!DOCTYPE robot [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><robot name="&b;"><link name="a"/></robot>';
    const parsed = parseUrdf(bomb);
    expect(parsed.name).toBe("&b;");
    expect(parsed.warnings).toEqual([expect.stringContaining("not well-formed")]);
  });

  it("a text without end", () => {
    expect(() => parseUrdf(" ".repeat(17 * 1024 * 1024))).toThrowError("larger");
  });

  it.each([
    [{ tip: "x" }, "no link x"],
    [{ base: "b", tip: "a" }, "does not hang"],
    [{ tip: "a" }, "nothing moves"],
    [{ tip: "d" }, "floating"],
    [{ tip: "e" }, "not part of the chain"],
    [{ tip: "f" }, "mimics itself"],
    [{ tip: "g" }, "lower limit above"],
    [{ tip: "h" }, "negative velocity"],
    [{ tip: "i" }, "axis of joint q is zero"],
    [{ tip: "k" }, "mimics x, which is not there"],
  ])("chain %j", (options, says) => {
    const parsed = parseUrdf(
      robot(
        link("a", "b", "c", "d", "e", "f", "g", "h", "i", "k"),
        joint("j", "a", "b"),
        joint("k", "a", "c"),
        joint("l", "b", "d", "", "floating"),
        joint("m", "b", "e", '<mimic joint="k"/><limit velocity="1"/>'),
        joint("n", "b", "f", '<mimic joint="n"/><limit velocity="1"/>'),
        joint("o", "b", "g", '<limit lower="2" upper="1" velocity="1"/>'),
        joint("p", "b", "h", '<limit lower="0" upper="1" velocity="-1"/>'),
        joint("q", "b", "i", '<axis xyz="0 0 0"/><limit velocity="1"/>'),
        joint("r", "b", "k", '<mimic joint="x"/><limit velocity="1"/>'),
      ),
    );
    expect(() => selectChain(parsed, options)).toThrowError(says);
  });
});
