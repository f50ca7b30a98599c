import type { Bridge } from "../../pipeline/index.js";
import { openBridge, type PipelineOptions } from "../../pipeline/index.js";

/** What the ROS node's pipeline thread imports. */
export const createPipeline = (options: PipelineOptions): Promise<Bridge> => openBridge(options);
