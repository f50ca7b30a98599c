import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { request as httpsRequest } from "node:https";
import { connect as tlsConnect } from "node:tls";

/** The proxy of an address by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (lower case wins, as in curl). */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv = process.env): URL | undefined {
  const read = (name: string) => env[name.toLowerCase()] || env[name];
  const exempt = (read("NO_PROXY") ?? "").split(",").map((entry) => entry.trim().toLowerCase());
  const host = url.hostname.toLowerCase();
  const matches = (entry: string) => {
    const [name = "", port] = entry.replace(/^\*?\./, "").split(":");
    if (name === "" || (port !== undefined && port !== (url.port || defaultPort(url)))) return false;
    return host === name || host.endsWith(`.${name}`);
  };
  if (exempt.some((entry) => entry === "*" || matches(entry))) return undefined;
  const value = (url.protocol === "https:" ? read("HTTPS_PROXY") : read("HTTP_PROXY")) || read("ALL_PROXY");
  if (!value) return undefined;
  return new URL(/^[a-z]+:\/\//i.test(value) ? value : `http://${value}`);
}

const defaultPort = (url: URL): string => (url.protocol === "https:" ? "443" : "80");

export interface Get {
  readonly headers: Readonly<Record<string, string>>;
  /** A connection that says nothing for so long (ms) is closed. */
  readonly idleMs: number;
  readonly signal?: AbortSignal;
}

/** GET through the environment's proxy; the answer's body is not read yet. */
export async function get(url: URL, options: Get): Promise<IncomingMessage> {
  const proxy = proxyFor(url);
  const base: RequestOptions = {
    method: "GET",
    headers: { ...options.headers, host: url.host },
    timeout: options.idleMs,
    ...(options.signal && { signal: options.signal }),
  };
  if (proxy === undefined) {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    return answer(send(url, base));
  }
  const authorisation = proxyAuthorisation(proxy);
  if (url.protocol !== "https:") {
    const headers = { ...base.headers, ...authorisation } as Record<string, string>;
    return answer(httpRequest({ ...base, ...address(proxy), path: url.href, headers }));
  }
  const target = `${url.hostname}:${url.port || "443"}`;
  const tunnel = httpRequest({
    ...address(proxy),
    method: "CONNECT",
    path: target,
    headers: { host: target, ...authorisation },
    timeout: options.idleMs,
    ...(options.signal && { signal: options.signal }),
  });
  const socket = await new Promise<import("node:net").Socket>((resolve, reject) => {
    tunnel.once("error", reject);
    tunnel.once("timeout", () => tunnel.destroy(new Error(`the proxy ${proxy.host} does not answer`)));
    tunnel.once("connect", (response, open) => {
      if (response.statusCode === 200) resolve(open as import("node:net").Socket);
      else reject(new Error(`the proxy ${proxy.host} answers ${response.statusCode}`));
    });
    tunnel.end();
  });
  const secure = tlsConnect({ socket, servername: url.hostname });
  await new Promise<void>((resolve, reject) => {
    secure.once("secureConnect", resolve);
    secure.on("error", reject);
  });
  return answer(httpsRequest(url, { ...base, createConnection: () => secure }));
}

const address = (proxy: URL) => ({ host: proxy.hostname, port: proxy.port || defaultPort(proxy) });

function proxyAuthorisation(proxy: URL): Record<string, string> {
  if (proxy.username === "") return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

function answer(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("error", reject);
    request.once("timeout", () => request.destroy(new Error("the server says nothing")));
    request.once("response", resolve);
    request.end();
  });
}
