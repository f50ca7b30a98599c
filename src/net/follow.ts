import type { IncomingMessage } from "node:http";
import { type Get, get } from "./get.js";

/** An answer that no second try will change. */
export class Refused extends Error {}

const maxRedirects = 5;

export interface FollowOptions extends Omit<Get, "headers"> {
  /** Headers of the request to an address: credentials go only where they belong. */
  readonly headers: (url: URL) => Readonly<Record<string, string>>;
}

/**
 * GET that follows up to five redirects, never from https to anything else. The answer's body is not read yet.
 * @throws Refused for too many redirects or one away from https; Error of the connection
 */
export async function follow(first: URL, { headers, ...rest }: FollowOptions): Promise<IncomingMessage> {
  let url = first;
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const response = await get(url, { ...rest, headers: headers(url) });
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
