import { InProcessBackend, type InProcessOptions } from "./in-process/backend.js";
import type { OipOptions } from "./oip/backend.js";
import type { InferenceBackend, ModelFiles } from "./port.js";
import type { ZmqOptions } from "./zmq/backend.js";

/** The back end and its options. */
export type BackendChoice =
  | ({ readonly kind: "in-process" } & InProcessOptions)
  | ({ readonly kind: "zmq" } & ZmqOptions)
  | ({ readonly kind: "oip" } & OipOptions);

export const backendKinds = ["in-process", "zmq", "oip"] as const;
export type BackendKind = (typeof backendKinds)[number];

/** @throws GraspGroundingError of the back end that was chosen */
export async function createBackend(model: ModelFiles, choice: BackendChoice): Promise<InferenceBackend> {
  switch (choice.kind) {
    case "in-process":
      return InProcessBackend.create(model, choice);
    case "zmq":
      // Imported on use: a command that runs the model in its own process opens no ZeroMQ context.
      return (await import("./zmq/backend.js")).ZmqBackend.create(model, choice);
    case "oip":
      return (await import("./oip/backend.js")).OipBackend.create(model, choice);
  }
}
