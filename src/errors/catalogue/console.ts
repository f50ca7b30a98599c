import { type CatalogueEntry, entry } from "../entry.js";

/** Errors of the console and who may use it. */
export const consoleErrors = {
  CONSOLE_PORT: entry({
    message: "the console cannot listen on {host}:{port} ({detail})",
    cause: "another program or another console uses the port, or a port below 1024 without the rights for it",
    remedy: "stop the program that uses the port, or choose another with --port",
  }),
  CONSOLE_NEEDS_TOKEN: entry({
    message: "{host} can be reached from other machines, and no token is set",
    cause: "the address is open to the network, and without a token anybody could move the arm",
    remedy: "set GRASP_GROUNDING_OPERATOR_TOKEN or give --token-file, or stay on 127.0.0.1",
    exitCode: 2,
  }),
  CONSOLE_TOKENS: entry({
    message: "{source}: {detail}",
    cause: "a token file with other lines, or tokens that are too short",
    remedy: "give lines `operator TOKEN` or `viewer TOKEN`, 16 characters or more each",
    exitCode: 2,
  }),
  CONSOLE_TLS: entry({
    message: "{path}: cannot be used for TLS ({detail})",
    cause: "a wrong path, or a key that does not belong to the certificate",
    remedy: "give --tls-cert and --tls-key as PEM files",
    exitCode: 2,
  }),
  CONSOLE_PAGE_MISSING: entry({
    message: "the console's page is not built",
    cause: "the checkout was compiled without the page",
    remedy: "run `npm run build:web`",
  }),
  CONSOLE_NO_FRAME: entry({
    message: "there is no image yet",
    cause: "the camera has not published since the console started",
    remedy: "wait for the camera, or play the recording",
    httpStatus: 409,
    level: "warn",
  }),
  CONSOLE_BUSY: entry({
    message: "{waiting} queries are waiting already",
    cause: "queries come faster than the model answers",
    remedy: "ask again when those have been answered",
    httpStatus: 429,
    level: "warn",
  }),
  CONSOLE_NO_RECORDING: entry({
    message: "the image is live",
    cause: "a playback command for a live camera",
    remedy: "open a recording to use playback",
    httpStatus: 409,
    level: "warn",
  }),
  MOTION_REFUSED: entry({
    message: "the arm does not move: {detail}",
    cause: "a check before or during the motion failed, or there is no grasp",
    remedy: "fix that, or choose another candidate",
    httpStatus: 409,
    level: "warn",
  }),
  CONSOLE_NO_ROBOT: entry({
    message: "there is no arm to draw",
    cause: "no arm is connected, or its description is not known",
    remedy: "connect an arm with a description (URDF)",
    httpStatus: 404,
    level: "warn",
  }),
  CONSOLE_ANSWER_GONE: entry({
    message: "there is no answer {id} with a candidate {candidate}",
    cause: "the answer is too old and was discarded",
    remedy: "ask again",
    httpStatus: 404,
    level: "warn",
  }),
  ACCESS_TOKEN: entry({
    message: "the token is wrong or missing",
    cause: "a mistyped or expired token, or a session that ended with a restart",
    remedy: "sign in with the token that the console was started with",
    httpStatus: 401,
    level: "warn",
  }),
  ACCESS_ROLE: entry({
    message: "a viewer may not {what}",
    cause: "signed in with a viewer's token",
    remedy: "sign in with the operator's token",
    httpStatus: 403,
    level: "warn",
  }),
  ACCESS_ORIGIN: entry({
    message: "requests from {origin} are refused",
    cause: "a page of another origin, or a name of the console that is not allowed",
    remedy: "open the console at the address it prints, or name the origin with --allow-origin",
    httpStatus: 403,
    level: "warn",
  }),
  ACCESS_TOO_MANY: entry({
    message: "too many wrong tokens or requests",
    cause: "a program that retries, or somebody who guesses tokens",
    remedy: "wait {seconds} s",
    httpStatus: 429,
    level: "warn",
  }),
} as const satisfies Record<string, CatalogueEntry>;
