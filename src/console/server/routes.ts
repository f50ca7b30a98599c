import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { GraspGroundingError } from "../../errors/index.js";
import { answerSchema, commandSchema, identitySchema, robotSchema, stateSchema } from "../protocol.js";
import { actorOf, type ConsoleContext, sessionCookie, sessionKey } from "./context.js";
import { suggestions } from "./vocabulary.js";

const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
/** Every route can answer these besides its own. */
const failures = {
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
/** Bytes go out as they are; the description says what they are. */
const bytes = (what: string) => ({ ...failures, 200: z.any().describe(what) });
const security = [{ bearer: [] }, { cookie: [] }];

export async function apiRoutes(server: FastifyInstance, context: ConsoleContext): Promise<void> {
  const { core, sessions } = context;
  const api = server.withTypeProvider<ZodTypeProvider>();

  api.get(
    "/healthz",
    {
      config: { rateLimit: false },
      schema: { summary: "whether it runs", response: { 200: z.object({ status: z.literal("ok") }) } },
    },
    async () => ({ status: "ok" as const }),
  );

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

  api.get(
    "/api/state",
    {
      schema: { summary: "the state everybody sees", security, response: { ...failures, 200: stateSchema } },
    },
    async (request) => {
      actorOf(context, request);
      return core.store.value;
    },
  );

  api.get(
    "/api/robot",
    {
      schema: {
        summary: "how to draw the arm",
        security,
        response: { ...failures, 200: robotSchema },
      },
    },
    async (request) => {
      actorOf(context, request);
      const { robot } = core;
      if (robot === undefined) throw new GraspGroundingError("CONSOLE_NO_ROBOT");
      return robot;
    },
  );

  api.get(
    "/api/answers",
    {
      schema: {
        summary: "the answers shown, newest first",
        security,
        response: { ...failures, 200: z.array(answerSchema) },
      },
    },
    async (request) => {
      actorOf(context, request);
      return [...core.answers];
    },
  );

  api.get(
    "/api/frame.jpg",
    { schema: { summary: "the image shown now", security, response: bytes("JPEG") } },
    async (request, reply) => {
      actorOf(context, request);
      const { jpeg, stamp } = await core.image();
      return reply.type("image/jpeg").header("cache-control", "no-store").header("x-stamp", stamp).send(jpeg);
    },
  );

  const number = z.coerce.number().int().min(0).max(1e9);

  api.get(
    "/api/answers/:answer/heat.png",
    {
      schema: {
        summary: "where the object is likely, to lay over the image",
        security,
        params: z.object({ answer: number }),
        response: bytes("PNG"),
      },
    },
    async (request, reply) => {
      actorOf(context, request);
      const png = await core.heat(request.params.answer);
      return reply.type("image/png").header("cache-control", "private, max-age=600").send(png);
    },
  );

  api.get(
    "/api/answers/:answer/cloud",
    {
      schema: {
        summary: "points of the image an answer is about",
        description:
          "uint32 count, then float32 x, y, z of each in metres in the camera's optical frame, then R, G, B bytes of each",
        security,
        params: z.object({ answer: number }),
        response: bytes("points"),
      },
    },
    async (request, reply) => {
      actorOf(context, request);
      const points = core.cloud(request.params.answer);
      return reply
        .type("application/octet-stream")
        .header("cache-control", "private, max-age=600")
        .send(points);
    },
  );

  api.get(
    "/api/answers/:answer/candidates/:candidate",
    {
      schema: {
        summary: "what a candidate looks like: its number and .jpg",
        security,
        params: z.object({ answer: number, candidate: z.string().regex(/^\d{1,4}\.jpg$/) }),
        response: bytes("JPEG"),
      },
    },
    async (request, reply) => {
      actorOf(context, request);
      const { answer, candidate } = request.params;
      const jpeg = await core.crop(answer, Number.parseInt(candidate, 10));
      return reply.type("image/jpeg").header("cache-control", "private, max-age=600").send(jpeg);
    },
  );

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
      const result = await core.execute(actorOf(context, request), request.body);
      return { ok: true as const, ...(result !== undefined && { result }) };
    },
  );
}

const isStop = ({ body }: FastifyRequest): boolean =>
  typeof body === "object" && body !== null && "name" in body && body.name === "estop";

/** A name without control characters, which would garble logs. */
const clean = (name: string | undefined): string | undefined => name?.replace(/\p{C}/gu, "");
