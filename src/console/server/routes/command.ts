import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { commandSchema } from "../../protocol.js";
import { actorOf, type ConsoleContext } from "../context.js";
import { type Api, failures, security } from "./schema.js";

/** One command over HTTP. */
export function commandRoute(api: Api, context: ConsoleContext): void {
  api.post(
    "/api/command",
    {
      // Before it is validated, and after its body is read: a stop is never counted, and never refused.
      config: { rateLimit: { hook: "preValidation", allowList: isStop } },
      schema: {
        summary: "one command",
        description:
          "What each does is said at its name. All but `estop` need the operator's role and control.",
        security,
        body: commandSchema,
        response: { ...failures, 200: z.object({ ok: z.literal(true), result: z.unknown().optional() }) },
      },
    },
    async (request) => {
      const result = await context.core.commands.execute(actorOf(context, request), request.body);
      return { ok: true as const, ...(result !== undefined && { result }) };
    },
  );
}

const isStop = ({ body }: FastifyRequest): boolean =>
  typeof body === "object" && body !== null && "name" in body && body.name === "estop";
