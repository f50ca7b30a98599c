/** From a grasp pose to a motion that is safe to run: robot model, kinematics, trajectories, collisions, supervisor, controller port. */
export * from "./chain.js";
export * from "./description.js";
export * from "./ik.js";
export * from "./kinematics.js";
export * from "./least-squares.js";
export * from "./path.js";
export * from "./supervisor.js";
export * from "./supervisor-types.js";
export * from "./topp.js";
export * from "./trajectory.js";
export * from "./urdf.js";
