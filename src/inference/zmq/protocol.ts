import { createHash } from "node:crypto";
import { z } from "zod";
import { elementCount, type Tensor, type Tensors } from "../port.js";
import { steps } from "../steps.js";

/**
 * The messages between the pool and a worker: a header of 32 bytes, a frame of JSON, then tensors or a JPEG as frames
 * of their own. Everything that arrives is checked before it is used or memory is allocated for it.
 */
export const protocolVersion = 1;

export const kinds = {
  hello: 1,
  ping: 2,
  encode: 3,
  text: 4,
  decode: 5,
  cancel: 6,
  welcome: 17,
  pong: 18,
  result: 19,
  error: 20,
} as const;
export type Kind = keyof typeof kinds;

const kindNames = new Map<number, Kind>(Object.entries(kinds).map(([name, code]) => [code, name as Kind]));

/** Limit of a message's frame in bytes; ZeroMQ ends a connection that announces more. */
export const maxFrameBytes = 64 * 2 ** 20;
const maxMetaBytes = 64 * 2 ** 10;
const maxBlobs = 64;
const headerBytes = 32;
const magic = 0x57494747; // "GGIW"

export interface Message {
  readonly kind: Kind;
  /** Counts up within a session; an answer carries the id of its request. */
  readonly id: number;
  /** 16 random bytes of the client, as hex. */
  readonly session: string;
  readonly meta: unknown;
  readonly blobs: readonly Uint8Array[];
}

/** Why a message was dropped, e.g. `magic`, `version`, `meta`. */
export class ProtocolError extends Error {
  readonly reason: string;
  constructor(reason: string, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

export function encodeMessage(message: Message): Uint8Array[] {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(magic, 0);
  header.writeUInt8(protocolVersion, 4);
  header.writeUInt8(kinds[message.kind], 5);
  header.writeUInt16LE(message.blobs.length, 6);
  header.writeBigUInt64LE(BigInt(message.id), 8);
  header.write(message.session, 16, 16, "hex");
  return [header, Buffer.from(JSON.stringify(message.meta)), ...message.blobs];
}

/** @throws ProtocolError */
export function decodeMessage(frames: readonly Buffer[]): Message {
  const [header, metaFrame, ...blobs] = frames;
  if (header === undefined || metaFrame === undefined || header.length !== headerBytes)
    throw new ProtocolError("frames", "not a message of this protocol");
  if (header.readUInt32LE(0) !== magic) throw new ProtocolError("magic", "not a message of this protocol");
  const version = header.readUInt8(4);
  if (version !== protocolVersion)
    throw new ProtocolError("version", `protocol ${version}, this side speaks ${protocolVersion}`);
  const kind = kindNames.get(header.readUInt8(5));
  if (kind === undefined) throw new ProtocolError("kind", `no kind ${header.readUInt8(5)}`);
  if (blobs.length !== header.readUInt16LE(6) || blobs.length > maxBlobs)
    throw new ProtocolError("frames", `${blobs.length} frames, announced ${header.readUInt16LE(6)}`);
  const id = header.readBigUInt64LE(8);
  if (id > BigInt(Number.MAX_SAFE_INTEGER)) throw new ProtocolError("id", "the id is out of range");
  if (metaFrame.length > maxMetaBytes) throw new ProtocolError("meta", `${metaFrame.length} bytes of meta`);
  let meta: unknown;
  try {
    meta = JSON.parse(metaFrame.toString("utf8"));
  } catch {
    throw new ProtocolError("meta", "the meta frame is not JSON");
  }
  return { kind, id: Number(id), session: header.toString("hex", 16), meta, blobs };
}

const name = z.string().min(1).max(200);
const key = z.string().regex(/^[0-9a-f]{64}$/);
const tensorMeta = z.object({
  name,
  type: z.enum(["float32", "int64", "uint8"]),
  dims: z.array(z.int().min(0).max(0x7fffffff)).max(8),
});
const remaining = z.number().min(0).max(3_600_000);
const blob = z.int().min(0).max(maxBlobs);
const side = z.int().min(1).max(16_384);

/**
 * The image of a frame: as a JPEG, as RGB bytes of the model's size (or of `width` × `height`, where the worker brings
 * the image to its size), or as the encoder's tensors; from frame `blob` on.
 */
const image = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("jpeg"), blob }),
  z.object({ kind: z.literal("rgb"), blob, width: side.optional(), height: side.optional() }),
  z.object({ kind: z.literal("tensors"), blob, tensors: z.array(tensorMeta).max(maxBlobs) }),
]);

