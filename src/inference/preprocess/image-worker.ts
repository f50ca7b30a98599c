import { parentPort, workerData } from "node:worker_threads";
import type { ImageFormat, Tensor } from "../port.js";
import { decodeJpeg, resizeImage, toTensor } from "./preprocess.js";

/** An image as it is handed to a back end: pixels, or the JPEG they were decoded from. */
export type ImageData =
  | { readonly kind: "rgb"; readonly width: number; readonly height: number; readonly data: Uint8Array }
  | { readonly kind: "jpeg"; readonly data: Uint8Array };

export interface ImageRequest {
  readonly id: number;
  readonly image: ImageData;
  /** `rgb`: bytes of the model's size; `tensor`: what its encoder takes. */
  readonly want: "rgb" | "tensor";
}

export type ImageReply =
  | { readonly id: number; readonly rgb?: Uint8Array; readonly tensor?: Tensor; readonly error?: undefined }
  | { readonly id: number; readonly error: string };

const format = workerData as ImageFormat;
const port = parentPort;
if (port === null) throw new Error("the image worker runs as a worker thread only");

port.on("message", (request: ImageRequest) => {
  const { id } = request;
  prepare(request).then(
    (reply) => port.postMessage(reply, moved(reply)),
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      port.postMessage({ id, error: text } satisfies ImageReply);
    },
  );
});

async function prepare({ id, image: picture, want }: ImageRequest): Promise<ImageReply> {
  const image = picture.kind === "jpeg" ? await decodeJpeg(picture.data) : picture;
  const rgb = await resizeImage(image, format);
  if (want === "tensor") return { id, tensor: toTensor(rgb, format) };
  // Pixels may lie in memory that is shared with something else; only a whole buffer can be moved.
  return { id, rgb: rgb.byteLength === rgb.buffer.byteLength ? rgb : rgb.slice() };
}

function moved(reply: ImageReply): ArrayBuffer[] {
  if (reply.error !== undefined) return [];
  const data = reply.tensor?.data ?? reply.rgb;
  return data === undefined ? [] : [data.buffer as ArrayBuffer];
}
