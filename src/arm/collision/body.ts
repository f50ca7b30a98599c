import type { Metres, Vec3 } from "../../geometry/index.js";
import type { Chain, ChainBody } from "../model/chain.js";
import type { CollisionShape, RobotDescription } from "../model/description.js";
import { concatenate, place } from "../model/placement.js";
import { squaredToSegment } from "./capsule.js";

/** A capsule that moves with a segment of a chain, in that segment's frame; segment -1 is the base. */
export interface BodyCapsule {
  readonly link: string;
  readonly segment: number;
  readonly a: Vec3;
  readonly b: Vec3;
  readonly radius: Metres;
  /**
   * Of a capsule about a box: the box's corners, which end before the capsule does and so tell exactly how far a
   * plane or a point is. Corner k lies at the upper end of the edge along axis i where bit i of k is set.
   */
  readonly corners?: readonly Vec3[];
}

/**
 * Capsules around a robot's links. Spheres, cylinders and capsules of the description are covered by one capsule
 * each, a box by up to four. Meshes are not read: a link with a mesh alone, or without a shape, is covered by a
 * capsule of `meshRadius` from its own joint to the next.
 */
export function bodyOf(robot: RobotDescription, chain: Chain, meshRadius: Metres = 0.07): BodyCapsule[] {
  return chain.bodies.flatMap((body) => {
    const shapes = robot.links.get(body.link)!.collisions;
    const capsules = withoutContained(shapes.flatMap((shape) => capsulesOf(shape, body)));
    const carries = chain.segments[body.segment + 1];
    const onPath = carriesNext(robot, chain, body.link);
    if (capsules.length > 0 || carries === undefined || !onPath) return capsules;
    const from = body.placement.translation;
    const to = carries.placement.translation;
    return [{ link: body.link, segment: body.segment, a: from, b: to, radius: meshRadius }];
  });
}

/** Leaves out capsules inside another capsule of the link: many descriptions round off a cylinder with spheres. */
function withoutContained(capsules: readonly BodyCapsule[]): BodyCapsule[] {
  return capsules.filter(
    (small, i) =>
      !capsules.some((large, k) => {
        const spare = large.radius - small.radius + 1e-6;
        const inside = (p: Vec3) =>
          spare > 0 && squaredToSegment(...p, ...large.a, ...large.b) <= spare * spare;
        return k !== i && inside(small.a) && inside(small.b) && !(k > i && sameCapsule(small, large));
      }),
  );
}

const sameCapsule = (p: BodyCapsule, q: BodyCapsule): boolean =>
  [...p.a, ...p.b, p.radius].every((v, i) => Math.abs(v - [...q.a, ...q.b, q.radius][i]!) < 1e-9);

/** Whether the next moving joint of the chain hangs on this link. */
const carriesNext = (robot: RobotDescription, chain: Chain, link: string): boolean =>
  [...robot.joints.values()].some((joint) => joint.parent === link && chain.joints.includes(joint.name));

function capsulesOf(shape: CollisionShape, { link, segment, placement }: ChainBody): BodyCapsule[] {
  const at = concatenate(placement, shape.origin);
  const capsule = (a: Vec3, b: Vec3, radius: Metres, corners?: readonly Vec3[]): BodyCapsule => ({
    link,
    segment,
    a: place(at, a),
    b: place(at, b),
    radius,
    ...(corners !== undefined && { corners: corners.map((corner) => place(at, corner)) }),
  });
  switch (shape.kind) {
    case "sphere":
      return [capsule([0, 0, 0], [0, 0, 0], shape.radius)];
    case "cylinder":
    case "capsule":
      return [capsule([0, 0, -shape.length / 2], [0, 0, shape.length / 2], shape.radius)];
    case "box":
      return boxCapsules(shape.size).map((dependencies) => capsule(...dependencies));
    case "mesh":
      return [];
  }
}

/** Capsules along a box's longest side, side by side along its middle one, that hold all of it. */
function boxCapsules(size: Vec3): [Vec3, Vec3, Metres, Vec3[]][] {
  const axes = [0, 1, 2].sort((i, j) => size[j]! - size[i]!);
  const [long, middle, short] = axes as [number, number, number];
  const count = Math.min(4, Math.max(1, Math.round(size[middle]! / Math.max(size[short]!, 1e-6))));
  const width = size[middle]! / count;
  const radius = Math.hypot(size[short]!, width) / 2;
  return Array.from({ length: count }, (_, i) => {
    const a = [0, 0, 0];
    const b = [0, 0, 0];
    a[middle] = width * (i + 0.5) - size[middle]! / 2;
    b[middle] = a[middle]!;
    a[long] = -size[long]! / 2;
    b[long] = size[long]! / 2;
    const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => {
      const corner = [0, 0, 0];
      corner[long] = (bits & 1 ? 0.5 : -0.5) * size[long]!;
      corner[middle] = a[middle]! + (bits & 2 ? 0.5 : -0.5) * width;
      corner[short] = (bits & 4 ? 0.5 : -0.5) * size[short]!;
      return corner as unknown as Vec3;
    });
    return [a as unknown as Vec3, b as unknown as Vec3, radius, corners];
  });
}
