import type { FastifyReply } from "fastify";
import { z } from "zod";
import { answerSchema } from "../../protocol.js";
import { actorOf, type ConsoleContext } from "../context.js";
import { type Api, bytes, failures, security, storable } from "./schema.js";

const number = z.coerce.number().int().min(0).max(1e9);

/** The answers that are shown, and what belongs to each. */
export function answerRoutes(api: Api, context: ConsoleContext): void {
  const { store } = context.core.queries;

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
      return [...store.answers];
    },
  );

  const part = (name: string, type: string, summary: string, get: (id: number) => Buffer | Promise<Buffer>) =>
    api.get(
      `/api/answers/:answer/${name}`,
      { schema: { summary, security, params: z.object({ answer: number }), response: bytes(type) } },
      async (request, reply) => {
        actorOf(context, request);
        return send(reply, type, await get(request.params.answer));
      },
    );
  part("heat.png", "image/png", "where the object is likely, to lay over the image", (id) => store.heat(id));
  part("frame.jpg", "image/jpeg", "the image an answer is about, small", (id) => store.snapshot(id));
  part(
    "cloud",
    "application/octet-stream",
    "points of the image an answer is about: uint32 count, then float32 x, y, z of each in metres in the camera's optical frame, then R, G, B bytes of each",
    (id) => store.cloud(id),
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
      return send(reply, "image/jpeg", await store.crop(answer, Number.parseInt(candidate, 10)));
    },
  );
}

const send = (reply: FastifyReply, type: string, body: Buffer) =>
  reply.type(type).header("cache-control", storable).send(body);
