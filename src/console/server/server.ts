import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import fastifyStatic from "@fastify/static";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import websocket from "@fastify/websocket";
import Fastify, { type FastifyInstance } from "fastify";
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { Metrics } from "../../metrics/index.js";
import { boundConnections, packageRoot } from "../../system/index.js";
import type { ConsoleArm } from "../motion/console-arm.js";
import type { ConsolePipeline, ConsoleSource } from "../types.js";
import { AuditLog } from "./audit.js";
import { type ConsoleContext, countedFor, errorOf } from "./context.js";
import { ConsoleCore } from "./core.js";
import { liveRoute } from "./live-route.js";
import { checkOrigin, isLoopback, type OriginPolicy } from "./origin.js";
import { apiRoutes } from "./routes/index.js";
import { Sessions } from "./sessions.js";
import { Tokens } from "./tokens.js";

export interface ConsoleOptions {
  readonly source: ConsoleSource;
  readonly pipeline: ConsolePipeline;
  /** Execution provider of the model, for people. */
  readonly provider?: string;
  /** Without one grasps are shown and nothing moves. */
  readonly arm?: ConsoleArm;
  /** Address to listen on. Default 127.0.0.1; any other than loopback needs a token. */
  readonly host?: string;
  /** Default 8087; 0 takes a free one. */
  readonly port?: number;
  /** File of tokens, in addition to those of the environment. */
  readonly tokenFile?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Other origins whose pages may use it. */
  readonly allowOrigins?: readonly string[];
  /** File of the audit log; without it none is written. */
  readonly audit?: string;
  /** Folder of the built page. */
  readonly page?: string;
  /** Counts answers, errors and commands; its creator serves it. */
  readonly metrics?: Metrics;
  /** Version for the API's description. */
  readonly version?: string;
}

export interface RunningConsole {
  /** Where to open it. */
  readonly url: string;
  /** Whether signing in needs a token. */
  readonly needsToken: boolean;
  readonly core: ConsoleCore;
  close(): Promise<void>;
}

const defaultPage = join(packageRoot, "dist", "console", "web");

/**
 * Serves the teleop console: page, HTTP API with its description at /docs, and the live WebSocket. Takes over the
 * source and
 * closes it; the bridge stays the caller's.
 * @throws GraspGroundingError CONSOLE_NEEDS_TOKEN, CONSOLE_TOKENS, CONSOLE_TLS, CONSOLE_PAGE_MISSING, CONSOLE_PORT,
 * OUTPUT_UNWRITABLE
 */
