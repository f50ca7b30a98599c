import { z } from "zod";
import { maskToRle } from "../geometry/index.js";
import type { Grasp } from "../grasping/index.js";
import type { Grounding } from "../grounding/index.js";

const number3 = z.tuple([z.number(), z.number(), z.number()]);
const number4 = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/** The one JSON result of every command and interface; docs/result.schema.json is generated from it. */
export const resultSchema = z
  .object({
    image: z.object({ width: z.int().positive(), height: z.int().positive() }),
    query: z.string(),
    model: z.string(),
    backend: z.string().optional().describe("where the model ran and on what, e.g. in-process/cpu"),
    found: z.boolean(),
    detections: z.array(
      z.object({
        box: number4.describe("x1, y1, x2, y2 in pixels of the original image, x2 and y2 exclusive"),
        score: z.number().min(0).max(1),
        mask: z
          .object({
            size: z.tuple([z.int().positive(), z.int().positive()]).describe("height, width"),
            counts: z
              .array(z.int().min(0))
              .describe("run lengths down the columns, beginning with zeros (COCO)"),
          })
          .optional(),
      }),
    ),
    grasps: z.array(
      z.object({
        frame: z.string(),
        position: number3.describe("metres"),
        orientation: number4.describe(
          "quaternion x, y, z, w; tool z along the approach, x along the closing direction",
        ),
        width: z.number().min(0).describe("opening in metres"),
        score: z.number().min(0).max(1),
      }),
    ),
    grasp_failure: z.string().optional().describe("why there is no grasp"),
    timings_ms: z
      .record(z.string(), z.number().min(0))
      .describe(
        "this query's own share of each stage: over all queries of a frame they add up to the frame's time",
      ),
    stamp: z.string().optional().describe("nanoseconds since the clock's epoch, of a recorded or live frame"),
    frame: z.string().optional().describe("frame id of the image"),
    source: z.string().optional().describe("file or bag the image is from"),
    topic: z.string().optional().describe("colour topic of a recorded frame"),
    time: z
      .number()
      .optional()
      .describe("when the frame was recorded, in seconds from the bag's start, as `replay --at` takes it"),
  })
  .meta({
    title: "grasp-grounding result",
    description:
      "One query answered on one image. `ground --json` prints one such object for one query, and an array of them, in the order of the queries, for several; `ground --jsonl` and `replay --json` write one object a line, however many queries there are.",
  });

export type ResultJson = z.infer<typeof resultSchema>;

/** One query answered on one frame. */
export interface PipelineResult {
  readonly image: { readonly width: number; readonly height: number };
  readonly stamp: bigint;
  readonly frameId: string;
  readonly grounding: Grounding;
  /** Best first, for the best detection; empty when none was requested or found. */
  readonly grasps: readonly Grasp[];
  /** Reason for no grasp, when one was requested. */
  readonly graspFailure?: string;
  /** Milliseconds by stage: this query's own share of what the queries of a frame had in common. */
  readonly timings: Readonly<Record<string, number>>;
}

export interface JsonOptions {
  /** Include run-length masks. Default true. */
  readonly masks?: boolean;
  /** Include timings; without them the same input gives the same bytes. Default true. */
  readonly timings?: boolean;
}

/** The result in the published schema. Lengths are rounded to 0.01 mm, scores to 1e-4. */
export function resultToJson(result: PipelineResult, options: JsonOptions = {}): ResultJson {
  const { grounding } = result;
  return {
    image: { width: result.image.width, height: result.image.height },
    query: grounding.query,
    model: grounding.model,
    ...(grounding.backend !== undefined && { backend: grounding.backend }),
    found: grounding.found,
    detections: grounding.detections.map(({ box, score, mask }) => ({
      box: [...box],
      score: round(score, 4),
      ...(options.masks !== false && { mask: rleJson(mask) }),
    })),
    grasps: result.grasps.map(({ frame, pose, width, score }) => ({
      frame,
      position: [round(pose.position[0], 5), round(pose.position[1], 5), round(pose.position[2], 5)],
      orientation: pose.orientation.map((q) => round(q, 6)) as [number, number, number, number],
      width: round(width, 5),
      score: round(score, 4),
    })),
    ...(result.graspFailure !== undefined && { grasp_failure: result.graspFailure }),
    timings_ms:
      options.timings === false
        ? {}
        : Object.fromEntries(Object.entries(result.timings).map(([stage, ms]) => [stage, round(ms, 2)])),
  };
}

function rleJson(mask: Parameters<typeof maskToRle>[0]): { size: [number, number]; counts: number[] } {
  const { size, counts } = maskToRle(mask);
  return { size: [size[0], size[1]], counts: [...counts] };
}

function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
