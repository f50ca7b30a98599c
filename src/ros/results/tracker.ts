import { type Box, type Seconds, type Stamp, secondsBetween } from "../../geometry/index.js";

interface Track {
  readonly id: string;
  readonly box: Box;
  readonly seen: Stamp;
}

export interface Tracked {
  /** The id of each object, in their order. */
  readonly ids: readonly string[];
  /** Ids that were out of sight for too long and will not come back. */
  readonly ended: readonly string[];
}

/** Boxes of one object overlap at least this much from image to image. */
const minOverlap = 0.2;
/** A fast object overlaps with nothing, but moves less than this many of its own diagonals. */
const maxJump = 1;

/**
 * Gives the objects of one query ids that stay with them from image to image. Boxes are assigned to tracks by overlap,
 * the best pair first, then by the distance of their middles.
 * Source: the greedy assignment by intersection over union of Bochinski et al., "High-Speed Tracking-by-Detection
 * Without Using Image Information" (AVSS 2017).
 */
export class Tracker {
  #tracks: Track[] = [];
  #next = 1;

  /**
   * @param boxes of the objects in one image, in pixels.
   * @param timeout seconds that an object may be out of sight and keep its id.
   */
  update(boxes: readonly Box[], stamp: Stamp, timeout: Seconds): Tracked {
    const ended = this.#tracks.filter(({ seen }) => Math.abs(secondsBetween(stamp, seen)) > timeout);
    const open = this.#tracks.filter((each) => !ended.includes(each));
    const ids = new Map<number, string>();
    for (const { box, track } of ranked(boxes, open)) {
      if (ids.has(box) || !open.includes(track)) continue;
      ids.set(box, track.id);
      open.splice(open.indexOf(track), 1);
    }
    const given = boxes.map((_, i) => ids.get(i) ?? String(this.#next++));
    this.#tracks = [...open, ...boxes.map((box, i) => ({ id: given[i]!, box, seen: stamp }))];
    return { ids: given, ended: ended.map(({ id }) => id) };
  }

  /** Ends all tracks. @returns their ids */
  clear(): readonly string[] {
    return this.#tracks.splice(0).map(({ id }) => id);
  }
}

/** Pairs of a box and a track that may be the same object, the likeliest first. */
function ranked(boxes: readonly Box[], tracks: readonly Track[]) {
  return boxes
    .flatMap((box, i) =>
      tracks.map((track) => {
        const overlap = intersectionOverUnion(box, track.box);
        const jump = distance(box, track.box) / Math.max(diagonal(box), diagonal(track.box), 1);
        // Below zero, so that any overlap comes before any jump.
        const likelihood = overlap >= minOverlap ? overlap : jump <= maxJump ? -jump - 1e-9 : undefined;
        return { box: i, track, likelihood };
      }),
    )
    .filter((each): each is typeof each & { likelihood: number } => each.likelihood !== undefined)
    .sort((a, b) => b.likelihood - a.likelihood);
}

function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const common = width * height;
  return common / (size(a) + size(b) - common);
}

const size = ([x1, y1, x2, y2]: Box): number => (x2 - x1) * (y2 - y1);
const diagonal = ([x1, y1, x2, y2]: Box): number => Math.hypot(x2 - x1, y2 - y1);
const distance = (a: Box, b: Box): number =>
  Math.hypot((a[0] + a[2] - b[0] - b[2]) / 2, (a[1] + a[3] - b[1] - b[3]) / 2);
