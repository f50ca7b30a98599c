// The node with the true masks of a simulated cell as its grounding: node oracle-node.mjs FOLDER [--ros-args …]
import { runNode } from "../dist/src/ros/index.js";

const [truth, ...rosArgs] = process.argv.slice(2);
const module = new URL("./oracle-pipeline.mjs", import.meta.url).href;
process.exitCode = await runNode({ rosArgs, pipeline: () => ({ module, options: { truth } }) });
