// What the programs of this folder share: images, an engine at a worker or in this process, and spreads.
import { createBackend, InProcessBackend } from "../../dist/src/inference/index.js";

export const [width, height] = [1280, 720];

/** A raw image of waves and noise: another noise for each seed, and other waves for each phase. */
export function picture(seed, phase = 0) {
  const data = new Uint8Array(width * height * 3);
  let state = seed + 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    data[i] = 80 + 60 * Math.sin(i / 5000 + phase) + (state >>> 27);
  }
  return { colour: { width, height, data } };
}

/** The level that half of a map lies above. */
export const median = (map) => Float32Array.from(map).sort()[Math.floor(map.length / 2)];

/**
 * @param where an execution provider, or a worker's endpoint
 * RESIZE names the place of the resize; with SHARED=0 images travel in messages.
 */
export async function open(HifiCs, where, folder, place = "auto", options = {}) {
  let backend;
  const resize = place === "auto" ? (process.env.RESIZE ?? place) : place;
  const remote = where.includes("://");
  const locate = process.env.LOCATE === "1";
  const sharedMemory = process.env.SHARED !== "0";
  const engine = await HifiCs.open(
    folder,
    async (files) => {
      backend = remote
        ? await createBackend(files, {
            kind: "zmq",
            endpoints: [where],
            resize,
            sharedMemory,
            startTimeout: 120_000,
          })
        : await InProcessBackend.create(files, { providers: [where], threads: 8, resize, locate });
      return backend;
    },
    { frameCache: 1, runsElsewhere: remote, ...options },
  );
  return { engine, backend };
}

export const round = (value, digits = 3) => Number(value.toFixed(digits));

export function spread(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (q) => round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0);
  const mean = round(sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length);
  return { n: sorted.length, p50: at(0.5), p99: at(0.99), min: at(0), mean };
}
