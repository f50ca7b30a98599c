import { z } from "zod";
import { resultSchema } from "../pipeline/index.js";

/** What the page and other clients may ask for, and what they are told. The page imports the types alone. */

const seconds = z.number().min(0).max(1e7);

/** One command, over the WebSocket or as the body of `POST /api/command`. */
export const commandSchema = z.discriminatedUnion("name", [
  z
    .object({ name: z.literal("ask"), query: z.string().max(2000) })
    .describe("finds what the query names in the image shown now, and plans a grasp"),
  z
    .object({ name: z.literal("follow"), query: z.string().max(2000).optional() })
    .describe("keeps asking the query on every image the model has time for; without a query it ends"),
  z
    .object({ name: z.literal("identify"), x: z.number().min(0), y: z.number().min(0) })
    .describe("names what is at a pixel of the image shown now"),
  z
    .object({ name: z.literal("choose"), answer: z.int().min(1), candidate: z.int().min(0).max(1000) })
    .describe("takes another candidate of an answer and plans a grasp for it"),
  z
    .object({ name: z.literal("confirm"), answer: z.int().min(1) })
    .describe("says that the chosen candidate of an unsure or ambiguous answer is the one that is meant"),
  z.object({ name: z.literal("forget") }).describe("removes the answers from the image"),
  z.object({ name: z.literal("play") }),
  z.object({ name: z.literal("pause") }),
  z.object({ name: z.literal("seek"), position: seconds.describe("seconds from the start") }),
  z.object({ name: z.literal("step"), frames: z.int().min(-100).max(100) }),
  z.object({ name: z.literal("rate"), rate: z.number().min(0.05).max(16) }),
  z.object({ name: z.literal("loop"), loop: z.boolean() }),
  z.object({ name: z.literal("lease.take") }).describe("takes control when it is free, else asks for it"),
  z.object({ name: z.literal("lease.release") }),
  z.object({ name: z.literal("lease.grant") }).describe("hands control to the client that asked for it"),
  z
    .object({ name: z.literal("estop"), reason: z.string().max(200).optional() })
    .describe("stops all motion and latches; everyone may, viewers too"),
  z.object({ name: z.literal("estop.reset") }),
  z
    .object({ name: z.literal("pick"), answer: z.int().min(1) })
    .describe("takes the object of an answer, as long as `beat` messages come over the WebSocket"),
  z
    .object({ name: z.literal("preview"), answer: z.int().min(1) })
    .describe("plans the motion `pick` would carry out, and moves nothing"),
  z
    .object({
      name: z.literal("place"),
      at: z.tuple([z.number().min(0), z.number().min(0)]).optional(),
      here: z.boolean().optional().describe("below the gripper"),
    })
    .describe(
      "puts the held object down while `beat` messages come: where it was taken, below the gripper, or at a pixel of the image shown now",
    ),
  z
    .object({ name: z.literal("gripper"), action: z.enum(["open", "close"]) })
    .describe("opens or closes the gripper while `beat` messages come"),
  z
    .object({ name: z.literal("move"), to: z.string().min(1).max(100) })
    .describe("moves the arm to `home` or to another named position while `beat` messages come"),
  z
    .object({
      name: z.literal("jog"),
      limit: z.number().positive().max(4).optional().describe("step: metres of the tool, or radians"),
    })
    .describe(
      "begins jogging: the arm follows `drive` and `turn` messages over the WebSocket while they come",
    ),
  z
    .object({
      name: z.literal("parameter"),
      parameter: z.string().max(100),
      value: z.union([z.boolean(), z.number(), z.string().max(2000)]),
    })
    .describe("sets a parameter of the console's source"),
  z.object({ name: z.literal("release") }).describe("the button was released: the motion ends"),
]);

export type Command = z.infer<typeof commandSchema>;

const velocity = z.tuple([component(), component(), component()]);
function component() {
  return z.number().min(-2).max(2);
}

/** What a client sends over the WebSocket. */
export const clientMessageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("command"), id: z.int().min(0), command: commandSchema }),
  z.object({ type: z.literal("ack"), seq: z.int().min(0) }).describe("the image has been shown"),
  z
    .object({ type: z.literal("view"), width: z.int().min(0).max(16384) })
    .describe("pixels the image is shown at; 0 stops images"),
  z.object({ type: z.literal("beat") }).describe("the button is still held"),
  z
    .object({ type: z.literal("drive"), linear: velocity, angular: velocity })
    .describe("m/s and rad/s in the axes of the robot's base"),
  z
    .object({ type: z.literal("turn"), joint: z.int().min(0).max(63), velocity: component() })
    .describe("rad/s of one joint (m/s of a prismatic one), counted from the base"),
  z.object({ type: z.literal("ping"), at: z.number() }),
]);

