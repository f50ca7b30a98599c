import { asCatalogued, type GraspGroundingError } from "../errors/index.js";
import { cleanQuery } from "../grounding/index.js";
import { stampOf, type Time } from "../messages/index.js";
import type { Parameters } from "./parameters/index.js";
import type { RclNode, RclResponse, RclService } from "./rcl.js";
import type { PlacedGrasps } from "./results/outputs.js";
import { groundingMessage } from "./results/result-messages.js";
import type { Answer, Scheduler } from "./scheduler.js";

export interface GroundServiceDependencies {
  readonly node: RclNode;
  readonly scheduler: Scheduler;
  readonly parameters: () => Parameters;
  readonly refusal: () => GraspGroundingError | undefined;
  readonly place: (answer: Answer, targetFrame: string) => Promise<PlacedGrasps>;
}

interface Request {
  readonly query: string;
  readonly timeout: number;
  readonly not_before: Time;
}

/** The service ~/ground. Always answers: what cannot be done is a message with success false. */
export function createGroundService(dependencies: GroundServiceDependencies): RclService {
  return dependencies.node.createService(
    "grasp_grounding_interfaces/srv/Ground",
    "~/ground",
    async (request: Request, response: RclResponse) => {
      try {
        response.send({ success: true, message: "", grounding: await ground(dependencies, request) });
      } catch (error) {
        response.send({ success: false, message: asCatalogued(error).message, grounding: {} });
      }
    },
  );
}

async function ground(dependencies: GroundServiceDependencies, request: Request): Promise<object> {
  const refused = dependencies.refusal();
  if (refused !== undefined) throw refused;
  const { service_timeout, target_frame } = dependencies.parameters();
  const { answer } = dependencies.scheduler.request({
    query: cleanQuery(request.query),
    timeout: request.timeout > 0 ? request.timeout : service_timeout,
    notBefore: stampOf(request.not_before),
  });
  const given = await answer;
  const { finished, result } = given;
  const placed = await dependencies.place(given, target_frame);
  return groundingMessage(finished.done, result, placed.grasps, placed.reason, finished.skew);
}
