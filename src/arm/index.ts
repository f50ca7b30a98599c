/**
 * From a grasp pose to a safe motion: robot model, kinematics, trajectories, collisions, supervisor, controller
 * port.
 */

export * from "./collision/body.js";
export * from "./collision/capsule.js";
export * from "./collision/checker.js";
export * from "./collision/point-grid.js";
export * from "./control/arm.js";
export * from "./control/arm-types.js";
export * from "./control/attempt-types.js";
export * from "./control/clock.js";
export * from "./control/controller.js";
export * from "./control/grasp-attempts.js";
export * from "./control/grasp-monitor.js";
export * from "./control/grasp-ranking.js";
export * from "./control/held-object.js";
export * from "./control/second-view.js";
export * from "./control/simulated-controller.js";
export * from "./control/teleop.js";
export * from "./model/chain.js";
export * from "./model/description.js";
export * from "./model/ik.js";
export * from "./model/kinematics.js";
export * from "./model/least-squares.js";
export * from "./model/reachability.js";
export * from "./model/srdf.js";
export * from "./model/tip.js";
export * from "./model/urdf.js";
export * from "./planning/motion-limits.js";
export * from "./planning/path.js";
export * from "./planning/sequence.js";
export * from "./planning/sequence-types.js";
export * from "./planning/straight.js";
export * from "./planning/topp.js";
export * from "./planning/trajectory.js";
export * from "./safety/supervisor.js";
export * from "./safety/supervisor-types.js";
