import {
  compose,
  type FrameId,
  identityPose,
  invert,
  type Pose,
  type Quaternion,
  type Seconds,
  type Stamp,
  secondsBetween,
} from "../geometry/index.js";
import { stampOf, type TfMessage } from "./index.js";

export type TfResult =
  | {
      readonly ok: true;
      readonly pose: Pose /** Age of the oldest dynamic transform used. */;
      readonly age: Seconds;
    }
  | {
      readonly ok: false;
      readonly reason: string /** More transforms could still help. */;
      readonly retry: boolean;
    };

interface Sample {
  readonly stamp: Stamp;
  readonly pose: Pose;
}

interface Edge {
  readonly parent: FrameId;
  readonly fixed: boolean;
  /** Oldest first. */
  samples: Sample[];
}

const longestChain = 200;

/** Transforms of /tf and /tf_static, looked up at a time with interpolation. A failure names the frame and the gap. */
export class TfBuffer {
  readonly #edges = new Map<FrameId, Edge>();
  readonly #cache: bigint;

  constructor(cache: Seconds = 10) {
    this.#cache = BigInt(Math.round(cache * 1e9));
  }

  get size(): number {
    return this.#edges.size;
  }

  clear(): void {
    for (const [child, edge] of this.#edges) if (!edge.fixed) this.#edges.delete(child);
  }

  /** Takes the transforms of one message; those that are no rigid transform are counted and dropped. */
  add(message: TfMessage, fixed: boolean): number {
    let refused = 0;
    for (const { header, child_frame_id, transform } of message.transforms) {
      const child = bare(child_frame_id);
      const parent = bare(header.frame_id);
      const pose = poseFrom(transform);
      if (pose === undefined || child === "" || parent === "" || child === parent) refused++;
      else this.#insert(child, parent, { stamp: stampOf(header.stamp), pose }, fixed);
    }
    return refused;
  }

  #insert(child: FrameId, parent: FrameId, sample: Sample, fixed: boolean): void {
    const edge = this.#edges.get(child);
    if (edge === undefined || edge.parent !== parent || edge.fixed !== fixed) {
      this.#edges.set(child, { parent, fixed, samples: [sample] });
      return;
    }
    if (fixed) {
      edge.samples = [sample];
      return;
    }
    const { samples } = edge;
    let at = samples.length;
    while (at > 0 && samples[at - 1]!.stamp > sample.stamp) at--;
    if (at > 0 && samples[at - 1]!.stamp === sample.stamp) samples[at - 1] = sample;
    else samples.splice(at, 0, sample);
    const oldest = samples.at(-1)!.stamp - this.#cache;
    while (samples.length > 1 && samples[0]!.stamp < oldest) samples.shift();
  }

  /** The pose of `source` in `target` at `stamp`: a point of `source` goes to `target` by `transformPoint(pose, p)`. */
  lookup(targetFrame: FrameId, sourceFrame: FrameId, stamp: Stamp): TfResult {
    const target = bare(targetFrame);
    const source = bare(sourceFrame);
    if (target === source) return { ok: true, pose: identityPose, age: 0 };
    const up = this.#chain(source);
    const down = this.#chain(target);
    const common = up.find((frame) => down.includes(frame));
    if (common === undefined) {
      const unknown = [target, source].filter((frame) => !this.#knows(frame));
      const reason =
        unknown.length > 0
          ? `frame ${unknown.join(" and ")} is not in TF`
          : `${target} (root ${down.at(-1)}) and ${source} (root ${up.at(-1)}) are not connected`;
      return { ok: false, reason, retry: true };
    }
    const fromSource = this.#climb(up, common, stamp);
    if (!fromSource.ok) return fromSource;
    const fromTarget = this.#climb(down, common, stamp);
    if (!fromTarget.ok) return fromTarget;
    return {
      ok: true,
      pose: compose(invert(fromTarget.pose), fromSource.pose),
      age: Math.max(fromSource.age, fromTarget.age),
    };
  }

  /** The frame and those that it hangs on, up to the root. */
  ancestors(frame: FrameId): readonly FrameId[] {
    return this.#chain(bare(frame));
  }

  #knows(frame: FrameId): boolean {
    if (this.#edges.has(frame)) return true;
    for (const edge of this.#edges.values()) if (edge.parent === frame) return true;
    return false;
  }

  /** The frame and its ancestors; a cycle ends the chain. */
  #chain(frame: FrameId): FrameId[] {
    const chain = [frame];
    let edge = this.#edges.get(frame);
    while (edge !== undefined && chain.length < longestChain && !chain.includes(edge.parent)) {
      chain.push(edge.parent);
      edge = this.#edges.get(edge.parent);
    }
    return chain;
  }

  #climb(chain: readonly FrameId[], to: FrameId, stamp: Stamp): TfResult {
    let pose = identityPose;
    let age = 0;
    for (const frame of chain) {
      if (frame === to) break;
      const edge = this.#edges.get(frame)!;
      const step = edge.fixed
        ? { ok: true as const, pose: edge.samples[0]!.pose, age: 0 }
        : at(frame, edge, stamp);
      if (!step.ok) return step;
      pose = compose(step.pose, pose);
      age = Math.max(age, step.age);
    }
    return { ok: true, pose, age };
  }
}

