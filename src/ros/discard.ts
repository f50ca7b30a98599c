import { MessageChannel } from "node:worker_threads";

// A closed port detaches the buffers that are transferred to it and drops them: their memory is free at once.
const { port1: nowhere } = new MessageChannel();
nowhere.close();

/** Smaller buffers are left to the collector. */
const worthIt = 1 << 16;

/**
 * Frees the memory of images that are not read again; their arrays become empty. Left to the collector, a camera's
 * megabytes make V8 trace its whole heap every dozen images (a quarter of the node's CPU time). Arrays that share their
 * memory with something else, or have moved on already, are left alone.
 */
export function discard(...images: readonly (ArrayBufferView | undefined)[]): void {
  const buffers = new Set<ArrayBuffer>();
  for (const each of images)
    if (each !== undefined && each.byteLength >= worthIt && each.byteLength === each.buffer.byteLength)
      buffers.add(each.buffer as ArrayBuffer);
  if (buffers.size > 0) nowhere.postMessage(undefined, [...buffers]);
}
