/** SE(3), the camera model, boxes, masks and pictures: pure functions and plain types that import nothing. */
export * from "./box.js";
export * from "./camera.js";
export * from "./frame.js";
export * from "./image.js";
export * from "./mask.js";
export * from "./pose.js";
export * from "./units.js";
