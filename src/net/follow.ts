import type { IncomingMessage } from "node:http";
import { type Get, get } from "./get.js";

/** An answer that no second try will change; `status` where a server gave one. */
export class Refused extends Error {
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

const maxRedirects = 5;

export interface FollowOptions extends Omit<Get, "headers"> {
  /** Headers of the request to an address: credentials go only where they belong. */
  readonly headers: (url: URL) => Readonly<Record<string, string>>;
  /** Sees the head of every answer, redirects included; what it throws ends the request. */
  readonly onHead?: (response: IncomingMessage) => void;
}

/**
 * GET that follows up to five redirects, never from https to anything else. The answer's body is not read yet.
 * @throws Refused for too many redirects or one away from https; Error of the connection
 */
export async function follow(
  first: URL,
  { headers, onHead, ...rest }: FollowOptions,
): Promise<IncomingMessage> {
  let url = first;
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const response = await get(url, { ...rest, headers: headers(url) });
    try {
      onHead?.(response);
    } catch (error) {
      response.destroy();
      throw error;
    }
    const { location } = response.headers;
    const status = response.statusCode ?? 0;
    if (status < 300 || status > 399 || location === undefined) return response;
    response.resume();
    const next = new URL(location, url);
    if (url.protocol === "https:" && next.protocol !== "https:")
      throw new Refused("redirected away from https");
    url = next;
  }
  throw new Refused("too many redirects");
}
