/** SE(3), cameras, boxes, masks, images, point clouds and planes: pure functions and types without imports. */
export * from "./box.js";
export * from "./calibration.js";
export * from "./camera.js";
export * from "./cloud.js";
export * from "./distortion.js";
export * from "./eigen.js";
export * from "./frame.js";
export * from "./image.js";
export * from "./mask.js";
export * from "./normals.js";
export * from "./plane.js";
export * from "./pose.js";
export * from "./random.js";
export * from "./registration.js";
export * from "./rotation-vector.js";
export * from "./statistics.js";
export * from "./units.js";
