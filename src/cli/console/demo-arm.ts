import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  Arm,
  CollisionChecker,
  defaultLimits,
  IkSolver,
  Kinematics,
  parseUrdf,
  SafetySupervisor,
  SimulatedController,
  SimulatedGripper,
  selectChain,
  systemClock,
  Teleop,
} from "../../arm/index.js";
import type { ConsoleArm } from "../../console/index.js";
import type { Metres } from "../../geometry/index.js";
import { packageRoot } from "../../system/index.js";
import { cameraPoses } from "./camera-poses.js";

/** Bent over its table, away from limits and singular configurations. */
const home = [0, -0.785, 0, -2.356, 0, 1.571, 0.785];
const maxOpening: Metres = 0.08;
const workspace = { min: [-0.6, -0.9, -0.05], max: [0.95, 0.9, 1.4] } as const;

/**
 * The arm of the demo: simulated, at the table of the bundled recording, under the same supervisor as a real one.
 */
export async function demoArm(bag: string): Promise<ConsoleArm> {
  const urdf = await readFile(join(packageRoot, "demo", "arm.urdf"), "utf8");
  const robot = parseUrdf(urdf);
  const opened = (opening: Metres) =>
    selectChain(robot, { tip: "tool", rest: { finger: opening / 2, finger_mirrored: opening / 2 } });
  const chain = opened(maxOpening);
  const poses = await cameraPoses(bag);
  const controller = new SimulatedController({ joints: chain.joints, start: home });
  const gripper = new SimulatedHoldingGripper(maxOpening);
  const checker = () => new CollisionChecker(robot, chain, { reference: home, opened });
  const arm = new Arm({
    solver: new IkSolver(chain),
    checker: checker(),
    controller,
    gripper,
    supervisor: new SafetySupervisor({
      ...defaultLimits,
      // A busy laptop may delay this process for longer than a robot's computer; the console itself stops the arm after
      // 120 ms without a heartbeat.
      lease: 1,
      feedbackAge: 0.5,
      workspace,
      lower: chain.lower,
      upper: chain.upper,
      velocity: chain.velocity,
    }),
    sequence: {
      limits: {
        velocity: chain.velocity,
        acceleration: [7.5, 4, 5, 6, 7.5, 10, 10],
        jerk: [3750, 1900, 2500, 3100, 3750, 5000, 5000],
      },
      freeSpeed: 0.5,
      straightSpeed: 0.15,
      approach: 0.08,
      lift: 0.08,
    },
  });
  arm.handle({ type: "enable", at: systemClock.now() });
  return {
    name: "simulated arm",
    arm,
    teleop: new Teleop({ arm, checker: checker(), controller, kinematics: new Kinematics(chain) }),
    cameraInBase: (frame) => poses.get(String(frame.stamp)),
    // A recording is never fresh; the simulated arm takes its objects as those on the table now.
    takenAt: () => systemClock.now(),
    scene: { table: { normal: [0, 0, 1], offset: 0 }, workspace },
    named: { home, upright: [0, 0, 0, -1.57, 0, 1.57, 0.785] },
    maxOpening,
    robot: {
      urdf,
      base: chain.base,
      tip: chain.tip,
      joints: [...chain.joints],
      lower: [...chain.lower],
      upper: [...chain.upper],
      fingers: { joint: "finger", perOpening: 0.5 },
    },
    reading: () => {
      const positions = controller.reading()?.positions;
      return positions === undefined ? undefined : { positions, opening: gripper.width };
    },
  };
}

/**
 * Fingers that close on an object as wide as the camera saw it: the recording's objects cannot be touched. A planned
 * grasp names its force; fingers that are closed without one meet only an object that is between them already.
 */
class SimulatedHoldingGripper extends SimulatedGripper {
  override move(width: Metres, force?: number) {
    // The arm closes to 20 mm less than the width that was seen (see SequencePlanner).
    if (width >= this.width) this.object = 0;
    else if (force !== undefined) this.object = width + 0.02;
    return super.move(width);
  }
}
