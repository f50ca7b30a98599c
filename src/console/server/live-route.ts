import type { FastifyInstance } from "fastify";
import type { WebSocket } from "ws";
import { GraspGroundingError } from "../../errors/index.js";
import { type ClientMessage, clientMessageSchema } from "../protocol.js";
import { actorOf, type ConsoleContext, errorOf } from "./context.js";
import type { Actor } from "./lease.js";
import { LiveClient } from "./live-client.js";

/** Browsers connected at once. */
const maxClients = 32;
/** Messages a second from one client, on average over some seconds. */
const budget = { perSecond: 120, burst: 600 };
/** Malformed messages before a client is let go. */
const maxMalformed = 20;
/** A client that answers no ping for so long is gone, in milliseconds. */
const heartbeat = 5000;

/** `/live`: images and state to the browser, commands and acknowledgements from it. */
export async function liveRoute(server: FastifyInstance, context: ConsoleContext): Promise<void> {
  let connected = 0;
  server.get(
    "/live",
    {
      websocket: true,
      schema: { hide: true },
      preValidation: async (request) => {
        // A browser may open sockets to other sites: only a page of this origin is accepted.
        actorOf(context, request);
        if (connected >= maxClients) throw new GraspGroundingError("ACCESS_TOO_MANY", { seconds: 10 });
      },
    },
    (socket, request) => {
      connected++;
      const actor = actorOf(context, request);
      const end = serve(socket, actor, context);
      socket.once("close", () => {
        connected--;
        end();
      });
    },
  );
}

function serve(socket: WebSocket, actor: Actor, { core }: ConsoleContext): () => void {
  const client = new LiveClient(socket, { id: actor.id, name: actor.name, role: actor.role });
  const bucket = new Bucket();
  let malformed = 0;
  let alive = true;
  let closing = false;
  const timer = setInterval(() => {
    if (!alive) socket.terminate();
    alive = false;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, heartbeat);
  timer.unref();
  socket.on("pong", () => {
    alive = true;
  });
  socket.on("error", () => socket.terminate());
  socket.on("message", (data, binary) => {
    alive = true;
    if (closing) return;
    const message = binary ? undefined : parse(String(data));
    // A client that sends too much is disconnected; a stop is always carried out.
    if (!(message?.type === "command" && message.command.name === "estop") && !bucket.take()) {
      closing = true;
      return socket.close(1008, "too many messages");
    }
    if (message === undefined) {
      if (++malformed > maxMalformed) socket.close(1008, "messages that cannot be read");
      return;
    }
    void handle(message);
  });

  /** The arm that heartbeats are for; none while the emergency stop is latched. */
  const motion = () => (core.store.value.estop.latched ? undefined : core.motion);

  const handle = async (message: ClientMessage): Promise<void> => {
    switch (message.type) {
      case "ack":
        return client.acknowledge(message.seq);
      case "view":
        return client.view(message.width);
      case "beat":
        return motion()?.beat(actor);
      case "drive":
        return motion()?.drive(actor, message.linear, message.angular);
      case "turn":
        return motion()?.turn(actor, message.joint, message.velocity);
      case "ping":
        return client.send({ type: "pong", at: message.at });
      case "command": {
        const { id } = message;
        try {
          const result = await core.commands.execute(actor, message.command);
          client.send({ type: "reply", id, ok: true, ...(result !== undefined && { result }) });
        } catch (error) {
          const { code, message: text } = errorOf(error);
          client.send({ type: "reply", id, ok: false, error: { code, message: text } });
        }
      }
    }
  };

  core.join(client);
  return () => {
    clearInterval(timer);
    core.leave(client);
  };
}

function parse(text: string): ClientMessage | undefined {
  try {
    return clientMessageSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** A token bucket. */
class Bucket {
  #left = budget.burst;
  #last = performance.now();

  take(): boolean {
    const now = performance.now();
    this.#left = Math.min(budget.burst, this.#left + ((now - this.#last) / 1000) * budget.perSecond);
    this.#last = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
