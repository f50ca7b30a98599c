import { z } from "zod";
import { maskToRle, type Pose } from "../geometry/index.js";
import type { Blocker, Grasp, PlacePlan } from "../grasping/index.js";
import {
  type Command,
  certainties,
  certaintyOf,
  closestPixel,
  type Grounding,
  isPlainQuery,
  maskSources,
} from "../grounding/index.js";

const number3 = z.tuple([z.number(), z.number(), z.number()]);
const number4 = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const target = z.object({
  phrase: z.string().describe("the noun phrase without quantity, exclusions and relation, as it was said"),
  count: z.union([z.int().positive(), z.enum(["all", "any"])]),
  exclude: z.array(z.string()).optional().describe("phrases that name what is not meant"),
  relation: z.object({ kind: z.string(), landmarks: z.array(z.string()) }).optional(),
  reference: z.enum(["last", "other", "kind"]).optional().describe("what the phrase refers back to"),
  alternatives: z.array(z.string()).optional(),
});

const commandStep = z.object({
  act: z.enum(["find", "pick", "place", "pick-and-place", "stop", "undo"]),
  targets: z.array(target),
  destination: z.object({ relation: z.string(), landmarks: z.array(z.string()).optional() }).optional(),
  shift: z
    .object({
      direction: z.enum(["left", "right", "forward", "back", "up", "down"]),
      amount: z.union([z.enum(["little", "some", "much"]), z.number()]).describe("a number is metres"),
    })
    .optional(),
});

