import { XmlElement } from "@rgrove/parse-xml";
import { describe, GraspGroundingError } from "../../errors/index.js";
import {
  type Mat3,
  matrixFromQuaternion,
  normalize,
  normalizeQuaternion,
  type Vec3,
} from "../../geometry/index.js";
import type {
  CollisionShape,
  Joint,
  JointLimit,
  JointType,
  Link,
  Mimic,
  Placement,
  RobotDescription,
} from "./description.js";
import { matrixFromRpy } from "./placement.js";
import { checkUrdf, unusable } from "./unusable.js";
import { readUrdfXml } from "./urdf-text.js";

/** Largest description that is read: real ones are below 1 MB. */
const maxCharacters = 16 * 1024 * 1024;

const xacroFirst = "expand the file with `xacro` first";

const jointTypes: readonly string[] = ["revolute", "continuous", "prismatic", "fixed", "floating", "planar"];

/**
 * Reads a robot from URDF text (the content of `robot_description`, or of a file after xacro): links with their
 * collision shapes, joints with limits and mimic. Reads the elements as http://wiki.ros.org/urdf/XML defines them,
 * and accepts the files that urdfdom accepts: a field that the joint's type does not use is not read, and a collision
 * element without a usable shape is skipped. `warnings` names what was skipped. Inertia, visuals and extensions are
 * not read.
 * @throws GraspGroundingError ROBOT_DESCRIPTION for text that is no XML, or no tree of links
 */
export function parseUrdf(text: string): RobotDescription {
  if (text.length > maxCharacters)
    throw unusable(`it is larger than ${maxCharacters / 1024 / 1024} MB`, "give the robot's URDF itself");
  const { root, warnings } = rootElement(text);
  const links = new Map<string, Link>();
  for (const element of children(root, "link")) {
    const link = readLink(element, warnings);
    if (links.has(link.name)) throw unusable(`link ${link.name} is there twice`, checkUrdf);
    links.set(link.name, link);
  }
  const joints = new Map<string, Joint>();
  for (const element of children(root, "joint")) {
    const joint = readJoint(element);
    if (joints.has(joint.name)) throw unusable(`joint ${joint.name} is there twice`, checkUrdf);
    joints.set(joint.name, joint);
  }
  const call = xacroCall(root);
  if (call !== undefined) throw unusable(`it is a xacro file: <${call}> is not expanded`, xacroFirst);
  const tree = checkTree(links, joints);
  warnings.push(...jointWarnings(joints));
  return { name: root.attributes.name ?? "robot", root: tree, links, joints, warnings };
}

/** An element that xacro would replace by links and joints; definitions alone add none. */
const xacroCall = (root: XmlElement): string | undefined =>
  root.children.find(
    (each): each is XmlElement =>
      each instanceof XmlElement && /^xacro:(?!(macro|property|arg)$)/.test(each.name),
  )?.name;

function rootElement(text: string): { readonly root: XmlElement; readonly warnings: string[] } {
  if (text.trim() === "") throw unusable("it is empty", "give the robot's URDF");
  try {
    const { root, warning } = readUrdfXml(text);
    if (root.name !== "robot") throw unusable(`its root element is <${root.name}>, not <robot>`, checkUrdf);
    return { root, warnings: warning === undefined ? [] : [warning] };
  } catch (error) {
    if (error instanceof GraspGroundingError) throw error;
    throw unusable(`not well-formed XML (${describe(error)})`, checkUrdf);
  }
}

const children = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((child): child is XmlElement => child instanceof XmlElement && child.name === name);

const child = (element: XmlElement, name: string): XmlElement | undefined => children(element, name)[0];

function named(element: XmlElement): string {
  const { name } = element.attributes;
  if (!name) throw unusable(`a <${element.name}> has no name`, checkUrdf);
  return name;
}