function at(frame: FrameId, { parent, samples }: Edge, stamp: Stamp): TfResult {
  const first = samples[0]!;
  const last = samples.at(-1)!;
  if (stamp < first.stamp)
    return {
      ok: false,
      reason: `${parent} -> ${frame} begins ${secondsBetween(first.stamp, stamp).toFixed(3)} s after the image`,
      retry: false,
    };
  if (stamp > last.stamp)
    return {
      ok: false,
      reason: `${parent} -> ${frame} ends ${secondsBetween(stamp, last.stamp).toFixed(3)} s before the image`,
      retry: true,
    };
  let low = 0;
  let high = samples.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (samples[middle]!.stamp <= stamp) low = middle;
    else high = middle;
  }
  const a = samples[low]!;
  const b = samples[high]!;
  const span = Number(b.stamp - a.stamp);
  const t = span > 0 ? Number(stamp - a.stamp) / span : 0;
  return { ok: true, pose: interpolate(a.pose, b.pose, t), age: secondsBetween(last.stamp, stamp) };
}

/** Straight line for the position, great circle for the orientation. */
function interpolate(a: Pose, b: Pose, t: number): Pose {
  const [ax, ay, az] = a.position;
  const [bx, by, bz] = b.position;
  return {
    position: [ax + (bx - ax) * t, ay + (by - ay) * t, az + (bz - az) * t],
    orientation: slerp(a.orientation, b.orientation, t),
  };
}

function slerp(a: Quaternion, b: Quaternion, t: number): Quaternion {
  const cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  const sign = cosine < 0 ? -1 : 1;
  const angle = Math.acos(Math.min(1, Math.abs(cosine)));
  const sine = Math.sin(angle);
  // Nearly equal rotations: the chord is the arc, and the sine would divide by zero.
  const wa = sine < 1e-9 ? 1 - t : Math.sin((1 - t) * angle) / sine;
  const wb = (sine < 1e-9 ? t : Math.sin(t * angle) / sine) * sign;
  const q = [0, 1, 2, 3].map((i) => a[i]! * wa + b[i]! * wb) as [number, number, number, number];
  const length = Math.hypot(...q);
  return [q[0] / length, q[1] / length, q[2] / length, q[3] / length];
}

function poseFrom(transform: TfMessage["transforms"][number]["transform"]): Pose | undefined {
  const { translation: p, rotation: q } = transform;
  const length = Math.hypot(q.x, q.y, q.z, q.w);
  if (![p.x, p.y, p.z, length].every(Number.isFinite) || Math.abs(length - 1) > 0.05) return undefined;
  return {
    position: [p.x, p.y, p.z],
    orientation: [q.x / length, q.y / length, q.z / length, q.w / length],
  };
}

/** TF frame ids carry no leading slash; drivers from ROS 1's time still send one. */
const bare = (frame: FrameId): FrameId => (frame.startsWith("/") ? frame.slice(1) : frame);
