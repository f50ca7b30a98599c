import { chmod, readFile } from "node:fs/promises";
import { isIP } from "node:net";
import * as zmq from "zeromq";
import { describe, GraspGroundingError } from "../../errors/index.js";

/** A CURVE key pair in Z85, 40 characters each. */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** Protection of a worker's socket: its own keys, and the public keys of the allowed clients. */
export interface ServerSecurity {
  readonly keys: KeyPair;
  readonly allowed: readonly string[];
}

/** Protection of a client's sockets: its own keys, and the worker's public key. */
export interface ClientSecurity {
  readonly keys: KeyPair;
  readonly serverKey: string;
}

const z85Key = /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/;

export const newKeyPair = (): KeyPair => zmq.curveKeyPair();

/** Text of a key file; it contains the secret key. */
export const keyFileText = ({ publicKey, secretKey }: KeyPair): string =>
  `public ${publicKey}\nsecret ${secretKey}\n`;

/** Reads lines `public KEY` and `secret KEY`. @throws GraspGroundingError KEY_FILE */
export async function readKeyFile(path: string): Promise<KeyPair> {
  const lines = await readLines(path);
  const find = (word: string) => {
    const key = lines.map((line) => line.split(/\s+/)).find(([first]) => first === word)?.[1];
    if (key === undefined || !z85Key.test(key))
      throw new GraspGroundingError("KEY_FILE", { path, detail: `holds no line \`${word} KEY\`` });
    return key;
  };
  return { publicKey: find("public"), secretKey: find("secret") };
}

/** Public keys, one a line; text after a key is a note. @throws GraspGroundingError KEY_FILE */
export async function readPublicKeys(path: string): Promise<readonly string[]> {
  const keys = (await readLines(path)).map((line) => {
    const [first = "", second = ""] = line.split(/\s+/);
    return first === "public" ? second : first;
  });
  const wrong = keys.find((key) => !z85Key.test(key));
  if (wrong !== undefined)
    throw new GraspGroundingError("KEY_FILE", {
      path,
      detail: `\`${wrong.slice(0, 50)}\` is not a public key`,
    });
  if (keys.length === 0) throw new GraspGroundingError("KEY_FILE", { path, detail: "holds no key" });
  return keys;
}

/** A public key itself, or the file that holds it. @throws GraspGroundingError KEY_FILE */
export async function publicKeyOf(keyOrPath: string): Promise<string> {
  if (z85Key.test(keyOrPath)) return keyOrPath;
  return (await readPublicKeys(keyOrPath))[0] as string;
}

async function readLines(path: string): Promise<string[]> {
  try {
    const text = await readFile(path, "utf8");
    return text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("# "));
  } catch (cause) {
    throw new GraspGroundingError("KEY_FILE", { path, detail: describe(cause) }, { cause });
  }
}

/**
 * Refuses invalid endpoints, and plain TCP that other machines can reach or that goes to another machine: images
 * would travel readable, and anybody could send requests.
 * @throws GraspGroundingError ENDPOINT_INVALID, ENDPOINT_INSECURE
 */
export function checkEndpoint(endpoint: string, secured: boolean, insecurePlainTcp: boolean): void {
  if (/^ipc:\/\/.+/.test(endpoint)) return;
  const host = /^tcp:\/\/(\[[0-9a-f:.%]+\]|[^:/]+):(\d{1,5}|\*)$/i.exec(endpoint)?.[1];
  if (host === undefined) throw new GraspGroundingError("ENDPOINT_INVALID", { endpoint });
  if (!secured && !insecurePlainTcp && !isLoopback(host.replace(/^\[|\]$/g, "")))
    throw new GraspGroundingError("ENDPOINT_INSECURE", { endpoint });
}

function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

/** Makes a socket in the file system accessible to its owner only. */
export async function closeToOthers(endpoint: string): Promise<void> {
  const path = /^ipc:\/\/(?!@)(.+)$/.exec(endpoint)?.[1];
  if (path !== undefined) await chmod(path, 0o600);
}

const z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/** Bytes, four by four, as Z85 (ZeroMQ RFC 32). */
export function toZ85(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let at = 0; at + 4 <= bytes.byteLength; at += 4) {
    const value = view.getUint32(at);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += z85[Math.floor(value / power) % 85];
  }
  return text;
}

const domain = "grasp-grounding";

/** Admits only clients with a key on the list. One instance a process: ZeroMQ has one handler (ZAP, RFC 27). */
export class Gatekeeper {
  readonly domain = domain;
  readonly #socket = new zmq.Router({ linger: 0 });
  readonly #allowed: ReadonlySet<string>;
  /** Connections that were refused. */
  refused = 0;

  private constructor(allowed: readonly string[]) {
    this.#allowed = new Set(allowed);
  }

  /** Must be open before the socket is bound. */
  static async open(allowed: readonly string[]): Promise<Gatekeeper> {
    const gatekeeper = new Gatekeeper(allowed);
    await gatekeeper.#socket.bind("inproc://zeromq.zap.01");
    void gatekeeper.#serve();
    return gatekeeper;
  }

  close(): void {
    this.#socket.close();
  }

  async #serve(): Promise<void> {
    for await (const frames of this.#socket) {
      const at = frames.findIndex((frame) => frame.length === 0);
      const [version, id, , , , mechanism, key] = frames.slice(at + 1);
      if (version === undefined || id === undefined) continue;
      const known = mechanism?.toString() === "CURVE" && key?.length === 32 && this.#allowed.has(toZ85(key));
      if (!known) this.refused++;
      const answer = known ? ["200", "OK"] : ["400", "this key is not on the list"];
      await this.#socket.send([...frames.slice(0, at + 1), version, id, ...answer, "", ""]);
    }
  }
}
