import Fastify from "fastify";
import { describe, GraspGroundingError } from "../errors/index.js";
import { boundConnections } from "../system/index.js";
import type { Metrics } from "./metrics.js";

export interface MetricsEndpoint {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
}

export interface RunningMetrics {
  readonly url: string;
  close(): Promise<void>;
}

/** `PORT` (on 127.0.0.1) or `HOST:PORT`, an IPv6 host in brackets. @throws GraspGroundingError METRICS_ENDPOINT */
export function parseEndpoint(text: string): MetricsEndpoint {
  const [, bracketed, plain, digits] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65535)
    throw new GraspGroundingError("METRICS_ENDPOINT", { endpoint: text, detail: "not PORT or HOST:PORT" });
  return { host: bracketed ?? plain ?? "127.0.0.1", port };
}

/**
 * Serves `/metrics`. Only numbers: they contain no query, image or name.
 * @throws GraspGroundingError METRICS_ENDPOINT
 */
export async function startMetrics(
  metrics: Metrics,
  { host, port }: MetricsEndpoint,
): Promise<RunningMetrics> {
  const server = Fastify({ bodyLimit: 1024, requestTimeout: 10_000, forceCloseConnections: true });
  server.get("/metrics", async (_request, reply) =>
    reply
      .type(metrics.contentType)
      .header("cache-control", "no-store")
      .send(await metrics.text()),
  );
  server.setNotFoundHandler((_request, reply) => reply.code(404).type("text/plain").send("see /metrics\n"));
  try {
    const url = await server.listen({ host: host === "localhost" ? "127.0.0.1" : host, port });
    boundConnections(server.server, { most: 64 });
    return { url: `${url}/metrics`, close: () => server.close() };
  } catch (cause) {
    await server.close();
    const details = { endpoint: `${host}:${port}`, detail: describe(cause) };
    throw new GraspGroundingError("METRICS_ENDPOINT", details, { cause });
  }
}