function readJoint(element: XmlElement): Joint {
  const name = named(element);
  const where = `joint ${name}`;
  const type = element.attributes.type ?? "";
  if (!isJointType(type)) throw unusable(`${where} is of unknown type "${type}"`, checkUrdf);
  const parent = child(element, "parent")?.attributes.link;
  const childLink = child(element, "child")?.attributes.link;
  if (!parent || !childLink) throw unusable(`${where} does not name its parent and child links`, checkUrdf);
  const base = { name, type, parent, child: childLink, origin: readOrigin(element, where) };
  if (type === "fixed" || type === "floating" || type === "planar") return { ...base, axis: [1, 0, 0] };
  const axis = readVector(child(element, "axis")?.attributes.xyz ?? "1 0 0", `the axis of ${where}`);
  const limit = readLimit(child(element, "limit"), type, where);
  const mimic = child(element, "mimic");
  return {
    ...base,
    axis: axis.every((v) => v === 0) ? axis : normalize(axis),
    limit,
    ...(mimic !== undefined && { mimic: readMimic(mimic, where) }),
  };
}

const isJointType = (type: string): type is JointType => jointTypes.includes(type);

/** Radians that no revolute joint of a robot reaches: five turns. */
const mostTurns = 10 * Math.PI;

/** What urdfdom accepts in silence and no arm can move by; {@link selectChain} refuses it in a chain. */
function jointWarnings(joints: ReadonlyMap<string, Joint>): string[] {
  return [...joints.values()].flatMap(({ name, type, axis, limit, mimic }) => [
    ...(axis.every((v) => v === 0) ? [`the axis of joint ${name} is zero: it is taken as fixed`] : []),
    ...(mimic !== undefined && !joints.has(mimic.joint)
      ? [`joint ${name} mimics ${mimic.joint}, which is not there: it stays at 0`]
      : []),
    ...(type === "revolute" && limit !== undefined && Math.max(-limit.lower, limit.upper) > mostTurns
      ? [`the limits of joint ${name}, ${limit.lower} to ${limit.upper} rad, look like degrees`]
      : []),
  ]);
}

function readLimit(
  element: XmlElement | undefined,
  type: "revolute" | "continuous" | "prismatic",
  where: string,
): JointLimit {
  const of = (name: string, otherwise: string) =>
    readNumber(element?.attributes[name] ?? otherwise, `the ${name} limit of ${where}`);
  if (type === "continuous") {
    const velocity = element === undefined ? Infinity : of("velocity", "0");
    return { lower: -Infinity, upper: Infinity, velocity };
  }
  if (element === undefined) throw unusable(`${where} is ${type} but has no <limit>`, checkUrdf);
  return { lower: of("lower", "0"), upper: of("upper", "0"), velocity: of("velocity", "0") };
}

function readMimic(element: XmlElement, where: string): Mimic {
  const { joint, multiplier = "1", offset = "0" } = element.attributes;
  if (!joint) throw unusable(`the <mimic> of ${where} names no joint`, checkUrdf);
  return {
    joint,
    multiplier: readNumber(multiplier, `the multiplier of ${where}`),
    offset: readNumber(offset, `the offset of ${where}`),
  };
}

function readLink(element: XmlElement, warnings: string[]): Link {
  const name = named(element);
  const collisions = children(element, "collision").flatMap((each) => {
    try {
      return [readShape(each, `link ${name}`)];
    } catch (error) {
      if (!(error instanceof GraspGroundingError) || error.details.remedy === xacroFirst) throw error;
      warnings.push(`${String(error.details.detail)}: collision checks leave that shape out`);
      return [];
    }
  });
  return { name, collisions };
}

/** @throws GraspGroundingError ROBOT_DESCRIPTION for an element without a shape that can be checked */
function readShape(collision: XmlElement, where: string): CollisionShape {
  const geometry = child(collision, "geometry");
  const shape = geometry?.children.find((each): each is XmlElement => each instanceof XmlElement);
  if (shape === undefined) throw unusable(`a <collision> of ${where} has no geometry`, checkUrdf);
  const origin = readOrigin(collision, where);
  const size = (name: string) => {
    const value = readNumber(shape.attributes[name] ?? "", `the ${name} of a ${shape.name} of ${where}`);
    if (value < 0) throw unusable(`the ${name} of a ${shape.name} of ${where} is negative`, checkUrdf);
    return value;
  };
  switch (shape.name) {
    case "sphere":
      return { origin, kind: "sphere", radius: size("radius") };
    case "cylinder":
    case "capsule":
      return { origin, kind: shape.name, radius: size("radius"), length: size("length") };
    case "box":
      return { origin, kind: "box", size: readSize(shape.attributes.size ?? "", `a box of ${where}`) };
    case "mesh": {
      const { filename = "", scale = "1 1 1" } = shape.attributes;
      return { origin, kind: "mesh", file: filename, scale: readVector(scale, `a mesh of ${where}`) };
    }
    default:
      throw unusable(`${where} has a <${shape.name}>, which is no shape of URDF`, checkUrdf);
  }
}

