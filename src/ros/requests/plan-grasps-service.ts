import { asCatalogued } from "../../errors/index.js";
import { cleanQuery } from "../../grounding/index.js";
import type { Rcl, RclResponse, RclService } from "../rcl.js";
import { moveItGrasp } from "../results/moveit-grasp.js";
import { type RequestDependencies, requestTimeout } from "./requests.js";

export interface PlanGraspsDependencies extends RequestDependencies {
  readonly rcl: Rcl;
}

interface Request {
  readonly target: { readonly id: string };
}

/** moveit_msgs/msg/MoveItErrorCodes */
const codes = {
  success: 1,
  failure: 99999,
  planningFailed: -1,
  noSensorData: -5,
  timedOut: -6,
  invalidObjectName: -19,
  frameTransformFailure: -21,
} as const;

const codeOfError: Readonly<Record<string, number>> = {
  FRAME_TIMEOUT: codes.timedOut,
  TF_UNAVAILABLE: codes.frameTransformFailure,
  GRASP_NO_DEPTH: codes.noSensorData,
};

/**
 * The service ~/plan_grasps, moveit_msgs/srv/GraspPlanning: `target.id` of the request is the query, the answer holds
 * grasps as moveit_msgs/Grasp, best first. Always answers; the code and (from Jazzy on) the message name a failure.
 */
export function createPlanGraspsService(dependencies: PlanGraspsDependencies): RclService {
  return dependencies.node.createService(
    "moveit_msgs/srv/GraspPlanning",
    "~/plan_grasps",
    async (request: Request, response: RclResponse) => {
      const { grasps, code, message } = await plan(dependencies, request).catch((error: unknown) => {
        const { code: name, message } = asCatalogued(error);
        return { grasps: [], code: codeOfError[name] ?? codes.failure, message };
      });
      try {
        response.send({
          grasps,
          error_code: { val: code, ...(hasMessage(dependencies.rcl) && { message }) },
        });
      } catch (error) {
        // The node ended meanwhile: its service is gone.
        dependencies.onError(error);
      }
    },
  );
}

async function plan(dependencies: PlanGraspsDependencies, request: Request) {
  const parameters = dependencies.parameters();
  const resources = dependencies.resources();
  const query = cleanQuery(request.target.id);
  const origin = dependencies.origins.next("service");
  const { answer } = resources.scheduler.request({
    query,
    origin,
    timeout: requestTimeout(0, parameters.service_timeout),
    needDepth: true,
  });
  const given = await answer;
  if (!given.result.found)
    return { grasps: [], code: codes.invalidObjectName, message: `"${query}" is not in the image` };
  const placed = await resources.place(given, parameters.target_frame);
  if (placed.grasps.length === 0) return { grasps: [], code: codes.planningFailed, message: placed.reason };
  const { stamp } = given.finished.done;
  const grasps = placed.grasps.map((each, index) =>
    moveItGrasp(stamp, each, `${origin.id}/${index}`, parameters),
  );
  return { grasps, code: codes.success, message: "" };
}

/** `message` is new in the MoveItErrorCodes of Jazzy. */
function hasMessage(rcl: Rcl): boolean {
  const Codes = rcl.require("moveit_msgs/msg/MoveItErrorCodes") as new () => object;
  return "message" in new Codes();
}
