import type { Mat3, Metres, Radians, Vec3 } from "../../geometry/index.js";

/** Child to parent, as a rotation matrix and a translation: a quaternion in between would lose digits. */
export interface Placement {
  readonly rotation: Mat3;
  readonly translation: Vec3;
}

export type JointType = "revolute" | "continuous" | "prismatic" | "fixed" | "floating" | "planar";

/** Radians and radians per second; metres and metres per second for prismatic joints. */
export interface JointLimit {
  readonly lower: Radians;
  readonly upper: Radians;
  readonly velocity: number;
}

/** The joint follows another one: its value is `multiplier` times that one's, plus `offset`. */
export interface Mimic {
  readonly joint: string;
  readonly multiplier: number;
  readonly offset: number;
}

export interface Joint {
  readonly name: string;
  readonly type: JointType;
  readonly parent: string;
  readonly child: string;
  readonly origin: Placement;
  /** Unit vector in the joint's frame; 0, 0, 0 where the file says so, which no chain may use. */
  readonly axis: Vec3;
  /**
   * Present for revolute and prismatic joints; for continuous ones ±Infinity, with their velocity. Checked by a
   * chain that uses it.
   */
  readonly limit?: JointLimit;
  readonly mimic?: Mimic;
}

/** A shape of a link for collision checks, in the link's frame. Cylinders and capsules lie along z, centred. */
export type CollisionShape = { readonly origin: Placement } & (
  | { readonly kind: "sphere"; readonly radius: Metres }
  | { readonly kind: "cylinder" | "capsule"; readonly radius: Metres; readonly length: Metres }
  | { readonly kind: "box"; readonly size: Vec3 }
  | { readonly kind: "mesh"; readonly file: string; readonly scale: Vec3 }
);

export interface Link {
  readonly name: string;
  readonly collisions: readonly CollisionShape[];
}

/** A robot: links joined into one tree. */
export interface RobotDescription {
  readonly name: string;
  /** The one link that no joint has as its child. */
  readonly root: string;
  readonly links: ReadonlyMap<string, Link>;
  readonly joints: ReadonlyMap<string, Joint>;
  /** Parts of the file that are not used, one warning each: for the log. */
  readonly warnings: readonly string[];
}

/** The joint that carries each link, by the link's name. */
export function jointsByChild(robot: RobotDescription): Map<string, Joint> {
  return new Map([...robot.joints.values()].map((joint) => [joint.child, joint]));
}