function readOrigin(element: XmlElement, where: string): Placement {
  const { xyz = "0 0 0", rpy, quat_xyzw: quaternion } = child(element, "origin")?.attributes ?? {};
  const translation = readVector(xyz, `xyz of ${where}`);
  if (quaternion !== undefined && rpy !== undefined)
    throw unusable(`the <origin> of ${where} has rpy and quat_xyzw`, "remove one of them");
  if (quaternion !== undefined)
    return { translation, rotation: readQuaternion(quaternion, `quat_xyzw of ${where}`) };
  const [roll, pitch, yaw] = readVector(rpy ?? "0 0 0", `rpy of ${where}`);
  return { translation, rotation: matrixFromRpy(roll, pitch, yaw) };
}

/** As urdfdom 5 reads it: x, y, z, w. */
function readQuaternion(text: string, what: string): Mat3 {
  const numbers = text.trim().split(/\s+/);
  if (numbers.length !== 4) throw unusable(`${what} is "${text}", not four numbers`, checkUrdf);
  const [x, y, z, w] = numbers.map((each) => readNumber(each, what)) as [number, number, number, number];
  if (Math.abs(Math.hypot(x, y, z, w) - 1) > 0.01)
    throw unusable(`${what} is "${text}", no quaternion of length 1`, checkUrdf);
  return matrixFromQuaternion(normalizeQuaternion([x, y, z, w]));
}

function readSize(text: string, what: string): Vec3 {
  const size = readVector(text, what);
  if (size.some((value) => value < 0)) throw unusable(`${what} has a negative side`, checkUrdf);
  return size;
}

function readVector(text: string, what: string): Vec3 {
  const numbers = text.trim().split(/\s+/);
  if (numbers.length !== 3) throw unusable(`${what} is "${text}", not three numbers`, checkUrdf);
  return numbers.map((each) => readNumber(each, what)) as unknown as Vec3;
}

/** JavaScript reads hexadecimal numbers too, which URDF does not have. */
const decimal = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

function readNumber(text: string, what: string): number {
  if (text.includes("${")) throw unusable(`${what} is "${text}"`, xacroFirst);
  const value = decimal.test(text.trim()) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw unusable(`${what} is "${text}", not a number`, checkUrdf);
  return value;
}

/** Each link but one is the child of one joint, and all belong to one tree. Returns the root. */
function checkTree(links: ReadonlyMap<string, Link>, joints: ReadonlyMap<string, Joint>): string {
  if (links.size === 0) throw unusable("it has no links", checkUrdf);
  const parents = new Map<string, string>();
  for (const { name, parent, child: below } of joints.values()) {
    for (const link of [parent, below]) {
      if (!links.has(link)) throw unusable(`joint ${name} names link ${link}, which is not there`, checkUrdf);
    }
    // urdfdom reads such a file and takes one of the two.
    if (parents.has(below))
      throw unusable(`link ${below} hangs on two joints`, `remove one of the joints whose child is ${below}`);
    parents.set(below, parent);
  }
  const roots = [...links.keys()].filter((name) => !parents.has(name));
  const [root] = roots;
  if (root === undefined) throw unusable("its links form a ring", checkUrdf);
  if (roots.length > 1) throw unusable(`it has several roots: ${roots.slice(0, 5).join(", ")}`, checkUrdf);
  for (const start of links.keys()) {
    let link: string | undefined = start;
    for (let hops = 0; link !== undefined && link !== root; hops++) {
      if (hops > links.size)
        throw unusable("some of its links form a ring", `remove the joints that close the ring at ${link}`);
      link = parents.get(link);
    }
  }
  return root;
}
