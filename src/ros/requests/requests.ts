import type { Seconds } from "../../geometry/index.js";
import type { NodeResources } from "../node-resources.js";
import type { Parameters } from "../parameters/index.js";
import type { RclNode } from "../rcl.js";
import type { Clarifications } from "./clarifications.js";
import type { Origins } from "./origin.js";

/** What the service and the action need of the node. They live as long as it does, configured or not. */
export interface RequestDependencies {
  readonly node: RclNode;
  readonly parameters: () => Parameters;
  readonly origins: Origins;
  /** What answers now. @throws GraspGroundingError NODE_INACTIVE while the node is not active */
  readonly resources: () => NodeResources;
  /** Ends goals and motions because a query says so, in every state of the node. @returns what was done, in words */
  readonly stop: (query: string) => string;
  readonly clarifications: Clarifications;
  /** Shows an error on /diagnostics and in the log. */
  readonly onError: (error: unknown) => void;
}

/** A request waits at most this long, whatever it asks for: its client may be gone, and its memory is held. */
export const maxRequestTimeout: Seconds = 600;

/**
 * How long a request waits for an image and an answer.
 * @param asked seconds by the request: not above 0, or not a number, takes `byDefault`; above 600 s, or infinite, is
 * 600 s.
 */
export const requestTimeout = (asked: Seconds, byDefault: Seconds): Seconds =>
  asked > 0 ? Math.min(asked, maxRequestTimeout) : byDefault;
