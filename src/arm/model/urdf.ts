import { parseXml, XmlElement } from "@rgrove/parse-xml";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { normalize, type Vec3 } from "../../geometry/index.js";
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

/** Largest description read: real ones are below 1 MB. */
const LARGEST = 16 * 1024 * 1024;

const jointTypes: readonly string[] = ["revolute", "continuous", "prismatic", "fixed", "floating", "planar"];

const unusable = (detail: string) => new GraspGroundingError("ROBOT_DESCRIPTION", { detail });

/**
 * Reads a robot from URDF text (the content of `robot_description`, or of a file after xacro): links with their collision
 * shapes, joints with limits and mimic. Reads the elements as http://wiki.ros.org/urdf/XML defines them; inertia,
 * looks and extensions are left aside.
 * @throws GraspGroundingError ROBOT_DESCRIPTION for text that is no XML, or no tree of links
 */
export function parseUrdf(text: string): RobotDescription {
  if (text.length > LARGEST) throw unusable(`it is larger than ${LARGEST / 1024 / 1024} MB`);
  const root = rootElement(text);
  if (root.name !== "robot") throw unusable(`its root element is <${root.name}>, not <robot>`);
  const links = new Map<string, Link>();
  for (const element of children(root, "link")) {
    const link = readLink(element);
    if (links.has(link.name)) throw unusable(`link ${link.name} is there twice`);
    links.set(link.name, link);
  }
  const joints = new Map<string, Joint>();
  for (const element of children(root, "joint")) {
    const joint = readJoint(element);
    if (joints.has(joint.name)) throw unusable(`joint ${joint.name} is there twice`);
    joints.set(joint.name, joint);
  }
  return { name: root.attributes.name ?? "robot", root: checkTree(links, joints), links, joints };
}

function rootElement(text: string): XmlElement {
  try {
    const root = parseXml(text).root;
    if (root !== null) return root;
  } catch (error) {
    throw unusable(`not well-formed XML (${describe(error)})`);
  }
  throw unusable("it is empty");
}

const children = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((child): child is XmlElement => child instanceof XmlElement && child.name === name);

const child = (element: XmlElement, name: string): XmlElement | undefined => children(element, name)[0];

function named(element: XmlElement): string {
  const { name } = element.attributes;
  if (!name) throw unusable(`a <${element.name}> has no name`);
  return name;
}

function readJoint(element: XmlElement): Joint {
  const name = named(element);
  const where = `joint ${name}`;
  const type = element.attributes.type ?? "";
  if (!jointTypes.includes(type)) throw unusable(`${where} is of unknown type "${type}"`);
  const parent = child(element, "parent")?.attributes.link;
  const childLink = child(element, "child")?.attributes.link;
  if (!parent || !childLink) throw unusable(`${where} does not name its parent and child links`);
  const axis = readVector(child(element, "axis")?.attributes.xyz ?? "1 0 0", `the axis of ${where}`);
  if (axis.every((v) => v === 0)) throw unusable(`the axis of ${where} is zero`);
  const limit = readLimit(child(element, "limit"), type as JointType, where);
  const mimic = child(element, "mimic");
  return {
    name,
    type: type as JointType,
    parent,
    child: childLink,
    origin: readOrigin(element, where),
    axis: normalize(axis),
    ...(limit !== undefined && { limit }),
    ...(mimic !== undefined && { mimic: readMimic(mimic, where) }),
  };
}

function readLimit(element: XmlElement | undefined, type: JointType, where: string): JointLimit | undefined {
  const of = (name: string, otherwise: string) =>
    readNumber(element?.attributes[name] ?? otherwise, `the ${name} limit of ${where}`);
  if (type === "continuous") {
    const velocity = element === undefined ? Infinity : of("velocity", "0");
    return { lower: -Infinity, upper: Infinity, velocity };
  }
  if (type !== "revolute" && type !== "prismatic") return undefined;
  if (element === undefined) throw unusable(`${where} is ${type} but has no <limit>`);
  const limit = { lower: of("lower", "0"), upper: of("upper", "0"), velocity: of("velocity", "0") };
  if (limit.lower > limit.upper) throw unusable(`${where} has its lower limit above its upper one`);
  if (limit.velocity < 0) throw unusable(`${where} has a negative velocity limit`);
  return limit;
}