/** The key is no hash of the image but a name of this connection's client, valid for its session. */
const own = z.boolean().optional();

/** Of each query: its tokens in a request, its features in the answer. Their frames follow those of the tensors. */
const texts = z.array(z.array(tensorMeta).max(8)).max(16).optional();

/** Descriptor of process `pid`: memory of `slots` parts of `bytes` each; behind them a token of 16 bytes, in hex. */
const sharedMemory = z.object({
  pid: z.int().min(1),
  fd: z.int().min(0),
  slots: z.int().min(1).max(maxBlobs),
  bytes: z
    .int()
    .min(1)
    .max(2 ** 30),
  token: z.string().regex(/^[0-9a-f]{32}$/),
});
export type SharedMemoryMeta = z.infer<typeof sharedMemory>;

/**
 * What a worker may offer in addition to the first form of this protocol: `own`, keys that are names, `texts`, queries
 * by their tokens, and `probabilities` of outputs. This one offers the first.
 */
export const offers = ["own"] as const;

export const states = ["loading", "ready", "draining"] as const;
const status = { state: z.enum(states), queued: z.int().min(0) };

/** Content of the JSON frame by kind. */
export const metaSchemas = {
  /** A client on the same machine may ask for shared memory. */
  hello: z.object({ model: name, shared: z.boolean().optional() }),
  ping: z.object({}),
  cancel: z.object({ id: z.int().min(0) }),
  encode: z.object({ remaining_ms: remaining, key, own, picture: image }),
  text: z.object({ remaining_ms: remaining, tensors: z.array(tensorMeta).max(maxBlobs) }),
  decode: z.object({
    remaining_ms: remaining,
    /** Key of features at the worker, and the image to make them from when the worker does not have them. */
    frame: z.object({ key, own, names: z.array(name).max(maxBlobs), picture: image.optional() }).optional(),
    tensors: z.array(tensorMeta).max(maxBlobs),
    texts,
    /** Outputs whose probabilities are wanted in their place: those of 1 or -1 times the logits. */
    probabilities: z.record(name, z.union([z.literal(1), z.literal(-1)])).optional(),
  }),
  welcome: z.object({
    ...status,
    model: name,
    hashes: z.object({ encoder: key.optional(), text: key.optional(), decoder: key.optional() }),
    description: z.string().max(400),
    offers: z.array(name).max(maxBlobs).optional(),
    shared: sharedMemory.optional(),
  }),
  pong: z.object(status),
  result: z.object({
    queued: z.int().min(0),
    /** Milliseconds of waiting at the worker, and of running the model. */
    waited_ms: z.number().min(0),
    ran_ms: z.number().min(0),
    /** The same by step, where more than one part ran. */
    steps: z.partialRecord(z.enum(steps), z.number().min(0)).optional(),
    /** Features that stay at the worker: only their shapes, no frames. */
    kept: z.boolean().optional(),
    tensors: z.array(tensorMeta).max(maxBlobs),
    texts,
  }),
  error: z.object({
    code: z.enum([
      "busy",
      "draining",
      "loading",
      "deadline",
      "cancelled",
      "missing",
      "session",
      "bad",
      "failed",
    ]),
    detail: z.string().max(1000),
  }),
} as const satisfies Record<Kind, z.ZodType>;

