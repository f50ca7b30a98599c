import { Command } from "commander";
import { dump } from "npyjs";
import { GraspGroundingError, usage } from "../errors/index.js";
import type { RgbdFrame } from "../geometry/index.js";
import { cleanQuery } from "../grounding/index.js";
import {
  createPipeline,
  type PipelineOptions,
  type PipelineResult,
  readCamera,
  readColour,
  readDepth,
  resultToJson,
} from "../pipeline/index.js";
import { resultTable } from "../report/text-table.js";
import { positive, writeWhole } from "../system/index.js";
import { drawOverlay } from "../visualization/index.js";
import { collect, graspFlags, pipelineFlags } from "./pipeline-flags.js";

interface GroundOptions extends PipelineOptions {
  readonly image: string;
  readonly query: readonly string[];
  readonly depth?: string;
  readonly camera?: string;
  readonly depthScale: number;
  readonly json?: boolean;
  readonly overlay?: string;
  readonly heatmap?: string;
}

/** `ground`: one image, one or more queries. */
export function groundCommand(): Command {
  const command = new Command("ground")
    .description("find what queries name in one image")
    .requiredOption("--image <file>", "colour image")
    .requiredOption("--query <query>", "what to find; may be given several times", collect)
    .option("--depth <file>", "16-bit depth image aligned to colour, for grasps")
    .option("--camera <file>", "intrinsics: JSON {width,height,fx,fy,cx,cy} or camera_info YAML")
    .option("--depth-scale <m>", "metres per unit of the depth image", positive, 0.001)
    .option("--json", "print JSON as docs/result.schema.json has it")
    .option("--overlay <file>", "write the image with boxes, masks and grasps (.png, .jpg)")
    .option(
      "--heatmap <file>",
      "write the first query's object probability as float32 .npy, model resolution",
    );
  for (const flag of [...pipelineFlags(), ...graspFlags()]) command.addOption(flag);
  return command.action(run);
}

async function run(options: GroundOptions): Promise<void> {
  options.query.forEach(cleanQuery);
  const frame = await readFrame(options);
  const pipeline = await createPipeline({ ...options, grasps: frame.depth !== undefined });
  let results: readonly PipelineResult[];
  try {
    results = await pipeline.process(frame, options.query, { ask: options.ask ?? "when_unsure" });
  } finally {
    await pipeline.close();
  }
  if (options.overlay !== undefined) {
    const format = /\.jpe?g$/i.test(options.overlay) ? "jpeg" : "png";
    await writeWhole(options.overlay, await drawOverlay(frame.colour, results, { ...frame, format }));
  }
  const heatmap = results[0]?.grounding.heatmap;
  if (options.heatmap !== undefined && heatmap !== undefined) {
    await writeWhole(options.heatmap, new Uint8Array(dump(heatmap.data, [heatmap.height, heatmap.width])));
  }
  process.stdout.write(`${options.json ? toJson(results, options) : resultTable(results)}\n`);
}

async function readFrame(options: GroundOptions): Promise<RgbdFrame> {
  if (options.camera !== undefined && options.depth === undefined)
    throw usage("--camera is of use only with --depth");
  const colour = await readColour(options.image);
  const base = { stamp: 0n, frameId: "camera_color_optical_frame", colour };
  if (options.depth === undefined) return base;
  if (options.camera === undefined) throw new GraspGroundingError("DEPTH_WITHOUT_CAMERA");
  const depth = await readDepth(options.depth, options.depthScale);
  const camera = await readCamera(options.camera);
  if (depth.width !== colour.width || depth.height !== colour.height) {
    const size = (i: { width: number; height: number }) => `${i.width}×${i.height}`;
    throw new GraspGroundingError("DEPTH_SIZE", { depth: size(depth), colour: size(colour) });
  }
  return { ...base, depth, camera };
}

/** One query gives an object, several an array in their order. */
function toJson(results: readonly PipelineResult[], options: GroundOptions): string {
  const json = results.map((result) => ({ ...resultToJson(result), source: options.image }));
  return JSON.stringify(json.length === 1 ? json[0] : json, undefined, 2);
}
