import { Teleop } from "../../../src/arm/index.js";
import { openBag } from "../../../src/bags/index.js";
import type { ConsoleArm } from "../../../src/console/index.js";
import { compose, type Pose } from "../../../src/geometry/index.js";
import { makeArm, makeChecker, table, workspace } from "../../unit/arm/rig.js";
import { demoBag } from "./console.js";

interface Transforms {
  readonly transforms: readonly {
    readonly header: { readonly stamp: { readonly sec: number; readonly nanosec: number } };
    readonly transform: {
      readonly translation: { readonly x: number; readonly y: number; readonly z: number };
      readonly rotation: { readonly x: number; readonly y: number; readonly z: number; readonly w: number };
    };
  }[];
}

const poseOf = ({ translation: t, rotation: r }: Transforms["transforms"][number]["transform"]): Pose => ({
  position: [t.x, t.y, t.z],
  orientation: [r.x, r.y, r.z, r.w],
});

/** Where the demo's camera is in the robot's base, by stamp, from the recording's own transforms. */
async function cameraPoses(): Promise<ReadonlyMap<string, Pose>> {
  const bag = await openBag(demoBag);
  try {
    let optical: Pose = { position: [0, 0, 0], orientation: [0, 0, 0, 1] };
    const links = new Map<string, Pose>();
    for await (const message of bag.messages({ topics: ["/tf", "/tf_static"] })) {
      const { transforms } = bag.decode<Transforms>(message);
      for (const { header, transform } of transforms) {
        if (message.topic === "/tf_static") optical = compose(optical, poseOf(transform));
        else
          links.set(
            String(BigInt(header.stamp.sec) * 1_000_000_000n + BigInt(header.stamp.nanosec)),
            poseOf(transform),
          );
      }
    }
    return new Map([...links].map(([stamp, link]) => [stamp, compose(link, optical)]));
  } finally {
    await bag.close();
  }
}

/** A Panda in simulation at the demo's table, as the console moves it. */
export async function simulatedArm() {
  const poses = await cameraPoses();
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