/** The one JSON result of every command and interface; docs/result.schema.json is generated from it. */
export const resultSchema = z
  .object({
    image: z.object({ width: z.int().positive(), height: z.int().positive() }),
    query: z.string(),
    model: z.string(),
    backend: z.string().optional().describe("where the model ran and on what, e.g. in-process/cpu"),
    found: z.boolean(),
    certainty: z
      .enum(certainties)
      .optional()
      .describe(
        "how sure the model is: an object that is found and unsure is to be confirmed; one that is not found and unsure may be there, near `closest`",
      ),
    closest: z
      .object({
        point: z.tuple([z.number(), z.number()]).describe("x, y in pixels of the original image"),
        probability: z.number().min(0).max(1).describe("of the object there, given that it is in the image"),
      })
      .optional()
      .describe("the place that resembles the object most, where it was not found"),
    detections: z.array(
      z.object({
        box: number4.describe("x1, y1, x2, y2 in pixels of the original image, x2 and y2 exclusive"),
        score: z.number().min(0).max(1),
        target: z
          .int()
          .min(0)
          .optional()
          .describe("which of the command's targets it is, where it has several"),
        mask: z
          .object({
            size: z.tuple([z.int().positive(), z.int().positive()]).describe("height, width"),
            counts: z
              .array(z.int().min(0))
              .describe("run lengths down the columns, beginning with zeros (COCO)"),
          })
          .optional(),
        mask_source: z
          .enum(maskSources)
          .optional()
          .describe(
            "of a mask that the model did not draw: the whole box, what stands out in the depth image inside the box, or a refining model",
          ),
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
    blocker: z
      .object({
        side: z.string().describe("where it is, as the image shows it: in front of, behind, ..."),
        position: number3.describe("metres, in the camera's optical frame"),
        name: z.string().optional(),
      })
      .optional()
      .describe("another object that blocks the grasps"),
    command: commandStep
      .extend({ next: z.array(commandStep).optional().describe("what is to be done after it") })
      .optional()
      .describe("what the query was understood as, where it is more than a plain referring expression"),
    language: z
      .object({ code: z.string().describe("ISO 639-1"), translated: z.string().optional() })
      .optional()
      .describe("of a query that is not English; without a translation it was not understood"),
    destination: z
      .object({
        relation: z.string(),
        landmarks: z.array(
          z.object({
            phrase: z.string(),
            box: number4.optional(),
            score: z.number().min(0).max(1).optional(),
          }),
        ),
      })
      .optional()
      .describe("where the destination's landmarks were found"),
    places: z
      .array(z.object({ frame: z.string(), position: number3.describe("metres"), orientation: number4 }))
      .optional()
      .describe("where the object can be put down: the tool's pose at the release, best first"),
    place_failure: z.string().optional().describe("why there is no such place"),
    question: z
      .object({
        text: z.string(),
        labels: z
          .array(z.string())
          .describe("what the first detections are called in it; empty where yes or no answers it"),
      })
      .optional()
      .describe("asked back: several objects fit equally well, or another one has to be taken first"),
    timings_ms: z
      .record(z.string(), z.number().min(0))
      .describe(
        "this query's own share of each stage: over all queries of a frame they add up to the frame's time",
      ),
    steps_ms: z
      .record(z.string(), z.number().min(0))
      .optional()
      .describe(
        "parts of encode, text and decode in timings_ms: compare, tokens, jpeg, resize, hash, hand_over, wait, encoder, text, decoder, locate, heatmap",
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
  /** Another object that blocks the grasps. */
  readonly blocker?: Blocker;
  /** Where it can be put down, for a command with a destination that an image can show. */
  readonly places?: PlacePlan;
  /** As in a plan: share of the directions about the object in which no image shows its side, 0..1. */
  readonly unseen?: number;
  /** As in a plan: poses of the camera, in this image's optical frame, that would show more; best first. */
  readonly nextViews?: readonly Pose[];
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
    certainty: certaintyOf(grounding),
    ...closestToJson(result),
    detections: grounding.detections.map(({ box, score, target, mask, maskSource }) => ({
      box: [...box],
      score: round(score, 4),
      ...(target !== undefined && { target }),
      ...(options.masks !== false && { mask: rleJson(mask) }),
      ...(maskSource !== undefined && { mask_source: maskSource }),
    })),
    grasps: result.grasps.map(({ frame, pose, width, score }) => ({
      frame,
      position: [round(pose.position[0], 5), round(pose.position[1], 5), round(pose.position[2], 5)],
      orientation: pose.orientation.map((q) => round(q, 6)) as [number, number, number, number],
      width: round(width, 5),
      score: round(score, 4),
    })),
    ...(result.graspFailure !== undefined && { grasp_failure: result.graspFailure }),
    ...(result.blocker !== undefined && { blocker: blockerToJson(result.blocker) }),
    ...understandingToJson(grounding),
    ...(result.places !== undefined && placesToJson(result.places)),
    timings_ms: options.timings === false ? {} : rounded(result.timings),
    ...(options.timings !== false && grounding.steps && { steps_ms: rounded(grounding.steps) }),
  };
}

const rounded = (timings: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(timings).map(([stage, ms]) => [stage, round(ms, 2)]));

function closestToJson({ grounding, image }: PipelineResult): Pick<ResultJson, "closest"> {
  const closest = closestPixel(grounding, image);
  if (closest === undefined) return {};
  const [x, y] = closest.point;
  return { closest: { point: [round(x, 1), round(y, 1)], probability: round(closest.probability, 4) } };
}

const blockerToJson = ({ side, position: [x, y, z], name }: Blocker): NonNullable<ResultJson["blocker"]> => ({
  side,
  position: [round(x, 5), round(y, 5), round(z, 5)],
  ...(name !== undefined && { name }),
});

const placesToJson = ({ spots, reason }: PlacePlan): Pick<ResultJson, "places" | "place_failure"> => ({
  places: spots.map(({ frame, pose: { position, orientation } }) => ({
    frame,
    position: [round(position[0], 5), round(position[1], 5), round(position[2], 5)],
    orientation: orientation.map((q) => round(q, 6)) as [number, number, number, number],
  })),
  ...(reason !== undefined && { place_failure: reason }),
});

/** What the query was understood as. A plain referring expression is its own best description and adds nothing. */
function understandingToJson({
  command,
  language,
  destination,
  question,
}: Grounding): Pick<ResultJson, "command" | "language" | "destination" | "question"> {
  return {
    ...(command !== undefined && !isPlainQuery(command) && { command: commandToJson(command) }),
    ...(language !== undefined && { language: { ...language } }),
    ...(destination !== undefined && {
      destination: {
        relation: destination.relation,
        landmarks: destination.found.map(({ phrase, detection }) => ({
          phrase,
          ...(detection !== undefined && { box: [...detection.box], score: round(detection.score, 4) }),
        })),
      },
    }),
    ...(question !== undefined && { question: { text: question.text, labels: [...question.labels] } }),
  };
}

/** A copy without `readonly`, as the schema's type has it. */
const commandToJson = (command: Command): NonNullable<ResultJson["command"]> =>
  JSON.parse(JSON.stringify(command)) as NonNullable<ResultJson["command"]>;

function rleJson(mask: Parameters<typeof maskToRle>[0]): { size: [number, number]; counts: number[] } {
  const { size, counts } = maskToRle(mask);
  return { size: [size[0], size[1]], counts: [...counts] };
}

function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
