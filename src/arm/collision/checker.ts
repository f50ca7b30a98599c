import {
  type Metres,
  type Plane,
  type Points,
  planeDistance,
  seededRandom,
  type Vec3,
} from "../../geometry/index.js";
import type { Chain } from "../model/chain.js";
import type { RobotDescription } from "../model/description.js";
import { type JointValues, Kinematics } from "../model/kinematics.js";
import type { WorkspaceBox } from "../safety/supervisor-types.js";
import { type BodyCapsule, bodyOf } from "./body.js";
import { segmentDistance, squaredToSegment } from "./capsule.js";
import { type Box, PointGrid } from "./point-grid.js";

/** Points are thinned to one in each cube of this edge length. */
const voxelSize: Metres = 0.005;

/** Obstacles around the robot, in its base frame. */
export interface Scene {
  /** Normal up. */
  readonly table?: Plane;
  /** Points that the camera saw, without the robot itself and without the object to be grasped. */
  readonly obstacles?: Points;
  /** Points of the object to be grasped: the gripper may touch them, the arm may not. */
  readonly target?: Points;
  /** The arm must stay within. */
  readonly workspace?: WorkspaceBox;
}

export interface CollisionOptions {
  /** Distance from table and cloud, in metres. Default 0.01. */
  readonly clearance?: Metres;
  /** Distance of the gripper from the table, in metres. Default 0.002: fingers close just above it. */
  readonly gripperClearance?: Metres;
  /** Radius assumed for links whose shape is a mesh or not given. Default 0.07. */
  readonly meshRadius?: Metres;
  /** A joint configuration known to be free: pairs of links that touch in it are never checked. */
  readonly reference?: JointValues;
  /** The same chain with the fingers this far apart; without it they stand as in the chain that is given. */
  readonly opened?: (opening: Metres) => Chain;
}

export interface Collision {
  readonly kind: "self" | "table" | "obstacle" | "target" | "workspace";
  /** A link of the robot, or `carriedName`. */
  readonly link: string;
  readonly other?: string;
  /** Distance between surfaces; negative: depth. */
  readonly distance: Metres;
}

export interface CheckOptions {
  /** The gripper may touch the target (approach, close, lift). */
  readonly touchTarget?: boolean;
  /** Distance between the fingers. Default: as in the chain, which is open. */
  readonly opening?: Metres;
  /** Seen points of what the gripper carries, in the axes of the tool. */
  readonly carried?: Points;
}

/** What the gripper carries, where a collision names the link. */
export const carriedName = "the object in the gripper";

/** Capsules of one robot against itself, table, seen points and workspace box. */
export class CollisionChecker {
  /** With the fingers as in the chain. */
  readonly body: readonly BodyCapsule[];
  readonly #opened: ((opening: Metres) => readonly BodyCapsule[]) | undefined;
  /** By the opening in millimetres. */
  readonly #bodies = new Map<number, readonly BodyCapsule[]>();
  /** The capsules that are checked. */
  #present: readonly BodyCapsule[];
  readonly #kinematics: Kinematics;
  readonly #pairs: readonly (readonly [number, number])[];
  readonly #tool: number;
  readonly #clearance: Metres;
  readonly #gripperClearance: Metres;
  #scene: Scene = {};
  #obstacles: PointGrid | undefined;
  #target: PointGrid | undefined;
  /** Ends of all capsules in the base frame, at the joint configuration last placed. */
  readonly #ends: Float64Array;

  constructor(robot: RobotDescription, chain: Chain, options: CollisionOptions = {}) {
    this.body = bodyOf(robot, chain, options.meshRadius);
    this.#present = this.body;
    const { opened } = options;
    if (opened !== undefined) this.#opened = (opening) => bodyOf(robot, opened(opening), options.meshRadius);
    this.#kinematics = new Kinematics(chain);
    this.#clearance = options.clearance ?? 0.01;
    this.#gripperClearance = options.gripperClearance ?? 0.002;
    this.#tool = chain.segments.length - 1;
    this.#ends = new Float64Array(this.body.length * 6);
    this.#pairs = this.#selfPairs(chain, options.reference);
  }

  get scene(): Scene {
    return this.#scene;
  }

  set scene(scene: Scene) {
    this.#scene = scene;
    this.#obstacles =
      scene.obstacles === undefined
        ? undefined
        : new PointGrid(aboveTable(scene.obstacles, scene.table), voxelSize);
    this.target = scene.target;
  }

  /** Replaces the scene's target alone. */
  set target(target: Points | undefined) {
    const { target: _, ...scene } = this.#scene;
    this.#scene = target === undefined ? scene : { ...scene, target };
    this.#target = target === undefined ? undefined : new PointGrid(target, voxelSize);
  }

