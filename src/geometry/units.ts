/** Lengths in metres, angles in radians, image lengths in pixels (REP-103). Names for reading; not enforced. */
export type Metres = number;
export type Radians = number;
export type Pixels = number;
export type Seconds = number;

/** Nanoseconds since the clock's epoch, as ROS stamps count. */
export type Stamp = bigint;

/** Name of a TF frame (REP-105), e.g. `camera_color_optical_frame`. */
export type FrameId = string;

export const stampFromParts = (seconds: number, nanoseconds: number): Stamp =>
  BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);

/** Difference a - b in seconds; exact to a nanosecond for differences under about 100 days. */
export const secondsBetween = (a: Stamp, b: Stamp): Seconds => Number(a - b) / 1e9;
