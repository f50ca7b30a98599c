import { parentPort, workerData } from "node:worker_threads";
import type { PictureFormat, Tensor } from "../port.js";
import { decodeJpeg, resizePicture, toTensor } from "./preprocess.js";

/** A picture as it is handed to a back end: pixels, or the JPEG they were decoded from. */
export type PictureData =
  | { readonly kind: "rgb"; readonly width: number; readonly height: number; readonly data: Uint8Array }
  | { readonly kind: "jpeg"; readonly data: Uint8Array };

export interface PictureRequest {
  readonly id: number;
  readonly picture: PictureData;
  /** `rgb`: bytes of the model's size; `tensor`: what its encoder takes. */
  readonly want: "rgb" | "tensor";
}

export type PictureReply =
  | { readonly id: number; readonly rgb?: Uint8Array; readonly tensor?: Tensor; readonly error?: undefined }
  | { readonly id: number; readonly error: string };

const format = workerData as PictureFormat;
const port = parentPort;
if (port === null) throw new Error("the picture worker runs as a worker thread only");

port.on("message", (request: PictureRequest) => {
  const { id } = request;
  prepare(request).then(
    (reply) => port.postMessage(reply, moved(reply)),
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      port.postMessage({ id, error: text } satisfies PictureReply);
    },
  );
});

async function prepare({ id, picture, want }: PictureRequest): Promise<PictureReply> {
  const image = picture.kind === "jpeg" ? await decodeJpeg(picture.data) : picture;
  const rgb = await resizePicture(image, format);
  if (want === "tensor") return { id, tensor: toTensor(rgb, format) };
  // Pixels may lie in memory that is shared with something else; only a whole buffer can be moved.
  return { id, rgb: rgb.byteLength === rgb.buffer.byteLength ? rgb : rgb.slice() };
}

function moved(reply: PictureReply): ArrayBuffer[] {
  if (reply.error !== undefined) return [];
  const data = reply.tensor?.data ?? reply.rgb;
  return data === undefined ? [] : [data.buffer as ArrayBuffer];
}