export type ClientMessage = z.infer<typeof clientMessageSchema>;

export const roleSchema = z.enum(["viewer", "operator"]);
export type Role = z.infer<typeof roleSchema>;

export const confidenceSchema = z.enum(["sure", "unsure", "not_found"]);
export type Confidence = z.infer<typeof confidenceSchema>;

/** A question's answer, as the page draws it. */
export const answerSchema = z.object({
  id: z.int().min(1),
  colour: z.int().min(0).describe("index into the palette; stays the same while the query is shown"),
  confidence: confidenceSchema.describe(
    "how sure the model is, by the score of its best candidate; an unsure answer must be confirmed before `pick`",
  ),
  ambiguous: z
    .boolean()
    .describe("several candidates fit about equally well: one must be chosen before `pick`"),
  confirmed: z.boolean().describe("an operator chose a candidate, or confirmed the chosen one"),
  /** Seconds from the recording's start. */
  position: z.number().optional(),
  stamp: z.string().describe("of the image it is about, in nanoseconds"),
  text: z.string().describe("what was found, in words"),
  understood: z
    .string()
    .optional()
    .describe("what the query was taken for, where it is more than a plain referring expression"),
  chosen: z.int().min(0).describe("candidate the grasp is for"),
  presence: z.number().min(0).max(1).describe("probability that the object is in the image"),
  drawn: z
    .array(z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])))
    .describe("for each grasp the open gripper as lines x1, y1, x2, y2 in pixels"),
  asked: z.enum(["console", "ros"]).describe("who asked"),
  camera: poseSchema().optional().describe("where the camera was in the robot's base, where that is known"),
  result: resultSchema,
});
function poseSchema() {
  return z.object({
    position: z.tuple([z.number(), z.number(), z.number()]),
    orientation: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  });
}
export type Answer = z.infer<typeof answerSchema>;

/** How one part is. */
export const healthSchema = z.object({
  name: z.string(),
  level: z.enum(["ok", "warn", "error", "stale"]),
  text: z.string(),
  values: z.record(z.string(), z.string()),
});
export type HealthItem = z.infer<typeof healthSchema>;

export const parameterSchema = z.object({
  name: z.string(),
  type: z.enum(["boolean", "integer", "double", "string"]),
  value: z.union([z.boolean(), z.number(), z.string()]),
  default: z.union([z.boolean(), z.number(), z.string()]),
  description: z.string(),
  range: z.tuple([z.number(), z.number()]).optional(),
  options: z.array(z.string()).optional(),
  readOnly: z.boolean().describe("read when the node is configured: cannot be set here"),
});
export type ParameterView = z.infer<typeof parameterSchema>;

/** What `preview` answers. */
export interface MotionPreview {
  /** Index of the grasp among the answer's. */
  readonly grasp: number;
  /** Seconds in all, without the gripper's. */
  readonly duration: number;
  readonly stages: readonly {
    readonly name: string;
    readonly duration: number;
    /** Joint configurations at even intervals, first and last included; one where the arm rests. */
    readonly configurations: readonly (readonly number[])[];
    /** Opening of the gripper in metres, where the stage sets it. */
    readonly opening?: number;
  }[];
}

/** What `GET /api/robot` gives: enough to draw the arm. */
export const robotSchema = z.object({
  name: z.string(),
  urdf: z.string(),
  base: z.string().describe("link the camera's pose and all motions are given in"),
  tip: z.string().describe("link whose origin is between the fingertips"),
  joints: z.array(z.string()).describe("in the order of all joint values"),
  lower: z.array(z.number()).describe("radians; a joint without end is given as ±2π"),
  upper: z.array(z.number()),
  fingers: z
    .object({ joint: z.string(), perOpening: z.number() })
    .optional()
    .describe("joint that opens the gripper, and its value for each metre of opening"),
  table: z.number().optional().describe("height of a level table in the base, in metres"),
});
export type RobotView = z.infer<typeof robotSchema>;

