import {
  compose,
  type Metres,
  type Points,
  type Pose,
  transformPoints,
  type Vec3,
} from "../../geometry/index.js";
import { type CheckOptions, type CollisionChecker, describeCollision } from "../collision/checker.js";
import type { IkSolver } from "../model/ik.js";
import type { JointValues } from "../model/kinematics.js";
import { plannedSlack } from "../safety/supervisor-limits.js";
import { builtInPath } from "./free-path.js";
import { backed, heldWidth, inTool, raised, type Straight, thinned } from "./goal-poses.js";
import { along, summarise, toolRate } from "./motion-limits.js";
import { type JointPath, pathRange, splinePath } from "./path.js";
import type {
  GraspGoal,
  GraspMotion,
  MotionRefusal,
  MoveOptions,
  MoveTarget,
  PathPlanner,
  PlaceGoal,
  RefusedMotion,
  SequenceOptions,
  Stage,
} from "./sequence-types.js";
import { lineRefusal, straightLine } from "./straight.js";
import { planToPose } from "./to-pose.js";
import { type Trajectory, timeParametrise } from "./trajectory.js";

/** From the refusal that a caller learns least from to the one that names the obstacle of an almost whole plan. */
const refusalsByProgress: readonly MotionRefusal[] = [
  "start-blocked",
  "unreachable",
  "approach",
  "lift",
  "collision",
  "way-blocked",
];

interface PathSet {
  readonly there: JointPath;
  readonly approach: number[][];
  readonly lift: number[][];
  readonly back: JointPath | undefined;
  readonly pose: Pose;
}

/**
 * Plans a whole grasp from the present joint configuration: a free path to a point before the object, a straight
 * approach, closing, a straight lift, and a free path back. Every segment is checked against joint limits, joint
 * jumps and collisions before the arm moves. The built-in search for free paths tries a few raised joint
 * configurations; for more use a motion planner.
 */
export class SequencePlanner {
  readonly #solver: IkSolver;
  readonly #checker: CollisionChecker;
  readonly #options: SequenceOptions;
  readonly #paths: PathPlanner | undefined;

  /**
   * @param paths plans the free paths; without one they are straight in joint space, or lead over raised joint
   * configurations
   */
  constructor(solver: IkSolver, checker: CollisionChecker, options: SequenceOptions, paths?: PathPlanner) {
    this.#solver = solver;
    this.#checker = checker;
    this.#options = options;
    this.#paths = paths;
  }

  /**
   * @param pause awaited between steps of the search, so that the process goes on handling events
   * @param home where the retreat leads, in the chain's order; default: `start`
   */
  async plan(
    goal: GraspGoal,
    start: JointValues,
    pause: () => Promise<void> = async () => {},
    home?: JointValues,
  ): Promise<GraspMotion | RefusedMotion> {
    const { approach = 0.1, lift = 0.1, up } = this.#options;
    const opening = { before: goal.width, after: heldWidth(goal) };
    const { target } = this.#checker.scene;
    const taken = target && thinned(target);
    const straight = { before: backed(approach), after: raised(lift, up), opening, taken, home };
    return this.#search(goal, start, straight, pause, (paths) => this.#timed(paths, goal, start, pause));
  }

