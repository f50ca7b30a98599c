import { describe, GraspGroundingError } from "../../errors/index.js";
import type { Pose } from "../../geometry/index.js";
import { type Command, cleanQuery, type Destination, parseCommand } from "../../grounding/index.js";
import type { NodeResources } from "../node-resources.js";
import type { Answer } from "../scheduler.js";
import type { Origin } from "./origin.js";
import type { ArmPort } from "./ports.js";
import { type RequestDependencies, requestTimeout } from "./requests.js";

/** The command of a text that names a place: "in the bowl" is "put it in the bowl". @throws QUERY_*, NO_DESTINATION */
export function placeCommand(text: string): { readonly query: string; readonly destination: Destination } {
  const said = cleanQuery(text);
  for (const query of [said, `put it ${said}`]) {
    const destination = parseCommand(query)?.destination;
    if (destination !== undefined) return { query, destination };
  }
  throw new GraspGroundingError("NO_DESTINATION", { query: said });
}

/** The second half of a command that takes an object and puts it down. */
export const secondHalf = ({ destination }: Command): string | undefined =>
  destination && `put it ${destination.relation} ${(destination.landmarks ?? []).join(" and ")}`.trim();

export interface PutDownRequest {
  readonly text: string;
  readonly execute: boolean;
  readonly timeout: number;
  readonly client: string;
  readonly origin: Origin;
  /** A label for the lease. */
  readonly operator: string;
  readonly signal: AbortSignal;
  readonly feedback: (stage: string, progress: number) => void;
}

export interface PutDownResult {
  readonly success: boolean;
  readonly message: string;
  readonly answer: Answer;
  /** Of the tool, in the image's frame. */
  readonly places: readonly Pose[];
}

/** Finds a place on a new image for what is held and, when asked, puts it there. @throws GraspGroundingError */
export async function putDown(
  { parameters, node, clarifications }: RequestDependencies,
  resources: NodeResources,
  arm: ArmPort | undefined,
  request: PutDownRequest,
): Promise<PutDownResult> {
  const { text, execute, timeout, client, origin, operator, signal, feedback } = request;
  const { query, destination } = placeCommand(text);
  feedback("waiting_for_frame", 0);
  const { service_timeout, clarify_timeout, tf_timeout } = parameters();
  const answer = await clarifications.answer(resources.scheduler, {
    query,
    client,
    origin,
    timeout: requestTimeout(timeout, service_timeout),
    needDepth: true,
    scenePoints: execute,
    // What is held must not stand in the image any more.
    notBefore: node.now().nanoseconds,
    onStart: () => feedback("grounding", 0.1),
    signal,
    replyTimeout: clarify_timeout,
    onQuestion: () => {},
  });
  const { relation } = destination;
  const { spots = [], reason } = answer.result.places ?? {};
  const places = spots.map(({ pose }) => pose);
  const unseen = relation === "back" || relation === "here" ? relation : undefined;
  const found = { answer, places };
  if (relation === "there")
    return { ...found, success: false, message: '"there" names no place; name an object near it' };
  if (unseen === undefined && places.length === 0)
    return { ...found, success: false, message: reason ?? "there is no free place for it" };
  if (!execute || arm === undefined || signal.aborted)
    return { ...found, success: true, message: `${places.length} places planned` };
  try {
    const { success, message } = await arm.place({
      answer,
      target: unseen ?? places,
      operator,
      tfTimeout: tf_timeout,
      signal,
      onStage: (stage, part) => feedback(stage, 0.3 + 0.7 * part),
    });
    return { ...found, success, message };
  } catch (error) {
    return { ...found, success: false, message: describe(error) };
  }
}
