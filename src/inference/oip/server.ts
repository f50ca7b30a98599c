import { setTimeout as pause } from "node:timers/promises";
import { GraspGroundingError } from "../../errors/index.js";
import type { CallOptions, Tensors } from "../port.js";

/** Inputs and outputs of a model by a server's metadata. */
export interface OipModel {
  readonly inputs: readonly OipValue[];
  readonly outputs: readonly OipValue[];
}

export interface OipValue {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** One server of the protocol, over HTTP or gRPC. */
export interface OipServer {
  readonly url: string;
  /** Form of tensors, for the back end's description. */
  readonly format: "json" | "binary" | "grpc";
  /** Requests in progress. */
  inFlight: number;
  /** performance.now() before which it gets no request, after a failure. */
  restUntil: number;
  problem: string | undefined;

  /** Checks that it is ready, and which form of tensors it supports. @throws GraspGroundingError SERVER_UNAVAILABLE */
  meet(timeout: number): Promise<void>;
  /** Inputs and outputs of a model; undefined when the server does not have it. */
  model(name: string, timeout: number): Promise<OipModel | undefined>;
  /** SHA-256 in Triton's configuration of a model, where there is one. */
  hash(name: string, timeout: number): Promise<string | undefined>;
  /** @throws TransientError when another attempt may succeed; Error otherwise */
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

/** Repeats a request while it fails with SERVER_UNAVAILABLE, for at most `timeout` milliseconds. */
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
