import { expect, it } from "vitest";
import { Kinematics } from "../../../src/arm/index.js";
import { seededRandom } from "../../../src/geometry/index.js";
import { runPython } from "../../support/python.js";
import { chainOf, descriptions, randomConfiguration } from "./robots.js";

interface Peer {
  readonly rotation: number[];
  readonly translation: number[];
  readonly jacobian: number[];
}

const names = ["panda", "gen3", "iiwa", "xarm7"];
const urdfs = descriptions(names);

it.each(names)("%s: frames and Jacobian are Pinocchio's to 1e-9", (name) => {
  const chain = { ...chainOf(name, urdfs[name]!) };
  const kinematics = new Kinematics(chain);
  const random = seededRandom(11);
  const configurations = Array.from({ length: 200 }, () => randomConfiguration(chain, random));
  const task = { urdf: urdfs[name], base: chain.base, tip: chain.tip, joints: chain.joints, configurations };
  const peers = JSON.parse(
    runPython("test/unit/arm/reference/kinematics.py", [], JSON.stringify(task)),
  ) as Peer[];
  expect(chain.joints).toHaveLength(7);
  let worst = 0;
  for (const [i, peer] of peers.entries()) {
    kinematics.update(configurations[i]!);
    kinematics.updateJacobian();
    const last = chain.segments.length;
    const r = kinematics.rotations.subarray(last * 9);
    // The Panda's tool is turned by a quarter about z against its link: tool x is the link's y.
    const own =
      name === "panda" ? [-r[1]!, r[0]!, r[2]!, -r[4]!, r[3]!, r[5]!, -r[7]!, r[6]!, r[8]!] : [...r];
    const ours = [...own, ...kinematics.origins.subarray(last * 3), ...kinematics.jacobian];
    const theirs = [...peer.rotation, ...peer.translation, ...peer.jacobian];
    expect(ours).toHaveLength(theirs.length);
    for (const [k, value] of ours.entries()) worst = Math.max(worst, Math.abs(value - theirs[k]!));
  }
  expect(worst).toBeLessThan(1e-9);
});

it("the tool's velocity is the change of its place", () => {
  const chain = chainOf("iiwa", urdfs.iiwa!);
  const kinematics = new Kinematics(chain);
  const q = [0.1, 0.4, -0.3, -1.2, 0.5, 0.8, 0];
  const velocities = [0.3, -0.2, 0.5, 0.1, 0.4, -0.6, 0.2];
  const h = 1e-6;
  const [a, b] = [-h, h].map((t) => kinematics.forward(q.map((v, i) => v + velocities[i]! * t)).position);
  const v = kinematics.toolVelocity(q, velocities);
  for (let k = 0; k < 3; k++) expect(v[k]).toBeCloseTo((b![k]! - a![k]!) / (2 * h), 7);
});
