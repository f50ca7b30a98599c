import { Command, Option } from "commander";
import { dump } from "npyjs";
import { GraspGroundingError, usage } from "../errors/index.js";
import {
  type CameraModel,
  type DepthImage,
  normalizeQuaternion,
  type Pose,
  type RgbdFrame,
  registerDepth,
} from "../geometry/index.js";
import { cleanQuery } from "../grounding/index.js";
import { cameraForImage } from "../messages/index.js";
import {
  createPipeline,
  type GraspPipeline,
  type PipelineOptions,
  type PipelineResult,
  readCamera,
  readColour,
  readColourForDepth,
  readDepth,
  resultToJson,
} from "../pipeline/index.js";
import { resultTable } from "../report/text-table.js";
import { imageFile, outputFile, positive, writeWhole } from "../system/index.js";
import { drawOverlay } from "../visualization/index.js";
import {
  collect,
  failIfNotFoundFlag,
  graspFlags,
  notFoundExitCode,
  pipelineFlags,
} from "./pipeline-flags.js";

interface GroundOptions extends PipelineOptions {
  readonly image: string;
  readonly query: readonly string[];
  readonly reply?: readonly string[];
  readonly depth?: string;
  readonly camera?: string;
  readonly depthScale?: number;
  readonly scaleCamera?: boolean;
  readonly rectified?: boolean;
  readonly depthCamera?: string;
  readonly depthPose?: Pose;
  readonly json?: boolean;
  readonly jsonl?: boolean;
  readonly failIfNotFound?: boolean;
  readonly overlay?: string;
  readonly heatmap?: string;
}

/** `ground`: one image, one or more queries. */
export function groundCommand(): Command {
  const command = new Command("ground")
    .description("find what queries name in one image")
    .requiredOption("--image <file>", "colour image")
    .requiredOption("--query <query>", "what to find; may be given several times", collect)
    .option(
      "--reply <text>",
      'reply to the question that the query brings, as "the left one"; may be given several times, one a question',
      collect,
    )
    .option("--depth <file>", "depth image aligned to colour, for grasps: 16-bit PNG or TIFF, or float TIFF")
    .option(
      "--camera <file>",
      "intrinsics: JSON {width,height,fx,fy,cx,cy}, YAML of camera_info, of OpenCV or of ros2 topic echo",
    )
    .option("--scale-camera", "scale the intrinsics to an image of another size and the same proportions")
    .option("--rectified", "the image is rectified: P of the camera info describes it")
    .option(
      "--depth-scale <m>",
      "metres per unit of the depth image (default: 0.001, and 1 for floats)",
      positive,
    )
    .option("--depth-camera <file>", "intrinsics of depth that is not aligned: it is registered to colour")
    .option(
      "--depth-pose <x,y,z,qx,qy,qz,qw>",
      "where the depth camera's optical frame is in colour's, in metres; with --depth-camera",
      parsePose,
    )
    .addOption(
      new Option(
        "--json",
        "print JSON as docs/result.schema.json has it: an object for one query, an array for several",
      ).conflicts("jsonl"),
    )
    .option("--jsonl", "print one JSON line a query, also for a single one")
    .option("--overlay <file>", "write the image with boxes, masks and grasps (.png, .jpg)", imageFile)
    .option(
      "--heatmap <file>",
      "write the first query's object probability as float32 .npy, model resolution",
      outputFile(".npy"),
    )
    .addOption(failIfNotFoundFlag("one of the queries is not found"));
  for (const flag of [...pipelineFlags("careful"), ...graspFlags()]) command.addOption(flag);
  return command.action(run);
}

async function run(options: GroundOptions): Promise<void> {
  options.query.forEach(cleanQuery);
  if (options.reply !== undefined && options.query.length > 1) throw usage("--reply is for one query only");
  const frame = await readFrame(options);
  const pipeline = await createPipeline({ ...options, grasps: frame.depth !== undefined });
  let results: readonly PipelineResult[];
  try {
    results = await ask(pipeline, frame, options);
  } finally {
    await pipeline.close();
  }
  if (options.overlay !== undefined) {
    const format = /\.jpe?g$/i.test(options.overlay) ? "jpeg" : "png";
    await writeWhole(options.overlay, await drawOverlay(frame.colour, results, { ...frame, format }));
  }
  const heatmap = results[0]?.grounding.heatmap;
  if (options.heatmap !== undefined && heatmap !== undefined) {
    if (heatmap.fromBoxes) throw new GraspGroundingError("MODEL_NO_HEATMAP", { name: pipeline.model });
    await writeWhole(options.heatmap, new Uint8Array(dump(heatmap.data, [heatmap.height, heatmap.width])));
  }
  process.stdout.write(`${text(results, options)}\n`);
  if (options.failIfNotFound && results.some(({ grounding }) => !grounding.found))
    process.exitCode = notFoundExitCode;
}

