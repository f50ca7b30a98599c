import type { Bridge } from "../bridge/index.js";
import { openBridge, type PipelineOptions } from "./pipeline.js";

/** What the ROS node's pipeline thread imports. */
export const createPipeline = (options: PipelineOptions): Promise<Bridge> => openBridge(options);
