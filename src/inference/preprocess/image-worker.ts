import { workerData } from "node:worker_threads";
import { type Reply, serve } from "../../workers/index.js";
import { pixelFeeds } from "../graphs/index.js";
import type { ImageInput, Tensors } from "../port.js";
import type { Timed } from "../steps.js";
import { decodeJpeg, imageInputs, resizeImage } from "./preprocess.js";

/** An image as it is handed to a back end: pixels, or the JPEG they were decoded from. */
export type ImageData =
  | { readonly kind: "rgb"; readonly width: number; readonly height: number; readonly data: Uint8Array }
  | { readonly kind: "jpeg"; readonly data: Uint8Array };

export interface ImageRequest {
  readonly image: ImageData;
  /**
   * `rgb`: bytes of the model's size, for a model whose input is stretched; `tensors`: the encoder's inputs; `pixels`:
   * the image as it is, for an encoder that resizes.
   */
  readonly output: "rgb" | "tensors" | "pixels";
}

const format = workerData as ImageInput;

serve(async ({ image, output }: ImageRequest): Promise<Reply<Timed<Uint8Array | Tensors>>> => {
  const began = performance.now();
  const pixels = image.kind === "jpeg" ? await decodeJpeg(image.data) : image;
  const decoded = performance.now();
  const timed = <Value>(value: Value): Timed<Value> => ({
    value,
    ms: {
      ...(image.kind === "jpeg" && { jpeg: decoded - began }),
      ...(output !== "pixels" && { resize: performance.now() - decoded }),
    },
  });
  if (output !== "rgb") {
    const tensors = output === "pixels" ? pixelFeeds(pixels) : await imageInputs(pixels, format);
    return { value: timed(tensors), transfer: Object.values(tensors).map(({ data }) => data.buffer) };
  }
  const resized = await resizeImage(pixels, format);
  // Pixels may lie in memory that is shared with other data; only a full buffer can be moved.
  const rgb = resized.byteLength === resized.buffer.byteLength ? resized : resized.slice();
  return { value: timed(rgb), transfer: [rgb.buffer] };
});
