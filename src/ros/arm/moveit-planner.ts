import type { JointValues, PathOptions, PathPlanner, Scene } from "../../arm/index.js";
import {
  compose,
  type FrameId,
  identityPose,
  type Metres,
  type Points,
  type Pose,
  type Seconds,
  type Vec3,
} from "../../geometry/index.js";
import type { GoalEnd, GoalOptions } from "./action-client.js";

/** The needed part of MoveGroup's action client. */
export interface MoveGroupPort {
  readonly name: string;
  run(goal: object, options: GoalOptions<object>): Promise<GoalEnd<MoveGroupResult>>;
  cancel(): Promise<void>;
}

export interface MoveGroupResult {
  /** `message` is new in Jazzy; Humble has the number alone. */
  readonly error_code: { readonly val: number; readonly message?: string };
  readonly planned_trajectory: {
    readonly joint_trajectory: {
      readonly joint_names: readonly string[];
      readonly points: readonly { readonly positions: ArrayLike<number> }[];
    };
  };
}

export interface MoveItOptions {
  readonly group: string;
  readonly joints: readonly string[];
  readonly base: FrameId;
  readonly workspace: { readonly min: Vec3; readonly max: Vec3 };
  readonly planningTime: Seconds;
  /** The tool's frame in the link that bears it, and the links that may touch what the gripper carries. */
  readonly tool: { readonly link: string; readonly pose: Pose; readonly touches: readonly string[] };
}

/** moveit_msgs/msg/MoveItErrorCodes of Jazzy (2.6), in words. */
const errors: Readonly<Record<number, string>> = {
  [-1]: "it found no path",
  [-2]: "its plan was invalid",
  [-3]: "its scene changed while it planned",
  [-4]: "its controller failed",
  [-5]: "it got no sensor data",
  [-6]: "it ran out of time",
  [-7]: "planning was cancelled",
  [-10]: "by its own scene the arm collides where it stands",
  [-11]: "where the arm stands breaks a constraint",
  [-12]: "by its own scene the arm would collide before the object",
  [-13]: "the joint configuration before the object breaks a constraint",
  [-14]: "the goal's constraints cannot be met",
  [-15]: "it has no such planning group; check the parameter planning_group",
  [-16]: "it does not understand the goal's joints; check planning_group",
  [-17]: "it calls the joint state invalid",
  [-18]: "it does not know a link; check its robot description",
  [-19]: "it does not know an object of its scene",
  [-21]: "it cannot transform between its frames; check base_frame",
  [-22]: "its collision checking is not there",
  [-23]: "its joint state is stale",
  [-24]: "its sensor data is stale",
  [-25]: "its nodes do not reach each other",
  [-26]: "it calls the arm's present joint configuration invalid",
  [-27]: "it calls the joint configuration before the object invalid",
  [-28]: "it does not know this kind of goal; check its planning pipeline",
  [-29]: "it crashed",
  [-30]: "it aborted",
  [-31]: "its kinematics found no joint configuration",
  99999: "it failed without a reason",
};

/** Edge of the boxes that stand for seen points in MoveIt's scene. */
const cell: Metres = 0.04;
/** Boxes sent at most, the nearest to the base first: our own check of the path knows every point. */
const maxBoxes = 600;
/** Least side of the box of a carried object: MoveIt refuses a box without volume. */
const thinnest: Metres = 0.005;
/** Joint configurations closer together than this say nothing that a spline through their neighbours does not. */
const apart = 0.05;
/** The table is sent this much lower, so that the arm's own foot does not count as a collision. */
const tableBelow: Metres = 0.02;

/**
 * Paths planned by MoveIt 2 through the action of its move_group. MoveIt plans only: limits, timing, the check
 * against the seen points, and moving stay on this side, under the same supervisor.
 */
export class MoveItPlanner implements PathPlanner {
  readonly #port: MoveGroupPort;
  readonly #options: MoveItOptions;

  constructor(port: MoveGroupPort, options: MoveItOptions) {
    this.#port = port;
    this.#options = options;
  }

