import { computed, signal } from "@preact/signals";
import type { FrameHeader } from "../protocol.js";

/** Of the image on the screen. */
export const header = signal<FrameHeader | undefined>(undefined);
/** Its size in pixels, for those who need not know of every image. */
export const imageWidth = computed(() => header.value?.width);
export const imageHeight = computed(() => header.value?.height);
/** Milliseconds from the image's arrival at the console to the screen, told now and then. */
export const screenLatency = signal<number | undefined>(undefined);
const toldEvery = 500;

interface Coming {
  readonly header: FrameHeader;
  readonly bitmap: ImageBitmap;
  /** performance.now() when it could be drawn. */
  readonly ready: number;
  readonly shown: () => void;
}

let paint: ((bitmap: ImageBitmap) => void) | undefined;
/** The image shown now, for a view that is opened later. */
let last: ImageBitmap | undefined;
let coming: Coming | undefined;
let told = 0;

/** Where images are drawn; undefined when the view is closed. The bitmap stays this module's. */
export function onImage(painter: typeof paint): void {
  paint = painter;
  if (last !== undefined) paint?.(last);
}

/**
 * Shows an image with the browser's next frame; of several that come before it, the newest. Those that are overtaken
 * count as
 * shown only then: a tab that seldom draws shall not be sent what it cannot show.
 */
export function show(next: FrameHeader, bitmap: ImageBitmap, shown: () => void): void {
  const overtaken = coming;
  coming = {
    header: next,
    bitmap,
    ready: performance.now(),
    shown: () => {
      overtaken?.shown();
      shown();
    },
  };
  overtaken?.bitmap.close();
  if (overtaken === undefined) requestAnimationFrame(draw);
}

function draw(): void {
  if (coming === undefined) return;
  const { header: now, bitmap, ready, shown } = coming;
  coming = undefined;
  last?.close();
  last = bitmap;
  paint?.(bitmap);
  header.value = now;
  const at = performance.now();
  if (at - told >= toldEvery) {
    told = at;
    screenLatency.value = Math.round(now.age + at - ready);
  }
  shown();
}
