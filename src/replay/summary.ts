import { GraspGroundingError } from "../errors/index.js";
import { resultTable } from "../report/text-table.js";
import type { BagSession } from "./bag-session.js";
import type { ReplayStats, StageTimer } from "./process-frames.js";
import type { ReplayOptions } from "./types.js";

/** Reason why no frame of a recording was answered. */
export function nothingRead({ bag, cameras }: BagSession, options: ReplayOptions): GraspGroundingError {
  const { path } = bag;
  if (bag.damage.length > 0)
    return new GraspGroundingError("BAG_DAMAGED", { path, detail: bag.damage.join("; ") });
  if (options.at !== undefined || options.from !== undefined) {
    const duration = Number((bag.endTime ?? 0n) - (bag.startTime ?? 0n)) / 1e9;
    return new GraspGroundingError("BAG_NO_FRAME_AT", {
      path,
      at: options.at ?? options.from ?? 0,
      duration: duration.toFixed(2),
    });
  }
  if (cameras.some(({ frames }) => frames.counts.frames > 0))
    return new GraspGroundingError("BAG_NO_QUERY", { path });
  if (cameras.some(({ frames }) => frames.counts.colour > 0))
    return new GraspGroundingError("BAG_NOTHING_PAIRED", { path, tolerance: options.tolerance ?? 0.02 });
  return new GraspGroundingError("BAG_EMPTY", { path });
}

/** Text at the end of a replay: frames, shares of the time, and the last frame's results as a table. */
export function summary(
  { cameras }: BagSession,
  source: string,
  { frames, last }: ReplayStats,
  dropped: number,
  clock: StageTimer,
  all: number,
): string {
  const topics = cameras.map(({ frames: { topics } }) =>
    topics.depth === undefined ? `${topics.colour}, no depth` : `${topics.colour} with ${topics.depth}`,
  );
  const without = cameras.reduce((sum, camera) => sum + camera.frames.counts.withoutDepth, 0);
  const unpaired = without > 0 ? `, ${without} without depth` : "";
  const skipped = dropped > 0 ? `, ${dropped} dropped to keep the rate` : "";
  const { reading, model, writing } = clock.shares;
  const share = (value: number) => `${(value * 100).toFixed(0)} %`;
  const seconds = clock.wall / 1e3;
  return (
    `${source}: ${frames} ${frames === 1 ? "frame" : "frames"} of ${topics.join("; ")}${unpaired}${skipped}\n` +
    `${(all / seconds).toFixed(1)} frames a second; the time went into the model ${share(model)}, reading ${share(reading)}, writing ${share(writing)}\n` +
    `the last frame:\n${resultTable(last?.results ?? [])}\n`
  );
}
