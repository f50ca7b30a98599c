import type { ConsoleArm } from "../../console/index.js";
import type { ConfiguredArm } from "../../ros/index.js";

/** The node's arm as the console moves it. */
export function consoleArm(ready: ConfiguredArm): ConsoleArm {
  const { chain, fingers, urdf } = ready;
  return {
    name: ready.name,
    arm: ready.arm,
    teleop: ready.teleop,
    cameraInBase: ({ frameId, stamp }) => ready.cameraInBase(frameId, stamp),
    takenAt: ({ stamp }) => ready.takenAt(stamp),
    scene: ready.scene,
    get named() {
      return ready.named;
    },
    maxOpening: ready.maxOpening,
    maxAttempts: ready.maxAttempts,
    robot: {
      urdf,
      base: chain.base,
      tip: chain.tip,
      joints: [...chain.joints],
      // A joint without limits turns once in each direction.
      lower: chain.lower.map((q) => Math.max(q, -2 * Math.PI)),
      upper: chain.upper.map((q) => Math.min(q, 2 * Math.PI)),
      ...(fingers !== undefined && { fingers }),
    },
    reading: () => ready.reading(),
  };
}
