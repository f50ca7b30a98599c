import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";

/** The server as the routes see it: requests and replies typed by their zod schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** Every route can answer these in addition to its own. */
export const failures = {
  400: errorSchema,
  401: errorSchema,
  403: errorSchema,
  404: errorSchema,
  409: errorSchema,
  413: errorSchema,
  415: errorSchema,
  422: errorSchema,
  429: errorSchema,
  500: errorSchema,
  503: errorSchema,
} as const;

/** A reply of bytes, with a description of what they are. */
export const bytes = (what: string) => ({ ...failures, 200: z.any().describe(what) });

/** Who may ask: a program with a token or a browser with its session. */
export const security = [{ bearer: [] }, { cookie: [] }];

/** What belongs to one answer never changes: the browser may store it. */
export const storable = "private, max-age=600";
