import { workerData } from "node:worker_threads";
import { type Reply, serve } from "../../workers/index.js";
import type { ImageFormat, Tensor } from "../port.js";
import { decodeJpeg, resizeImage, toTensor } from "./preprocess.js";

/** An image as it is handed to a back end: pixels, or the JPEG they were decoded from. */
export type ImageData =
  | { readonly kind: "rgb"; readonly width: number; readonly height: number; readonly data: Uint8Array }
  | { readonly kind: "jpeg"; readonly data: Uint8Array };

export interface ImageRequest {
  readonly image: ImageData;
  /** `rgb`: bytes of the model's size; `tensor`: the encoder's input. */
  readonly output: "rgb" | "tensor";
}

const format = workerData as ImageFormat;

serve(async ({ image, output }: ImageRequest): Promise<Reply<Uint8Array | Tensor>> => {
  const pixels = image.kind === "jpeg" ? await decodeJpeg(image.data) : image;
  const resized = await resizeImage(pixels, format);
  if (output === "tensor") {
    const tensor = toTensor(resized, format);
    return { value: tensor, transfer: [tensor.data.buffer] };
  }
  // Pixels may lie in memory that is shared with other data; only a full buffer can be moved.
  const rgb = resized.byteLength === resized.buffer.byteLength ? resized : resized.slice();
  return { value: rgb, transfer: [rgb.buffer] };
});