export const stateSchema = z.object({
  source: z.object({ kind: z.enum(["bag", "live"]), name: z.string(), problems: z.array(z.string()) }),
  playback: z
    .object({
      playing: z.boolean(),
      position: z.number(),
      duration: z.number(),
      rate: z.number(),
      loop: z.boolean(),
    })
    .optional(),
  marks: z
    .array(z.object({ position: z.number(), query: z.string(), found: z.boolean() }))
    .describe("where in the recording questions were answered"),
  model: z.object({
    name: z.string(),
    provider: z.string().optional().describe("execution provider"),
    busy: z.boolean(),
    waiting: z.int().min(0),
  }),
  follow: z.string().optional().describe("query asked on every image"),
  stats: z.object({
    fps: z.number().describe("images a second from the source"),
    dropped: z.int().min(0).describe("images dropped by the source"),
    modelDropped: z.int().min(0).describe("images that came while the model was busy"),
    silence: z
      .int()
      .optional()
      .describe("seconds since the last image of a live camera, where that is too long ago"),
    clients: z.int().min(0),
    latency: z.record(z.string(), z.number()).describe("milliseconds by stage, of the last answer"),
  }),
  lease: z.object({
    holder: z.string().optional(),
    holderId: z.string().optional(),
    wanted: z.string().optional(),
  }),
  estop: z.object({
    latched: z.boolean(),
    by: z.string().optional(),
    at: z.string().optional(),
    reason: z.string().optional(),
  }),
  arm: z.object({
    available: z.boolean(),
    text: z.string(),
    moving: z.boolean(),
    jogs: z.boolean().describe("whether it can be jogged"),
    robot: z.boolean().describe("whether `GET /api/robot` tells how to draw it"),
    holding: z.boolean().describe("it took something here and has not put it down"),
    gripper: z
      .object({
        state: z.enum(["empty", "holding", "unsure"]).describe("unsure: it may be holding something"),
        text: z.string().describe("the same in words"),
        object: z.string().optional().describe("what it holds, or may hold"),
        thumbnail: z
          .int()
          .optional()
          .describe("number of the image that `GET /api/gripper.jpg` gives; each object has its own"),
      })
      .optional(),
    acts: z
      .array(z.enum(["pick", "put-back", "put-here", "put-at", "open", "close", "home"]))
      .optional()
      .describe("what makes sense in the gripper's state, the most useful first"),
    named: z.array(z.string()).optional().describe("named positions that `move` knows, without home"),
    tool: poseSchema().optional().describe("tool pose in the robot's base, metres and quaternion x, y, z, w"),
    joints: z.array(z.number()).optional().describe("present joint configuration"),
    opening: z.number().optional().describe("of the gripper, in metres"),
    stage: z.string().optional(),
    progress: z.number().optional(),
  }),
  health: z.array(healthSchema),
  parameters: z.array(parameterSchema).optional(),
  log: z.array(z.object({ at: z.string(), level: z.enum(["info", "warn", "error"]), text: z.string() })),
});
export type ConsoleState = z.infer<typeof stateSchema>;

/** Who a client is, told to itself alone. */
export const identitySchema = z.object({ id: z.string(), name: z.string(), role: roleSchema });
export type Identity = z.infer<typeof identitySchema>;

/** What the server sends as text. Images come as binary: see `packFrame`. */
export type ServerMessage =
  | {
      readonly type: "hello";
      readonly you: Identity;
      readonly state: ConsoleState;
      readonly answers: readonly Answer[];
    }
  | { readonly type: "state"; readonly state: Partial<ConsoleState> }
  | { readonly type: "answers"; readonly answers: readonly Answer[] }
  | {
      readonly type: "reply";
      readonly id: number;
      readonly ok: boolean;
      readonly error?: { readonly code: string; readonly message: string };
      readonly result?: unknown;
    }
  | { readonly type: "pong"; readonly at: number };

/** Header of an image sent as a binary message. */
export interface FrameHeader {
  readonly seq: number;
  /** Size boxes and pixels are given in; the JPEG may be smaller. */
  readonly width: number;
  readonly height: number;
  /** Nanoseconds since the clock's epoch. */
  readonly stamp: string;
  readonly frameId: string;
  readonly position?: number;
  /** Milliseconds since the image reached the console. */
  readonly age: number;
}

/** uint32 little-endian length of the header, the header as JSON, the JPEG. */
export function packFrame(header: FrameHeader, jpeg: Uint8Array): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, jpeg]);
}
