// Plans grasps for whoever writes requests to it: one JSON object a line in, one a line out, in the same order.
// Request: {id, width, height, fx, fy, cx, cy, depth, mask, options?, failed?}; depth and mask are paths of raw files,
// float32 metres and bytes, rows top to bottom. `failed`: grasps of earlier answers that did not hold, each with the
// answer's `centre`; grasps near them are marked down. `second`: {depth, pose}, another image of the same scene by the same
// camera, and the pose of its optical frame in the first image's; the object is found in it by the first one's mask.
// Answer: {id, plan, centre, ms, overlap}; `overlap`: of that mask with the file `second.truth`. The compiled planner is taken from
// dist/, or from the folder GRASP_GROUNDING_DIST.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = process.env.GRASP_GROUNDING_DIST ?? resolve(here, "../dist/src");
const compiled = (path) => import(pathToFileURL(resolve(dist, path)).href);
const { createGraspPlanner, grippers, maskInSecondView } = await compiled("grasping/index.js");
const { seededRandom } = await compiled("geometry/index.js");
const { centreOf, rankGrasps } = await compiled("arm/index.js");
const { scenePoints } = await compiled("pipeline/scene-points.js");

const planners = new Map();

function plannerFor(options = {}) {
  const key = JSON.stringify(options);
  if (!planners.has(key)) {
    const gripper = typeof options.gripper === "string" ? grippers[options.gripper] : options.gripper;
    planners.set(key, createGraspPlanner({ ...options, ...(gripper ? { gripper } : {}) }));
  }
  return planners.get(key);
}

function bytesOf(path) {
  const file = readFileSync(path);
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
}

function overlapOf(p, q) {
  let both = 0;
  let any = 0;
  for (let i = 0; i < p.length; i++) {
    if (p[i] && q[i]) both++;
    if (p[i] || q[i]) any++;
  }
  return any === 0 ? 0 : both / any;
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "") continue;
  const { id, width, height, fx, fy, cx, cy, depth, mask, options, failed = [], second } = JSON.parse(line);
  const frame = {
    stamp: 0n,
    frameId: "camera_color_optical_frame",
    colour: { width, height, data: new Uint8Array(0) },
    depth: { width, height, data: new Float32Array(bytesOf(depth)) },
    camera: { width, height, fx, fy, cx, cy },
  };
  const target = { mask: { width, height, data: new Uint8Array(bytesOf(mask)) } };
  const begin = performance.now();
  let overlap;
  if (second !== undefined) {
    const data = new Float32Array(bytesOf(second.depth));
    const other = { ...frame, depth: { width, height, data } };
    const found = maskInSecondView(frame, target.mask, other, second.pose, seededRandom(1));
    if (found !== undefined) target.views = [{ frame: other, mask: found, pose: second.pose }];
    overlap = found === undefined ? 0 : overlapOf(found.data, new Uint8Array(bytesOf(second.truth)));
  }
  const plan = await plannerFor(options).plan(frame, target);
  const ms = performance.now() - begin;
  const centre = centreOf(scenePoints(frame, target.mask)?.target);
  const marks = failed.map((each) => ({ grasp: each.grasp, centre: each.centre ?? undefined }));
  const grasps = rankGrasps(plan.grasps, marks, centre);
  process.stdout.write(`${JSON.stringify({ id, plan: { ...plan, grasps }, centre, ms, overlap })}\n`);
}
