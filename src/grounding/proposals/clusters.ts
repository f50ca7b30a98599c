import { GraspGroundingError } from "../../errors/index.js";
import {
  cameraProblem,
  clusterPoints,
  flipPlane,
  type Mask,
  maskBox,
  organisedCloud,
  type Plane,
  type Points,
  planeDistance,
  type RgbdFrame,
  ransacPlane,
  seededRandom,
  type Vec3,
} from "../../geometry/index.js";
import type { Proposal, ProposalSource } from "./types.js";

export interface DepthClusterOptions {
  /** Least height of a point above the table, in metres. Default 0.008. */
  readonly clearance?: number;
  /** Distance below which points belong together, in metres. Default 0.012. */
  readonly gap?: number;
  /** Smallest cluster, in pixels of the image. Default 150. */
  readonly minPixels?: number;
  /** Step between the pixels that are used. Default 2. */
  readonly step?: number;
  /** Largest distance of a point from the camera, in metres. Default 2. */
  readonly maxDepth?: number;
}

/** Objects that stand out of the table's plane, clustered by distance. Needs no weights and no query. */
export class DepthClusters implements ProposalSource {
  readonly name = "depth clusters";
  readonly #options: DepthClusterOptions;

  constructor(options: DepthClusterOptions = {}) {
    this.#options = options;
  }

  async propose(frame: RgbdFrame): Promise<readonly Proposal[]> {
    return clustersOnTable(frame, this.#options);
  }

  async close(): Promise<void> {}
}

/** @throws GraspGroundingError GRASP_NO_DEPTH, DEPTH_WITHOUT_CAMERA, CAMERA_INVALID, DEPTH_EMPTY */
export function clustersOnTable(frame: RgbdFrame, options: DepthClusterOptions = {}): readonly Proposal[] {
  const { depth, camera } = frame;
  if (depth === undefined) throw new GraspGroundingError("GRASP_NO_DEPTH");
  if (camera === undefined) throw new GraspGroundingError("DEPTH_WITHOUT_CAMERA");
  const problem = cameraProblem(camera);
  if (problem !== undefined) throw new GraspGroundingError("CAMERA_INVALID", { detail: problem });
  const { clearance = 0.008, gap = 0.012, minPixels = 150, step = 2, maxDepth = 2 } = options;
  const all = { x1: 0, y1: 0, x2: depth.width, y2: depth.height };
  const cloud = organisedCloud(depth, camera, all, step);
  const known = nearPoints(cloud.points, maxDepth);
  if (known.length < 300) throw new GraspGroundingError("DEPTH_EMPTY", { where: "in the image" });
  const table = ransacPlane(known, {
    tolerance: 0.006,
    random: seededRandom(1),
    minShare: 0.15,
    behind: 0.03,
  });
  if (table === undefined) return [];
  // The normal points to the camera, which looks at the table from above.
  const up: Plane = table.offset < 0 ? flipPlane(table) : table;
  const above = cloud.points.slice();
  for (let i = 0; i < above.length; i += 3) {
    const z = above[i + 2] as number;
    const point: Vec3 = [above[i] as number, above[i + 1] as number, z];
    if (z <= maxDepth && planeDistance(up, point) > clearance) continue;
    above.fill(Number.NaN, i, i + 3);
  }
  const labels = clusterPoints(above, gap);
  return toProposals(labels, cloud, depth, minPixels / (step * step), step);
}

function nearPoints(points: Points, maxDepth: number): Points {
  const near: number[] = [];
  for (let i = 0; i < points.length; i += 3) {
    if ((points[i + 2] as number) <= maxDepth)
      near.push(points[i] as number, points[i + 1] as number, points[i + 2] as number);
  }
  return Float32Array.from(near);
}

function toProposals(
  labels: Int32Array,
  grid: { readonly width: number; readonly height: number },
  image: { readonly width: number; readonly height: number },
  minCells: number,
  step: number,
): readonly Proposal[] {
  const sizes = new Map<number, number>();
  for (const label of labels) if (label >= 0) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const proposals: Proposal[] = [];
  for (const [label, size] of sizes) {
    if (size < minCells) continue;
    const mask: Mask = { ...image, data: new Uint8Array(image.width * image.height) };
    for (let k = 0; k < labels.length; k++) {
      if (labels[k] !== label) continue;
      const x1 = (k % grid.width) * step;
      const y1 = Math.trunc(k / grid.width) * step;
      for (let y = y1; y < Math.min(y1 + step, image.height); y++)
        mask.data.fill(1, y * image.width + x1, y * image.width + Math.min(x1 + step, image.width));
    }
    const box = maskBox({ width: image.width, height: image.height, data: mask.data });
    if (box !== undefined)
      proposals.push({
        box,
        mask: { width: image.width, height: image.height, data: mask.data },
        score: 1,
      });
  }
  return proposals;
}