export type MetaOf<K extends Kind> = z.infer<(typeof metaSchemas)[K]>;
export type ImageMeta = z.infer<typeof image>;
export type TensorMeta = z.infer<typeof tensorMeta>;
export type WorkerErrorCode = MetaOf<"error">["code"];

/** @throws ProtocolError */
export function metaOf<K extends Kind>(kind: K, message: Message): MetaOf<K> {
  const parsed = metaSchemas[kind].safeParse(message.meta);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ProtocolError("meta", `${issue?.path.join(".")}: ${issue?.message}`);
  }
  return parsed.data as MetaOf<K>;
}

export const describeTensors = (tensors: Tensors): TensorMeta[] =>
  Object.entries(tensors).map(([key, { type, dims }]) => ({ name: key, type, dims: [...dims] }));

/** The bytes of tensors, in place. */
export const tensorBlobs = (tensors: Tensors): Uint8Array[] =>
  Object.values(tensors).map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

const arrays = { float32: Float32Array, int64: BigInt64Array, uint8: Uint8Array } as const;

/** Tensors whose bytes are `blobs`, from `start` on; viewed in place where they are aligned. @throws ProtocolError */
export function readTensors(
  metas: readonly TensorMeta[],
  blobs: readonly Uint8Array[],
  start = 0,
): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  metas.forEach(({ name: tensor, type, dims }, i) => {
    const bytes = blobs[start + i];
    const array = arrays[type];
    const n = elementCount(dims);
    if (bytes === undefined || n * array.BYTES_PER_ELEMENT !== bytes.byteLength)
      throw new ProtocolError("tensor", `${tensor} [${dims}] is not ${bytes?.byteLength ?? 0} bytes`);
    if (Object.hasOwn(tensors, tensor)) throw new ProtocolError("tensor", `${tensor} is there twice`);
    const aligned =
      bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : Uint8Array.prototype.slice.call(bytes);
    const data = new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, n);
    tensors[tensor] = { type, dims, data };
  });
  return tensors;
}

/** An image to send to a worker; without a size, RGB bytes have the model's. */
export type Payload =
  | { readonly kind: "jpeg"; readonly data: Uint8Array }
  | { readonly kind: "rgb"; readonly data: Uint8Array; readonly width?: number; readonly height?: number }
  | { readonly kind: "tensors"; readonly tensors: Tensors };

export function describePayload(payload: Payload, at: number): ImageMeta {
  if (payload.kind === "tensors")
    return { kind: "tensors", blob: at, tensors: describeTensors(payload.tensors) };
  if (payload.kind === "jpeg") return { kind: "jpeg", blob: at };
  const { width, height } = payload;
  return { kind: "rgb", blob: at, ...(width !== undefined && height !== undefined && { width, height }) };
}

export const payloadBlobs = (payload: Payload): Uint8Array[] =>
  payload.kind === "tensors" ? tensorBlobs(payload.tensors) : [payload.data];

/** @throws ProtocolError */
export function readPayload(meta: ImageMeta, blobs: readonly Uint8Array[]): Payload {
  if (meta.kind === "tensors")
    return { kind: "tensors", tensors: readTensors(meta.tensors, blobs, meta.blob) };
  const data = blobs[meta.blob];
  if (data === undefined) throw new ProtocolError("frames", `there is no frame ${meta.blob}`);
  if (meta.kind === "jpeg") return { kind: "jpeg", data };
  const { width, height } = meta;
  return { kind: "rgb", data, ...(width !== undefined && height !== undefined && { width, height }) };
}

/** Content hash that names features on both sides. */
export function payloadKey(payload: Payload): string {
  const hash = createHash("sha256").update(payload.kind);
  if (payload.kind === "tensors") hash.update(JSON.stringify(describeTensors(payload.tensors)));
  if (payload.kind === "rgb" && payload.width !== undefined)
    hash.update(`${payload.width}×${payload.height}`);
  for (const bytes of payloadBlobs(payload)) hash.update(bytes);
  return hash.digest("hex");
}
