import { setTimeout as pause } from "node:timers/promises";
import { GraspGroundingError } from "../../errors/index.js";
import type { CallOptions, Tensors } from "../port.js";

/** Inputs and outputs of a model as a server tells them. */
export interface OipModel {
  readonly inputs: readonly OipValue[];
  readonly outputs: readonly OipValue[];
}

export interface OipValue {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** One server of the protocol, however it is spoken to. */
export interface OipServer {
  readonly url: string;
  /** How tensors travel, for the back end's description. */
  readonly format: "json" | "binary" | "grpc";
  /** Requests it is working on. */
  inFlight: number;
  /** performance.now() before which it is not asked again, after it failed. */
  restUntil: number;
  problem: string | undefined;

  /** Sees that it is ready, and how tensors may travel. @throws GraspGroundingError SERVER_UNAVAILABLE */
  meet(timeout: number): Promise<void>;
  /** Inputs and outputs of a model it serves; undefined when it has none of that name. */
  model(name: string, timeout: number): Promise<OipModel | undefined>;
  /** SHA-256 that Triton's configuration of a model tells, where there is one. */
  hash(name: string, timeout: number): Promise<string | undefined>;
  /** @throws Passing when another try may do better; Error otherwise */
  infer(
    model: string,
    inputs: Tensors,
    outputs: readonly string[],
    timeout: number,
    options: CallOptions,
  ): Promise<Tensors>;
  close(): void;
}

/** A failure that may pass. */
export class TransientError extends Error {}

/** Asks again while it answers `SERVER_UNAVAILABLE`, for at most `timeout` milliseconds. */
export async function whenUp<T>(timeout: number, ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + timeout;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const waiting = error instanceof GraspGroundingError && error.code === "SERVER_UNAVAILABLE";
      if (!waiting || performance.now() + retryPause > until) throw error;
      await pause(retryPause);
    }
  }
}

const retryPause = 250;