function readMimic(element: XmlElement, where: string): Mimic {
  const { joint, multiplier = "1", offset = "0" } = element.attributes;
  if (!joint) throw unusable(`the <mimic> of ${where} names no joint`);
  return {
    joint,
    multiplier: readNumber(multiplier, `the multiplier of ${where}`),
    offset: readNumber(offset, `the offset of ${where}`),
  };
}

function readLink(element: XmlElement): Link {
  const name = named(element);
  const collisions = children(element, "collision").map((each) => readShape(each, `link ${name}`));
  return { name, collisions };
}

function readShape(collision: XmlElement, where: string): CollisionShape {
  const geometry = child(collision, "geometry");
  const shape = geometry?.children.find((each): each is XmlElement => each instanceof XmlElement);
  if (shape === undefined) throw unusable(`a <collision> of ${where} has no geometry`);
  const origin = readOrigin(collision, where);
  const size = (name: string) => {
    const value = readNumber(shape.attributes[name] ?? "", `the ${name} of a ${shape.name} of ${where}`);
    if (value < 0) throw unusable(`the ${name} of a ${shape.name} of ${where} is negative`);
    return value;
  };
  switch (shape.name) {
    case "sphere":
      return { origin, kind: "sphere", radius: size("radius") };
    case "cylinder":
    case "capsule":
      return { origin, kind: shape.name, radius: size("radius"), length: size("length") };
    case "box":
      return { origin, kind: "box", size: readVector(shape.attributes.size ?? "", `a box of ${where}`) };
    case "mesh": {
      const { filename = "", scale = "1 1 1" } = shape.attributes;
      return { origin, kind: "mesh", file: filename, scale: readVector(scale, `a mesh of ${where}`) };
    }
    default:
      throw unusable(`${where} has a <${shape.name}>, which is no shape of URDF`);
  }
}

function readOrigin(element: XmlElement, where: string): Placement {
  const { xyz = "0 0 0", rpy = "0 0 0" } = child(element, "origin")?.attributes ?? {};
  const [roll, pitch, yaw] = readVector(rpy, `rpy of ${where}`);
  return { translation: readVector(xyz, `xyz of ${where}`), rotation: matrixFromRpy(roll, pitch, yaw) };
}

function readVector(text: string, what: string): Vec3 {
  const dependencies = text.trim().split(/\s+/);
  if (dependencies.length !== 3) throw unusable(`${what} is "${text}", not three numbers`);
  return dependencies.map((part) => readNumber(part, what)) as unknown as Vec3;
}

function readNumber(text: string, what: string): number {
  if (text.includes("${")) throw unusable(`${what} is "${text}": expand the file with xacro first`);
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw unusable(`${what} is "${text}", not a number`);
  return value;
}

/** Every link but one hangs on one joint, all hang together, and mimicked joints exist. Returns the root. */
function checkTree(links: ReadonlyMap<string, Link>, joints: ReadonlyMap<string, Joint>): string {
  const parents = new Map<string, string>();
  for (const { name, parent, child: below, mimic } of joints.values()) {
    for (const link of [parent, below]) {
      if (!links.has(link)) throw unusable(`joint ${name} names link ${link}, which is not there`);
    }
    if (parents.has(below)) throw unusable(`link ${below} hangs on two joints`);
    parents.set(below, parent);
    if (mimic !== undefined && !joints.has(mimic.joint)) {
      throw unusable(`joint ${name} mimics ${mimic.joint}, which is not there`);
    }
  }
  const roots = [...links.keys()].filter((name) => !parents.has(name));
  if (links.size === 0) throw unusable("it has no links");
  const [root] = roots;
  if (root === undefined) throw unusable("its links form a ring");
  if (roots.length > 1) throw unusable(`it has several roots: ${roots.slice(0, 5).join(", ")}`);
  for (const start of links.keys()) {
    let link: string | undefined = start;
    for (let hops = 0; link !== undefined && link !== root; hops++) {
      if (hops > links.size) throw unusable("some of its links form a ring");
      link = parents.get(link);
    }
  }
  return root;
}
