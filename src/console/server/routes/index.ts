/** The console's HTTP API. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ConsoleContext } from "../context.js";
import { answerRoutes } from "./answers.js";
import { commandRoute } from "./command.js";
import { sessionRoutes } from "./session.js";
import { stateRoutes } from "./state.js";

export async function apiRoutes(server: FastifyInstance, context: ConsoleContext): Promise<void> {
  const api = server.withTypeProvider<ZodTypeProvider>();
  api.get(
    "/healthz",
    {
      config: { rateLimit: false },
      schema: { summary: "whether it runs", response: { 200: z.object({ status: z.literal("ok") }) } },
    },
    async () => ({ status: "ok" as const }),
  );
  sessionRoutes(api, context);
  stateRoutes(api, context);
  answerRoutes(api, context);
  commandRoute(api, context);
}
