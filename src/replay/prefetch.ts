import type { RgbdFrame } from "../geometry/index.js";
import type { CameraFrame } from "./bag-session.js";

/** A frame with decoded images, or the error of decoding. */
export interface Loaded extends CameraFrame {
  readonly frame: RgbdFrame | undefined;
  readonly error: unknown;
}

async function load(one: CameraFrame): Promise<Loaded> {
  try {
    return { ...one, frame: await one.handle.load(), error: undefined };
  } catch (error) {
    return { ...one, frame: undefined, error };
  }
}

/** Frames with their images; the next one is read and decoded while the model works on the one before. */
export async function* prefetched(
  frames: AsyncIterable<CameraFrame>,
  wanted: (one: CameraFrame) => boolean,
): AsyncGenerator<Loaded, void, void> {
  const iterator = frames[Symbol.asyncIterator]();
  const advance = async (): Promise<Loaded | undefined> => {
    for (;;) {
      const step = await iterator.next();
      if (step.done === true) return undefined;
      if (wanted(step.value)) return await load(step.value);
    }
  };
  let next = advance();
  try {
    for (;;) {
      const current = await next;
      if (current === undefined) return;
      next = advance();
      // Its error is thrown at its turn.
      next.catch(() => undefined);
      yield current;
    }
  } finally {
    await next.catch(() => undefined);
    await iterator.return?.(undefined);
  }
}

/** Frames with their images at the recording's pace; frames that are too late are not decoded. */
export async function* loadedInTime(
  frames: AsyncIterable<CameraFrame>,
  wanted: (one: CameraFrame) => boolean,
  skip: (logTime: bigint) => Promise<boolean>,
): AsyncGenerator<Loaded, void, void> {
  for await (const one of frames) {
    if (!wanted(one) || (await skip(one.handle.logTime))) continue;
    yield await load(one);
  }
}
