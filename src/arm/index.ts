/** From a grasp pose to a motion that is safe to run: robot model, kinematics, trajectories, collisions, supervisor, controller port. */
export * from "./supervisor.js";
export * from "./supervisor-types.js";
