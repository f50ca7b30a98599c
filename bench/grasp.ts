import { createGraspPlanner, type GraspPlan } from "../src/grasping/index.js";
import { graspScenes } from "./grasp-scenes.js";
import { spread } from "./statistics.js";

/** Rounds before the code is compiled are not counted. */
const warmUp = 2;

/**
 * Planning time: 640×480 depth and mask to ranked grasps, one thread, single objects and clutter. Wall time and
 * processor time: on a machine that does other work, wall time includes that work.
 */
export async function benchGrasp(quick = false): Promise<object> {
  const [scenes, rounds] = quick ? [4, 3] : [40, 6];
  const inputs = graspScenes(scenes);
  const planner = createGraspPlanner();
  const wall: number[] = [];
  const processor: number[] = [];
  let planned = 0;
  let repeated = true;
  const first: string[] = [];
  for (let k = 0; k < rounds; k++)
    for (const [index, { frame, target }] of inputs.entries()) {
      const used = process.cpuUsage();
      const begin = performance.now();
      const plan: GraspPlan = await planner.plan(frame, target);
      const took = performance.now() - begin;
      const { user, system } = process.cpuUsage(used);
      const text = JSON.stringify(plan);
      if (k === 0) {
        first.push(text);
        if (plan.grasps.length > 0) planned++;
      } else if (first[index] !== text) repeated = false;
      if (k < warmUp) continue;
      wall.push(took);
      processor.push((user + system) / 1000);
    }
  return {
    what: "640×480 depth and mask to ranked grasps, single objects and clutter of eight, one thread",
    scenes,
    with_grasp: planned,
    same_plan_each_time: repeated,
    ms: spread(wall),
    cpu_ms: spread(processor),
    limit_ms: { p50: 20, p99: 60 },
  };
}
