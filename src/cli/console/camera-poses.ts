import { openBag } from "../../bags/index.js";
import { compose, type Pose } from "../../geometry/index.js";

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

/**
 * Poses of the recording's camera in the robot's base, by stamp, from the recorded transforms: base to link, link to
 * optical frame.
 */
export async function cameraPoses(path: string): Promise<ReadonlyMap<string, Pose>> {
  const bag = await openBag(path);
  try {
    let optical: Pose = { position: [0, 0, 0], orientation: [0, 0, 0, 1] };
    const links = new Map<string, Pose>();
    for await (const message of bag.messages({ topics: ["/tf", "/tf_static"] })) {
      for (const { header, transform } of bag.decode<Transforms>(message).transforms) {
        const { sec, nanosec } = header.stamp;
        if (message.topic === "/tf_static") optical = compose(optical, poseOf(transform));
        else links.set(String(BigInt(sec) * 1_000_000_000n + BigInt(nanosec)), poseOf(transform));
      }
    }
    return new Map([...links].map(([stamp, link]) => [stamp, compose(link, optical)]));
  } finally {
    await bag.close();
  }
}
