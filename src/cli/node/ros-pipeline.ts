/** The pipeline that the ROS node's thread loads: the same as every other surface's. */
export { createPipeline } from "../../pipeline/index.js";
