import { Teleop } from "../../../src/arm/index.js";
import { cameraPoses } from "../../../src/cli/console/camera-poses.js";
import type { ConsoleArm } from "../../../src/console/index.js";
import { makeArm, makeChecker, table, workspace } from "../../unit/arm/rig.js";
import { demoBag } from "./console.js";

/** A Panda in simulation at the demo's table, as the console moves it. */
export async function simulatedArm() {
  const poses = await cameraPoses(demoBag);
  const rig = makeArm();
  rig.gripper.object = 0.02;
  const consoleArm: ConsoleArm = {
    name: "simulated Panda",
    arm: rig.arm,
    teleop: new Teleop({
      arm: rig.arm,
      checker: makeChecker(),
      controller: rig.controller,
      kinematics: rig.kinematics,
    }),
    cameraInBase: (frame) => poses.get(String(frame.stamp)),
    takenAt: () => rig.now(),
    scene: { table, workspace },
  };
  /** Largest joint speed now, rad/s. */
  const speed = () => Math.max(...(rig.controller.reading()?.velocities ?? [0]).map(Math.abs));
  return { ...rig, consoleArm, speed };
}