/** The answers; those after the replies where the query is asked about. */
async function ask(
  pipeline: GraspPipeline,
  frame: RgbdFrame,
  { query, reply = [], ask: when = "when_unsure" }: GroundOptions,
): Promise<readonly PipelineResult[]> {
  const asked = { ask: when, client: "ground" };
  let results = await pipeline.process(frame, query, asked);
  for (const text of reply) {
    if (results[0]?.grounding.question === undefined) {
      process.stderr.write(`grasp-grounding: note: nothing was asked; the reply "${text}" is not used\n`);
      break;
    }
    results = await pipeline.process(frame, [text], asked);
  }
  return results;
}

async function readFrame(options: GroundOptions): Promise<RgbdFrame> {
  if (options.camera !== undefined && options.depth === undefined)
    throw usage("--camera works only with --depth");
  const read = options.depth === undefined ? readColour : readColourForDepth;
  const colour = await read(options.image);
  const base = { stamp: 0n, frameId: "camera_color_optical_frame", colour };
  if (options.depth === undefined) return base;
  if (options.camera === undefined) throw new GraspGroundingError("DEPTH_WITHOUT_CAMERA");
  const assumed = (text: string) =>
    process.stderr.write(
      `grasp-grounding: note: ${options.camera} does not say whether the image is rectified; ${text} (else: --rectified)\n`,
    );
  const rectified = options.rectified === undefined ? {} : { rectified: options.rectified };
  const calibrated = await readCamera(options.camera, { ...rectified, onAssumed: assumed });
  const camera = cameraForImage(calibrated, colour, options.scaleCamera);
  const depth = await readDepth(options.depth, options.depthScale);
  return { ...base, depth: await alignDepth(depth, camera, options), camera };
}

/** Depth of another camera is registered to colour when that camera is given. */
async function alignDepth(
  depth: DepthImage,
  camera: CameraModel,
  { depthCamera, depthPose }: GroundOptions,
): Promise<DepthImage> {
  if ((depthCamera === undefined) !== (depthPose === undefined))
    throw usage("--depth-camera and --depth-pose belong together");
  if (depthCamera !== undefined && depthPose !== undefined)
    return registerDepth(depth, cameraForImage(await readCamera(depthCamera), depth), depthPose, camera);
  if (depth.width === camera.width && depth.height === camera.height) return depth;
  const size = (i: { width: number; height: number }) => `${i.width}×${i.height}`;
  throw new GraspGroundingError("DEPTH_SIZE", { depth: size(depth), colour: size(camera) });
}

/** @throws GraspGroundingError USAGE */
function parsePose(text: string): Pose {
  const values = text.split(/[\s,]+/).map(Number);
  const [x = 0, y = 0, z = 0, qx = 0, qy = 0, qz = 0, qw = 0] = values;
  if (
    values.length !== 7 ||
    !values.every(Number.isFinite) ||
    Math.abs(Math.hypot(qx, qy, qz, qw) - 1) > 0.01
  )
    throw usage("--depth-pose is x,y,z,qx,qy,qz,qw with a quaternion of length 1");
  return { position: [x, y, z], orientation: normalizeQuaternion([qx, qy, qz, qw]) };
}

/** With --json one query gives an object and several an array, in their order; with --jsonl each gives a line. */
function text(results: readonly PipelineResult[], options: GroundOptions): string {
  if (!options.json && !options.jsonl) return resultTable(results);
  const json = results.map((result) => ({ ...resultToJson(result), source: options.image }));
  if (options.jsonl) return json.map((each) => JSON.stringify(each)).join("\n");
  return JSON.stringify(json.length === 1 ? json[0] : json, undefined, 2);
}
