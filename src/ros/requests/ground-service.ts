import { asCatalogued } from "../../errors/index.js";
import { cleanQuery, isStopOrder } from "../../grounding/index.js";
import { stampOf, type Time } from "../../messages/index.js";
import type { RclResponse, RclService } from "../rcl.js";
import { groundingMessage, requestIds } from "../results/result-messages.js";
import { stopAnswer } from "../results/stop-answer.js";
import { type RequestDependencies, requestTimeout } from "./requests.js";

interface Request {
  readonly query: string;
  readonly client: string;
  readonly timeout: number;
  readonly not_before: Time;
}

/** The service ~/ground. Always answers, unconfigured too: a refusal or failure is a message with success=false. */
export function createGroundService(dependencies: RequestDependencies): RclService {
  const { node, onError } = dependencies;
  return node.createService(
    "grasp_grounding_interfaces/srv/Ground",
    "~/ground",
    async (request: Request, response: RclResponse) => {
      const answer = await ground(dependencies, request).then(
        (answered) => ({ success: true, ...answered }),
        (error: unknown) => ({ success: false, message: asCatalogued(error).message, grounding: {} }),
      );
      try {
        response.send(answer);
      } catch (error) {
        // The node ended meanwhile: its service is gone.
        onError(error);
      }
    },
  );
}

async function ground(
  { parameters, resources, origins, stop }: RequestDependencies,
  request: Request,
): Promise<{ readonly message: string; readonly grounding: object }> {
  const query = cleanQuery(request.query);
  if (isStopOrder(query)) {
    const message = stop(query);
    return { message, grounding: stopAnswer(query, origins.next("service"), message) };
  }
  const { service_timeout, target_frame } = parameters();
  const now = resources();
  const { answer } = now.scheduler.request({
    query,
    client: request.client || undefined,
    origin: origins.next("service"),
    timeout: requestTimeout(request.timeout, service_timeout),
    notBefore: stampOf(request.not_before),
  });
  const given = await answer;
  const { finished, result, origin } = given;
  const placed = await now.place(given, target_frame);
  const identified = { result, origin, ids: requestIds(result, origin) };
  const grounding = groundingMessage(finished.done, identified, placed.grasps, placed.reason, finished.skew);
  return { message: "", grounding };
}