export async function startConsole(options: ConsoleOptions): Promise<RunningConsole> {
  const host = options.host ?? "127.0.0.1";
  const tokens = await Tokens.load(options.environment ?? process.env, options.tokenFile);
  if (!isLoopback(host) && tokens.size === 0) throw new GraspGroundingError("CONSOLE_NEEDS_TOKEN", { host });
  const page = options.page ?? defaultPage;
  if (!existsSync(join(page, "index.html"))) throw new GraspGroundingError("CONSOLE_PAGE_MISSING");
  const sessions = new Sessions(tokens, tokens.size === 0, (address) =>
    core.log.add(
      "warn",
      `wrong tokens from ${address}, one after another: a client guesses, or a program has an old one`,
    ),
  );
  const audit = await AuditLog.open(options.audit);
  const core = new ConsoleCore({
    source: options.source,
    pipeline: options.pipeline,
    audit,
    ...(options.provider !== undefined && { provider: options.provider }),
    ...(options.arm !== undefined && { arm: options.arm }),
    ...(options.metrics !== undefined && { metrics: options.metrics }),
  });
  const policy: OriginPolicy = {
    hosts: new Set(isLoopback(host) ? ["localhost"] : []),
    origins: new Set(options.allowOrigins ?? []),
  };
  const server = await build(options, { core, sessions, policy });
  const sockets = new Set<Socket>();
  server.server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  try {
    // One server for one address: Fastify would open a second one for the other loopback address.
    const address = host === "localhost" ? "127.0.0.1" : host;
    await server.listen({ host: address, port: options.port ?? 8087 });
    boundConnections(server.server, {
      most: 512,
      onRefused: () => core.refusedConnection(),
    });
  } catch (cause) {
    await Promise.all([core.close(), audit.close(), server.close()]);
    const details = { host, port: options.port ?? 8087, detail: describe(cause) };
    throw new GraspGroundingError("CONSOLE_PORT", details, { cause });
  }
  core.start();
  const address = server.server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  const name = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${name}:${port}/`,
    needsToken: sessions.needsToken,
    core,
    close: async () => {
      await core.close();
      core.clients.drop();
      // Sockets of refused upgrades are in no other list, and would block the server's closing.
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, 300);
      await server.close();
      clearTimeout(cut);
      await audit.close();
    },
  };
}

async function build(options: ConsoleOptions, context: ConsoleContext): Promise<FastifyInstance> {
  const tls = options.tls === undefined ? undefined : await readTls(options.tls);
  const server = Fastify({
    bodyLimit: 64 * 1024,
    requestTimeout: 30_000,
    forceCloseConnections: true,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 100 },
    ...(tls === undefined
      ? { http: { maxHeaderSize: 16 * 1024 } }
      : { https: { ...tls, maxHeaderSize: 16 * 1024 } }),
  } as object) as unknown as FastifyInstance;
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler((error, _request, reply) => {
    const { code, message, httpStatus } = errorOf(error);
    return reply.code(httpStatus).send({ error: { code, message } });
  });
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({
      error: { code: "NOT_FOUND", message: "there is nothing here; the API is described at /docs" },
    }),
  );
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", "blob:", "data:"],
        workerSrc: ["'self'", "blob:"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        formAction: ["'self'"],
      },
    },
    hsts: options.tls !== undefined,
    crossOriginEmbedderPolicy: false,
  });
  await server.register(rateLimit, {
    global: true,
    max: 1200,
    timeWindow: "1 minute",
    keyGenerator: (request) => countedFor(context, request),
    errorResponseBuilder: (_request, { ttl }) =>
      new GraspGroundingError("ACCESS_TOO_MANY", { seconds: Math.ceil(ttl / 1000) }),
  });
  server.addHook("onRequest", async (request) => {
    checkOrigin(context.policy, { host: request.headers.host, origin: request.headers.origin });
  });
  await server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "grasp-grounding console",
        version: options.version ?? "0.0.0",
        description: "The teleop console's HTTP API. Programs send `Authorization: Bearer TOKEN`.",
        license: { name: "Apache-2.0" },
      },
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer" },
          cookie: { type: "apiKey", in: "cookie", name: "grasp_grounding_session" },
        },
      },
    },
    transform: jsonSchemaTransform,
  });
  await server.register(swaggerUi, { routePrefix: "/docs", staticCSP: true });
  await server.register(websocket, {
    options: { maxPayload: 64 * 1024, perMessageDeflate: false },
  });
  await server.register(apiRoutes, context);
  await server.register(liveRoute, context);
  await server.register(fastifyStatic, {
    root: options.page ?? defaultPage,
    wildcard: false,
    maxAge: "1y",
    immutable: true,
    setHeaders: (reply, path) => {
      if (path.endsWith(".html")) reply.header("cache-control", "no-cache");
    },
  });
  return server;
}

async function readTls({ cert, key }: { cert: string; key: string }) {
  const read = (path: string) =>
    readFile(path).catch((cause) => {
      throw new GraspGroundingError("CONSOLE_TLS", { path, detail: describe(cause) }, { cause });
    });
  const pair = { cert: await read(cert), key: await read(key) };
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw new GraspGroundingError("CONSOLE_TLS", { path: cert, detail: describe(cause) }, { cause });
  }
  return pair;
}