  /** The first collision found at a joint configuration; undefined when it is free. */
  check(q: JointValues, options: CheckOptions = {}): Collision | undefined {
    for (const found of this.#collisions(q, options)) return found;
    return undefined;
  }

  /** All collisions at a joint configuration, the deepest of each link with each kind of object. */
  all(q: JointValues, options: CheckOptions = {}): readonly Collision[] {
    const deepest = new Map<string, Collision>();
    for (const found of this.#collisions(q, options)) {
      const key = `${found.kind} ${found.link} ${found.other ?? ""}`;
      if (found.distance < (deepest.get(key)?.distance ?? Infinity)) deepest.set(key, found);
    }
    return [...deepest.values()];
  }

  *#collisions(q: JointValues, options: CheckOptions): Generator<Collision> {
    this.#present = this.#bodyAt(options.opening);
    this.#place(q);
    for (const [i, j] of this.#pairs) {
      const distance = this.#between(i, j);
      if (distance < 0)
        yield { kind: "self", link: this.#present[i]!.link, other: this.#present[j]!.link, distance };
    }
    for (const [i, capsule] of this.#present.entries()) {
      // Links on the base do not move, and the first joint only turns its link about its own axis.
      if (capsule.segment < 1) continue;
      const found = this.#surroundings(i, capsule, options);
      if (found !== undefined) yield { ...found, link: capsule.link };
    }
    const hit = options.carried === undefined ? undefined : this.#carriedHit(options.carried);
    if (hit !== undefined) yield hit;
  }

  /** The table or the first obstacle near what the gripper carries. */
  #carriedHit(carried: Points): Collision | undefined {
    const { table } = this.#scene;
    for (let i = 0; i + 2 < carried.length; i += 3) {
      const at = this.#inBase(this.#tool + 1, [carried[i]!, carried[i + 1]!, carried[i + 2]!]);
      const height = table === undefined ? Infinity : planeDistance(table, at);
      if (height < this.#gripperClearance) return { kind: "table", link: carriedName, distance: height };
      const distance = this.#obstacles?.nearest(at, at, this.#clearance);
      if (distance !== undefined) return { kind: "obstacle", link: carriedName, distance };
    }
    return undefined;
  }

  /** The first collision along joint configurations given densely enough (as `densely` gives them). */
  checkAll(configurations: Iterable<JointValues>, options: CheckOptions = {}): Collision | undefined {
    for (const q of configurations) {
      const found = this.check(q, options);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * The points that are not on or in the robot at a joint configuration: a camera that sees the arm must not make
   * it an obstacle.
   */
  withoutRobot(points: Points, q: JointValues, padding: Metres = 0.03): Points {
    this.#present = this.body;
    this.#place(q);
    const e = this.#ends;
    const selected: number[] = [];
    for (let p = 0; p + 2 < points.length; p += 3) {
      const [x, y, z] = [points[p]!, points[p + 1]!, points[p + 2]!];
      const inside = this.body.some(({ radius }, i) => {
        const o = i * 6;
        const square = squaredToSegment(
          x,
          y,
          z,
          e[o]!,
          e[o + 1]!,
          e[o + 2]!,
          e[o + 3]!,
          e[o + 4]!,
          e[o + 5]!,
        );
        return square <= (radius + padding) ** 2;
      });
      if (!inside) selected.push(x, y, z);
    }
    return Float32Array.from(selected);
  }

  #surroundings(
    i: number,
    { segment, radius, corners }: BodyCapsule,
    options: CheckOptions,
  ): Omit<Collision, "link"> | undefined {
    const { table, workspace } = this.#scene;
    const gripper = segment === this.#tool;
    const a = this.#end(i, 0);
    const b = this.#end(i, 1);
    if (table !== undefined) {
      const distance =
        corners === undefined
          ? Math.min(planeDistance(table, a), planeDistance(table, b)) - radius
          : Math.min(...corners.map((corner) => planeDistance(table, this.#inBase(segment, corner))));
      if (distance < (gripper ? this.#gripperClearance : this.#clearance)) return { kind: "table", distance };
    }
    if (workspace !== undefined) {
      for (let k = 0; k < 3; k++) {
        const low = Math.min(a[k]!, b[k]!) - radius - workspace.min[k]!;
        const high = workspace.max[k]! - Math.max(a[k]!, b[k]!) - radius;
        if (low < 0 || high < 0) return { kind: "workspace", distance: Math.min(low, high) };
      }
    }
    const box = corners === undefined ? undefined : this.#box(segment, corners);
    const clearance = gripper ? this.#gripperClearance : this.#clearance;
    const seen = (points: PointGrid | undefined, selected: Metres): Metres | undefined => {
      if (box !== undefined) return points?.nearest(a, b, radius + selected, box, selected);
      const near = points?.nearest(a, b, radius + selected);
      return near === undefined ? undefined : near - radius;
    };
    const obstacle = seen(this.#obstacles, clearance);
    if (obstacle !== undefined) return { kind: "obstacle", distance: obstacle };
    if (gripper && options.touchTarget) return undefined;
    const target = seen(this.#target, this.#clearance);
    return target === undefined ? undefined : { kind: "target", distance: target };
  }

  /** A box in the base frame, at the joint configuration last placed. */
  #box(segment: number, corners: readonly Vec3[]): Box {
    const at = (k: number): Vec3 => this.#inBase(segment, corners[k]!);
    return { corner: at(0), edges: [at(1), at(2), at(4)] };
  }

  /** A point of a segment's frame, at the joint configuration last placed. */
  #inBase(segment: number, [x, y, z]: Vec3): Vec3 {
    if (segment < 0) return [x, y, z];
    const { rotations: r, origins: o } = this.#kinematics;
    const row = (k: number) => {
      const m = segment * 9 + k * 3;
      return r[m]! * x + r[m + 1]! * y + r[m + 2]! * z + o[segment * 3 + k]!;
    };
    return [row(0), row(1), row(2)];
  }

  /**
   * The capsules with the fingers at an opening, rounded up: the same ones in the same order, only placed
   * elsewhere.
   */
  #bodyAt(opening: Metres | undefined): readonly BodyCapsule[] {
    if (opening === undefined || this.#opened === undefined) return this.body;
    const millimetres = Math.ceil(opening * 1e3 - 1e-6);
    let body = this.#bodies.get(millimetres);
    if (body === undefined) {
      body = this.#opened(millimetres / 1e3);
      this.#bodies.set(millimetres, body);
    }
    return body.length === this.body.length ? body : this.body;
  }

  #end(i: number, which: 0 | 1): Vec3 {
    const o = i * 6 + which * 3;
    return [this.#ends[o]!, this.#ends[o + 1]!, this.#ends[o + 2]!];
  }

  #between(i: number, j: number): Metres {
    const distance = segmentDistance(this.#end(i, 0), this.#end(i, 1), this.#end(j, 0), this.#end(j, 1));
    return distance - this.#present[i]!.radius - this.#present[j]!.radius;
  }

  #place(q: JointValues): void {
    this.#kinematics.update(q);
    const { rotations: r, origins: o } = this.#kinematics;
    for (const [i, { segment, a, b }] of this.#present.entries()) {
      for (const [which, p] of [a, b].entries()) {
        const at = i * 6 + which * 3;
        if (segment < 0) {
          this.#ends.set(p, at);
          continue;
        }
        for (let k = 0; k < 3; k++) {
          const m = segment * 9 + k * 3;
          this.#ends[at + k] = r[m]! * p[0] + r[m + 1]! * p[1] + r[m + 2]! * p[2] + o[segment * 3 + k]!;
        }
      }
    }
  }

  /**
   * Pairs of capsules that can hit each other: not on the same or the next segment, not touching in the reference
   * joint configuration, and not touching in nearly all random joint configurations (the criterion of MoveIt's
   * setup assistant).
   */
  #selfPairs(chain: Chain, reference: JointValues | undefined): [number, number][] {
    const pairs: [number, number][] = [];
    for (let i = 0; i < this.body.length; i++) {
      for (let j = i + 1; j < this.body.length; j++) {
        if (Math.abs(this.body[i]!.segment - this.body[j]!.segment) > 1) pairs.push([i, j]);
      }
    }
    const random = seededRandom(99);
    const hits = new Array<number>(pairs.length).fill(0);
    const samples = 200;
    for (let k = 0; k < samples; k++) {
      this.#place(
        chain.lower.map((low, i) => {
          const from = Math.max(low, -Math.PI);
          return from + (Math.min(chain.upper[i]!, Math.PI) - from) * random();
        }),
      );
      for (const [n, [i, j]] of pairs.entries()) if (this.#between(i, j) < 0) hits[n]!++;
    }
    if (reference !== undefined) this.#place(reference);
    return pairs.filter(
      ([i, j], n) => hits[n]! < samples * 0.8 && (reference === undefined || this.#between(i, j) >= 0),
    );
  }
}

/** Leaves out points of the table itself: the plane replaces them, without their noise. */
function aboveTable(points: Points, table: Plane | undefined): Points {
  if (table === undefined) return points;
  const selected: number[] = [];
  for (let i = 0; i + 2 < points.length; i += 3) {
    const [x, y, z] = [points[i]!, points[i + 1]!, points[i + 2]!];
    if (planeDistance(table, [x, y, z]) > 0.012) selected.push(x, y, z);
  }
  return Float32Array.from(selected);
}

/** Joint configurations between those given, so that no joint moves by more than `step` from one to the next. */
export function* densely(waypoints: readonly JointValues[], step = 0.03): Generator<number[]> {
  for (const [k, to] of waypoints.entries()) {
    const from = waypoints[Math.max(0, k - 1)]!;
    let largest = 0;
    for (let i = 0; i < to.length; i++) largest = Math.max(largest, Math.abs(to[i]! - from[i]!));
    const count = Math.max(1, Math.ceil(largest / step));
    for (let c = k === 0 ? count : 1; c <= count; c++) {
      yield Array.from({ length: to.length }, (_, i) => from[i]! + ((to[i]! - from[i]!) * c) / count);
    }
  }
}

/** A collision in words. */
export function describeCollision({ kind, link, other, distance }: Collision): string {
  const with_ = {
    self: `the robot's own ${other}`,
    table: "the table",
    obstacle: "something the camera saw",
    target: "the object to be grasped",
    workspace: "the border of the workspace",
  }[kind];
  return distance < 0
    ? `${link} would hit ${with_} (${Math.ceil(-distance * 1000)} mm deep)`
    : `${link} would come too close to ${with_} (${Math.floor(distance * 1000)} mm)`;
}