  async plan(
    from: JointValues,
    to: JointValues,
    scene: Scene,
    options: PathOptions = {},
  ): Promise<{ readonly configurations: readonly number[][] } | { readonly reason: string }> {
    const ended = await this.#port.run(this.#goal(from, to, scene, options), {
      acceptWithin: 2,
      discoverWithin: 2,
    });
    switch (ended.how) {
      case "unavailable":
      case "gone":
        return { reason: `MoveIt is not there: no action server at ${this.#port.name}; start move_group` };
      case "silent":
        return { reason: "MoveIt did not answer" };
      case "rejected":
        return { reason: "MoveIt did not accept the request" };
      default:
        return this.#configurations(ended.result, from, to);
    }
  }

  /** Ends planning. */
  cancel(): Promise<void> {
    return this.#port.cancel();
  }

  #configurations(result: MoveGroupResult, from: JointValues, to: JointValues) {
    const { val, message = "" } = result.error_code;
    if (val !== 1) {
      const why = errors[val] ?? `error code ${val}`;
      return { reason: `MoveIt gave no path: ${why}${message === "" ? "" : ` (${message})`}` };
    }
    const { joint_names, points } = result.planned_trajectory.joint_trajectory;
    const order = this.#options.joints.map((name) => joint_names.indexOf(name));
    const missing = this.#options.joints.filter((_, i) => order[i] === -1);
    if (missing.length > 0)
      return { reason: `MoveIt's path leaves out ${missing.join(", ")}; check planning_group` };
    const planned = points.map(({ positions }) => order.map((at) => positions[at]!));
    // Its own ends are off by its tolerances; the next straight path begins from ours.
    const configurations = [Array.from(from)];
    const end = Array.from(to);
    for (const configuration of planned)
      if (distance(configuration, configurations.at(-1)!) >= apart && distance(configuration, end) >= apart)
        configurations.push(configuration);
    configurations.push(end);
    return { configurations };
  }

  #goal(from: JointValues, to: JointValues, scene: Scene, { touchTarget, carried }: PathOptions): object {
    const { group, joints, base, workspace, planningTime } = this.#options;
    const header = { stamp: { sec: 0, nanosec: 0 }, frame_id: base };
    const vector = ([x, y, z]: Vec3) => ({ x, y, z });
    return {
      request: {
        workspace_parameters: {
          header,
          min_corner: vector(workspace.min),
          max_corner: vector(workspace.max),
        },
        start_state: {
          joint_state: { header, name: [...joints], position: Array.from(from), velocity: [], effort: [] },
          is_diff: true,
        },
        goal_constraints: [
          {
            name: "before the object",
            joint_constraints: joints.map((joint_name, i) => ({
              joint_name,
              position: to[i]!,
              tolerance_above: 1e-3,
              tolerance_below: 1e-3,
              weight: 1,
            })),
          },
        ],
        group_name: group,
        num_planning_attempts: 1,
        allowed_planning_time: planningTime,
        max_velocity_scaling_factor: 1,
        max_acceleration_scaling_factor: 1,
      },
      planning_options: {
        plan_only: true,
        planning_scene_diff: {
          is_diff: true,
          robot_state: { is_diff: true, attached_collision_objects: this.#attached(carried) },
          world: { collision_objects: this.#objects(scene, touchTarget === true, header) },
        },
      },
    };
  }

  /** What the gripper carries, as its box in the axes of the tool: MoveIt moves it with the tool's link. */
  #attached(carried: Points | undefined): object[] {
    if (carried === undefined || carried.length < 3) return [];
    const { link, pose, touches } = this.#options.tool;
    const { middle, size } = boxOf(carried);
    const at = compose(pose, { ...identityPose, position: middle });
    const [x, y, z, w] = at.orientation;
    return [
      {
        link_name: link,
        object: {
          header: { stamp: { sec: 0, nanosec: 0 }, frame_id: link },
          id: "grasp_grounding/carried",
          pose: poseAt([0, 0, 0]),
          primitives: [{ type: box, dimensions: size }],
          primitive_poses: [{ ...poseAt(at.position), orientation: { x, y, z, w } }],
          operation: 0,
        },
        touch_links: [...touches],
      },
    ];
  }

  #objects(scene: Scene, touchTarget: boolean, header: object): object[] {
    const objects: object[] = [];
    const add = (id: string, boxes: readonly Vec3[], size: readonly number[]) => {
      if (boxes.length > 0)
        objects.push({
          header,
          id: `grasp_grounding/${id}`,
          pose: poseAt([0, 0, 0]),
          primitives: boxes.map(() => ({ type: box, dimensions: [...size] })),
          primitive_poses: boxes.map(poseAt),
          operation: 0,
        });
    };
    const { table, obstacles, target } = scene;
    if (table !== undefined) add("table", [[0, 0, -table.offset - tableBelow - 0.01]], [3, 3, 0.02]);
    const edge = [cell, cell, cell];
    if (obstacles !== undefined) add("seen", cells(obstacles, table), edge);
    if (target !== undefined && !touchTarget) add("target", cells(target, table), edge);
    return objects;
  }
}

/** shape_msgs/msg/SolidPrimitive */
const box = 1;

const poseAt = ([x, y, z]: Vec3) => ({ position: { x, y, z }, orientation: { x: 0, y: 0, z: 0, w: 1 } });

const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((q, i) => Math.abs(q - b[i]!)));

/** The box of points, in their axes. */
function boxOf(points: Points): { readonly middle: Vec3; readonly size: readonly Metres[] } {
  const lower = [Infinity, Infinity, Infinity];
  const upper = [-Infinity, -Infinity, -Infinity];
  points.forEach((value, i) => {
    lower[i % 3] = Math.min(lower[i % 3]!, value);
    upper[i % 3] = Math.max(upper[i % 3]!, value);
  });
  const middle = lower.map((low, k) => (low + upper[k]!) / 2) as unknown as Vec3;
  return { middle, size: lower.map((low, k) => Math.max(thinnest, upper[k]! - low)) };
}

/** Middles of the cells that hold points, without those of the table, the nearest to the base first. */
function cells(points: Points, table: Scene["table"]): Vec3[] {
  const found = new Map<string, Vec3>();
  const above = table === undefined ? Number.NEGATIVE_INFINITY : -table.offset + 0.012;
  for (let i = 0; i + 2 < points.length; i += 3) {
    if (points[i + 2]! <= above) continue;
    const at = [0, 1, 2].map((k) => Math.floor(points[i + k]! / cell));
    const key = at.join(",");
    if (!found.has(key)) found.set(key, at.map((v) => (v + 0.5) * cell) as unknown as Vec3);
  }
  return [...found.values()].sort((a, b) => Math.hypot(...a) - Math.hypot(...b)).slice(0, maxBoxes);
}
