import { type Box, clipBox, type Pixels } from "../../geometry/index.js";

/**
 * Box `i` of a detector's `pred_boxes` [1, n, 4] (centre x, centre y, width, height, as shares of `frame`), clipped to
 * the image.
 */
export function readBox(
  data: ArrayLike<number>,
  i: number,
  frame: { readonly width: Pixels; readonly height: Pixels },
  image: { readonly width: Pixels; readonly height: Pixels },
): Box {
  const at = 4 * i;
  const [cx, cy, w, h] = [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0, data[at + 3] ?? 0];
  const box: Box = [
    (cx - w / 2) * frame.width,
    (cy - h / 2) * frame.height,
    (cx + w / 2) * frame.width,
    (cy + h / 2) * frame.height,
  ];
  return clipBox(box, image.width, image.height);
}
