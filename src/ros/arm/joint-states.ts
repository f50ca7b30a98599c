import type { ControllerReading, MonotonicSeconds } from "../../arm/index.js";
import type { Seconds } from "../../geometry/index.js";

/** The fields of sensor_msgs/msg/JointState that are used; `velocity` may be empty, shorter, or hold NaN. */
export interface JointStateMessage {
  readonly name: readonly string[];
  readonly position: ArrayLike<number>;
  readonly velocity: ArrayLike<number>;
}

interface Sample {
  readonly at: MonotonicSeconds;
  readonly position: number;
}

interface Joint {
  readonly position: number;
  readonly velocity: number;
  readonly at: MonotonicSeconds;
  /** What a speed is estimated from where the driver sends none, oldest first. */
  readonly samples: Sample[];
  /** When the newest sample's slot began: samples that come closer together share one. */
  readonly slotFrom: MonotonicSeconds;
}

/** A speed is a line fitted over this long: stamps jitter by up to 20 ms, which over less looks like another speed. */
const longWindow: Seconds = 0.3;
/** A change, and above all a stop, shows over this long. */
const shortWindow: Seconds = 0.05;
/**
 * A burst of messages that waited together counts as its newest one: arrival is their only time where stamps are
 * zero.
 */
const slot: Seconds = 0.002;

/**
 * The latest state of each joint, from any number of publishers that name different joints. Messages that come out of
 * order are ignored joint by joint. Where a driver sends no velocities they are estimated from positions: of the
 * slopes over 50 and 300 ms the smaller, so that jitter looks neither like a joint that is too fast nor like one that
 * moves at rest. An estimated speed above a limit is therefore seen at most 300 ms late.
 */
export class JointStates {
  readonly #joints = new Map<string, Joint>();

  /**
   * @param at when the state was measured, by the arm's clock.
   * @returns false for a message whose lists do not fit together
   */
  add({ name, position, velocity }: JointStateMessage, at: MonotonicSeconds): boolean {
    if (position.length !== name.length) return false;
    for (const [i, joint] of name.entries()) {
      const before = this.#joints.get(joint);
      // A message that overtook another one must not make the arm appear to move backwards.
      if (before !== undefined && at <= before.at) continue;
      const given = velocity[i];
      const known = given !== undefined && !Number.isNaN(given) ? given : undefined;
      this.#joints.set(joint, moved(before, position[i]!, at, known));
    }
    return true;
  }

  /** The named joints' latest state; as old as the oldest of them. Undefined until all were named by a message. */
  reading(names: readonly string[]): ControllerReading | undefined {
    const joints = names.map((name) => this.#joints.get(name));
    if (!joints.every((each) => each !== undefined)) return undefined;
    return {
      at: Math.min(...joints.map(({ at }) => at)),
      positions: joints.map(({ position }) => position),
      velocities: joints.map(({ velocity }) => velocity),
    };
  }

  /** The named joints that no message has named. */
  missing(names: readonly string[]): readonly string[] {
    return names.filter((name) => !this.#joints.has(name));
  }

  position(name: string): number | undefined {
    return this.#joints.get(name)?.position;
  }
}

function moved(
  before: Joint | undefined,
  position: number,
  at: MonotonicSeconds,
  velocity: number | undefined,
): Joint {
  const sample = { at, position };
  if (before === undefined) return { position, at, velocity: velocity ?? 0, samples: [sample], slotFrom: at };
  const { samples } = before;
  const sameSlot = at - before.slotFrom < slot;
  if (sameSlot) samples.pop();
  samples.push(sample);
  while (samples.length > 2 && samples[1]!.at < at - longWindow) samples.shift();
  return {
    position,
    at,
    velocity: velocity ?? estimated(samples) ?? before.velocity,
    samples,
    slotFrom: sameSlot ? before.slotFrom : at,
  };
}

/** Undefined while the samples span too little time to say. */
function estimated(samples: readonly Sample[]): number | undefined {
  const newest = samples.at(-1)!.at;
  if (newest - samples[0]!.at < shortWindow) return undefined;
  const from = samples.findLastIndex(({ at }) => newest - at >= shortWindow);
  const short = slope(samples.slice(from));
  const long = slope(samples);
  return Math.abs(short) < Math.abs(long) ? short : long;
}

/** Of the line that fits best (least squares). */
function slope(samples: readonly Sample[]): number {
  const n = samples.length;
  const origin = samples[0]!.at;
  const t = samples.reduce((sum, { at }) => sum + (at - origin), 0) / n;
  const q = samples.reduce((sum, { position }) => sum + position, 0) / n;
  let [above, below] = [0, 0];
  for (const { at, position } of samples) {
    above += (at - origin - t) * (position - q);
    below += (at - origin - t) ** 2;
  }
  return below === 0 ? 0 : above / below;
}
