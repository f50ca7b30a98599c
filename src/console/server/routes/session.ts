import { z } from "zod";
import { identitySchema } from "../../protocol.js";
import { type ConsoleContext, sessionCookie, sessionKey } from "../context.js";
import { suggestions } from "../queries/suggestions.js";
import { type Api, failures } from "./schema.js";

/** Signing in and out. */
export function sessionRoutes(api: Api, { sessions }: ConsoleContext): void {
  api.get(
    "/api/session",
    {
      schema: {
        summary: "who I am, and whether signing in needs a token",
        response: {
          ...failures,
          200: z.object({
            needsToken: z.boolean(),
            you: identitySchema.optional(),
            suggestions: z.array(z.string()),
          }),
        },
      },
    },
    async (request) => {
      const actor = sessions.find(sessionKey(request));
      const you = actor === undefined ? {} : { you: { id: actor.id, name: actor.name, role: actor.role } };
      return { needsToken: sessions.needsToken, suggestions: [...suggestions], ...you };
    },
  );

  api.post(
    "/api/session",
    {
      schema: {
        summary: "sign in; the session is a cookie",
        body: z.object({
          token: z.string().max(500).optional(),
          name: z.string().max(60).optional().describe("shown to the others"),
        }),
        response: { ...failures, 200: identitySchema },
      },
    },
    async (request, reply) => {
      const { key, actor } = sessions.signIn(request.body.token, clean(request.body.name), request.ip);
      const secure = request.protocol === "https";
      void reply.header("set-cookie", sessionCookie(key, secure)).header("cache-control", "no-store");
      return { id: actor.id, name: actor.name, role: actor.role };
    },
  );

  api.delete(
    "/api/session",
    { schema: { summary: "sign out", response: { ...failures, 204: z.null() } } },
    async (request, reply) => {
      sessions.signOut(sessionKey(request));
      return reply
        .header("set-cookie", sessionCookie("", request.protocol === "https", 0))
        .code(204)
        .send(null);
    },
  );
}

/** A name without control characters, which would garble logs. */
const clean = (name: string | undefined): string | undefined => name?.replace(/\p{C}/gu, "");
