import type { ConsoleArm } from "./console-arm.js";

/** Joint positions now, in the chain's order, radians; undefined without joint states. */
export const positionsOf = ({ reading, arm }: ConsoleArm): readonly number[] | undefined =>
  reading?.()?.positions ?? arm.supervisor.snapshot.reading?.positions;