  /**
   * Puts a held object down: a free path to a point above, straight down, opening, straight back, and a free path back.
   * Where the held object's surface is given, it stays clear of obstacles until it is lowered, from higher up where a
   * rim asks for that; the retreat stays clear of the object.
   */
  async planPlace(
    goal: PlaceGoal,
    start: JointValues,
    pause: () => Promise<void> = async () => {},
  ): Promise<GraspMotion | RefusedMotion> {
    const { approach = 0.1, lift = 0.1, up } = this.#options;
    const held = heldWidth(goal);
    const open = goal.width;
    const carried = goal.held && thinned(goal.held);
    this.#checker.target = goal.held && transformPoints(goal.pose, goal.held);
    const timed = async (paths: PathSet): Promise<GraspMotion> => {
      const free = (path: JointPath) => this.#time(path, "free", pause);
      const line = (configurations: number[][]) => this.#time(splinePath(configurations), "straight", pause);
      const stages: Stage[] = [
        { name: "pre-place", trajectory: await free(paths.there), opening: held },
        { name: "lower", trajectory: await line(paths.approach), opening: held },
        { name: "release", width: open },
        { name: "back-off", trajectory: await line(paths.lift), opening: open },
        ...(paths.back === undefined
          ? []
          : [{ name: "retreat", trajectory: await free(paths.back), opening: open } as const]),
      ];
      return { stages, summary: summarise(stages, this.#solver, start) };
    };
    let refused: RefusedMotion | undefined;
    for (const times of carried === undefined ? [1] : [1, 2]) {
      const straight = {
        before: raised(lift * times, up),
        after: backed(approach),
        opening: { before: held, after: open },
        ...(carried !== undefined && { carried }),
      };
      const plan = await this.#search(goal, start, straight, pause, timed);
      if (!("refusal" in plan)) return plan;
      refused ??= plan;
    }
    return refused!;
  }

  /**
   * Moves the arm alone: a straight line away from the surroundings of the gripper where `leave` asks for it, then a
   * free path to `target`. A collision at the start does not refuse the motion: the straight line may only lead out
   * of it.
   * @param leave "raise" with an object in the fingers, "back-off" along the tool's axis without one
   */
  async planMove(
    target: MoveTarget,
    start: JointValues,
    move: MoveOptions,
    pause: () => Promise<void> = async () => {},
  ): Promise<GraspMotion | RefusedMotion> {
    if ("poses" in target)
      return planToPose(target.poses, move, {
        solver: this.#solver,
        checker: this.#checker,
        start,
        preferences: this.#options.preferences,
        pause,
        plan: (joints) => this.planMove(joints, start, move, pause),
      });
    const { opening, leave, stage = "retreat" } = move;
    const { lower, upper } = this.#solver.chain;
    if (target.length !== start.length || Array.from(target).some((q, i) => q < lower[i]! || q > upper[i]!))
      return { refusal: "unreachable", reason: "the joint positions are outside the joints' limits" };
    const options = { opening };
    const pose = this.#solver.kinematics.forward(target);
    let worst: RefusedMotion | undefined;
    for (const first of this.#departures(start, leave, options)) {
      await pause();
      const path = await this.#freePath(first.at(-1) ?? start, target, pose, options);
      if ("refusal" in path) {
        worst ??= path;
        continue;
      }
      const stages: Stage[] = [];
      if (first.length > 1) {
        const trajectory = await this.#time(splinePath(first), "straight", pause);
        stages.push({ name: leave === "raise" ? "lift" : "back-off", trajectory, opening });
      }
      stages.push({ name: stage, trajectory: await this.#time(path, "free", pause), opening });
      return { stages, summary: summarise(stages, this.#solver, start) };
    }
    return worst ?? { refusal: "start-blocked", reason: "the arm cannot leave where it stands" };
  }

  /** Straight lines out of the surroundings, the longest first; none at all where nothing obstructs. */
  *#departures(
    start: JointValues,
    leave: MoveOptions["leave"],
    options: CheckOptions,
  ): Generator<number[][]> {
    const already = this.#checker.all(start, options);
    const { approach = 0.1, lift = 0.1, up } = this.#options;
    const pose = this.#solver.kinematics.forward(start);
    for (const share of leave === undefined && already.length === 0 ? [] : [1, 0.5]) {
      for (const away of leave === "raise" ? [raised(lift, up)] : [backed(approach), raised(lift, up)]) {
        const full = away(pose).position;
        const position = pose.position.map((v, i) => v + share * (full[i]! - v)) as unknown as Vec3;
        const line = straightLine(this.#solver, start, { ...pose, position });
        if ("reason" in line) continue;
        const path = splinePath(line.configurations);
        if (!this.#within(path)) continue;
        const leads = [...along(path)].every((q) =>
          this.#checker.all(q, options).every(({ kind, link, other, distance }) =>
            // Half a millimetre: capsules of neighbours turn a little about each other on a straight line.
            already.some(
              (each) =>
                each.kind === kind &&
                each.link === link &&
                each.other === other &&
                distance >= each.distance - 5e-4,
            ),
          ),
        );
        if (leads) yield line.configurations;
      }
    }
    if (already.length === 0) yield [Array.from(start)];
  }

  /**
   * The first collision of a planned motion in the checker's present scene, in words; undefined when the motion is
   * free.
   */
  blocked({ stages }: GraspMotion): string | undefined {
    for (const stage of stages) {
      if (!("trajectory" in stage)) continue;
      const touchTarget = stage.name !== "pre-grasp";
      const configurations = stage.trajectory.points(0.1).map(({ positions }) => positions);
      const hit = this.#checker.checkAll(configurations, { touchTarget, opening: stage.opening });
      if (hit !== undefined) return describeCollision(hit);
    }
    return undefined;
  }

  async #search(
    goal: GraspGoal,
    start: JointValues,
    straight: Straight,
    pause: () => Promise<void>,
    timed: (paths: PathSet) => Promise<GraspMotion>,
  ): Promise<GraspMotion | RefusedMotion> {
    const at = this.#checker.check(start, { opening: straight.opening.before });
    if (at !== undefined)
      return { refusal: "start-blocked", reason: `the arm cannot start: ${describeCollision(at)}` };
    let worst: RefusedMotion = {
      refusal: "unreachable",
      reason: "no joint configuration reaches the point before the object",
    };
    // What is held would stand half a turn from where it was planned.
    const poses = straight.carried === undefined ? this.#variants(goal.pose) : [goal.pose];
    for (const { pose, joints } of this.#configurations(poses, start, straight.before)) {
      await pause();
      const paths = await this.#segments(start, joints, pose, straight);
      if (!("refusal" in paths)) return await timed(paths);
      if (refusalsByProgress.indexOf(paths.refusal) >= refusalsByProgress.indexOf(worst.refusal))
        worst = paths;
    }
    return worst;
  }

  /** Joint configurations before the object, the best by the preferences first. */
  #configurations(
    poses: readonly Pose[],
    start: JointValues,
    before: (pose: Pose) => Pose,
  ): { pose: Pose; joints: number[] }[] {
    const { candidates = 6, preferences = {} } = this.#options;
    return poses
      .flatMap((variant) =>
        this.#solver
          .solveAll(before(variant), { seed: start, candidates, preferences })
          .map(({ joints }) => ({
            pose: variant,
            joints,
            cost: this.#solver.cost(joints, start, preferences),
          })),
      )
      .sort((a, b) => a.cost - b.cost);
  }

  /** A grasp and its half turn about the approach. */
  #variants(pose: Pose): Pose[] {
    if (this.#options.symmetric === false) return [pose];
    return [pose, compose(pose, { position: [0, 0, 0], orientation: [0, 0, 1, 0] })];
  }

  /** The segments as paths, or why this joint configuration does not do. */
  async #segments(
    start: JointValues,
    before: number[],
    pose: Pose,
    { after, opening, carried, taken, home = start }: Straight,
  ): Promise<PathSet | RefusedMotion> {
    const { retreat = "start" } = this.#options;
    const approach = straightLine(this.#solver, before, pose);
    if ("reason" in approach) return lineRefusal("approach", approach);
    const grasped = approach.configurations.at(-1)!;
    const lifting = straightLine(this.#solver, grasped, after(pose));
    if ("reason" in lifting) return lineRefusal("lift", lifting);
    for (const [name, configurations, apart] of [
      ["approach", approach.configurations, opening.before],
      ["lift", lifting.configurations, opening.after],
    ] as const) {
      const path = splinePath(configurations);
      if (!this.#within(path))
        return { refusal: name, reason: `the straight ${name} leaves a joint's limits` };
      const hit = this.#checker.checkAll(along(path), { touchTarget: true, opening: apart });
      if (hit !== undefined) return { refusal: "collision", reason: describeCollision(hit) };
    }
    const there = await this.#freePath(start, before, pose, this.#carrying(start, opening.before, carried));
    if ("refusal" in there) return there;
    const away = lifting.configurations.at(-1)!;
    // What was put down is an obstacle, unless it reaches up to the hand.
    const touches =
      carried === undefined || this.#checker.check(away, { opening: opening.after })?.kind === "target";
    const lifted = inTool(taken, pose);
    const carrying = { ...this.#carrying(away, opening.after, lifted), touchTarget: touches };
    const back =
      retreat === "start" ? await this.#freePath(away, Array.from(home), pose, carrying, lifted) : undefined;
    if (back !== undefined && "refusal" in back) return back;
    return { there, approach: approach.configurations, lift: lifting.configurations, back, pose };
  }

  /** A carried object that touches something already where the motion starts cannot stay clear. */
  #carrying(start: JointValues, opening: Metres, carried: Points | undefined): CheckOptions {
    if (carried === undefined) return { opening };
    const options = { opening, touchTarget: true, carried };
    return this.#checker.check(start, options) === undefined ? options : { opening, touchTarget: true };
  }

  /** The motion planner's path, checked again, or the built-in one. `carried` is told to the planner alone. */
  async #freePath(
    from: JointValues,
    to: JointValues,
    near: Pose,
    options: CheckOptions,
    carried = options.carried,
  ): Promise<JointPath | RefusedMotion> {
    if (this.#paths === undefined) {
      const { up } = this.#options;
      const within = (path: JointPath) => this.#within(path);
      return builtInPath(this.#solver, this.#checker, { from, to, near, up, within }, options);
    }
    const planned = await this.#paths.plan(from, to, this.#checker.scene, { ...options, carried });
    if ("reason" in planned) return { refusal: "way-blocked", reason: planned.reason };
    const path = splinePath(planned.configurations);
    if (!this.#within(path))
      return { refusal: "way-blocked", reason: "the planned path leaves a joint's limits" };
    const hit = this.#checker.checkAll(along(path), options);
    return hit === undefined
      ? path
      : { refusal: "way-blocked", reason: `the planned path: ${describeCollision(hit)}` };
  }

  /** A spline may swing beyond the limits between its waypoints. */
  #within(path: JointPath): boolean {
    const { lower, upper } = this.#solver.chain;
    const { min, max } = pathRange(path);
    return min.every((low, i) => low >= lower[i]! - plannedSlack && max[i]! <= upper[i]! + plannedSlack);
  }

  async #timed(
    { there, approach, lift, back, pose }: PathSet,
    goal: GraspGoal,
    start: JointValues,
    pause: () => Promise<void>,
  ): Promise<GraspMotion> {
    const closed = Math.max(0, (goal.objectWidth ?? 0) - 0.02);
    const [open, held] = [goal.width, heldWidth(goal)];
    const line = (configurations: number[][]) => this.#time(splinePath(configurations), "straight", pause);
    const stages: Stage[] = [
      { name: "open", width: open },
      { name: "pre-grasp", trajectory: await this.#time(there, "free", pause), opening: open },
      { name: "approach", trajectory: await line(approach), opening: open },
      {
        name: "close",
        width: goal.objectWidth === undefined ? 0 : closed,
        ...(goal.force !== undefined && { force: goal.force }),
      },
      { name: "lift", trajectory: await line(lift), opening: held },
      ...(back === undefined
        ? []
        : [{ name: "retreat", trajectory: await this.#time(back, "free", pause), opening: held } as const]),
    ];
    return { pose, stages, summary: summarise(stages, this.#solver, start) };
  }

  async #time(path: JointPath, kind: "free" | "straight", pause: () => Promise<void>): Promise<Trajectory> {
    const { limits, straightSpeed = 0.1, freeSpeed = 0.5 } = this.#options;
    await pause();
    const speed = kind === "free" ? freeSpeed : straightSpeed;
    const rate = toolRate(path, this.#solver.kinematics, speed, limits.rate);
    return timeParametrise(path, { ...limits, rate });
  }
}
