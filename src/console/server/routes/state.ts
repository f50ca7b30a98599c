import { GraspGroundingError } from "../../../errors/index.js";
import { robotSchema, stateSchema } from "../../protocol.js";
import { actorOf, type ConsoleContext } from "../context.js";
import { type Api, bytes, failures, security } from "./schema.js";

/** What everybody sees: state, log, image, arm. */
export function stateRoutes(api: Api, context: ConsoleContext): void {
  const { core } = context;

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
    "/api/log.txt",
    {
      schema: {
        summary: "the console's log: questions, answers, motions, warnings",
        description: "one line each, oldest first: time, level and text, separated by tabs",
        security,
        response: bytes("text"),
      },
    },
    async (request, reply) => {
      actorOf(context, request);
      return reply
        .type("text/plain; charset=utf-8")
        .header("cache-control", "no-store")
        .header("content-disposition", 'attachment; filename="grasp-grounding-log.txt"')
        .send(core.log.toString());
    },
  );

  api.get(
    "/api/session.bin",
    {
      schema: {
        summary: "the last minutes of the session: images, questions, answers, motions and commands",
        description: "opened by the console's Log tab; the form is described in src/console/session-file.ts",
        security,
        response: bytes("recorded session"),
      },
    },
    async (request, reply) => {
      actorOf(context, request);
      return reply
        .type("application/octet-stream")
        .header("cache-control", "no-store")
        .header("content-disposition", 'attachment; filename="grasp-grounding-session.bin"')
        .send(await core.recorder.file());
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

  api.get(
    "/api/robot",
    { schema: { summary: "how to draw the arm", security, response: { ...failures, 200: robotSchema } } },
    async (request) => {
      actorOf(context, request);
      const robot = core.motion?.robot;
      if (robot === undefined) throw new GraspGroundingError("CONSOLE_NO_ROBOT");
      return robot;
    },
  );

  api.get(
    "/api/gripper.jpg",
    {
      schema: {
        summary: "the object in the gripper, as it was seen before it was taken",
        security,
        response: bytes("JPEG"),
      },
    },
    async (request, reply) => {
      actorOf(context, request);
      const jpeg = await core.motion?.object?.thumbnail;
      if (jpeg === undefined) throw new GraspGroundingError("CONSOLE_ANSWER_GONE", { id: 0, candidate: 0 });
      return reply.type("image/jpeg").header("cache-control", "no-store").send(jpeg);
    },
  );
}
