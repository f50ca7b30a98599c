import type { SessionAsset } from "../session-file.js";

/** What the page shows apart from state and images: from the console, or from a session that is replayed. */
let recorded: ReadonlyMap<string, Uint8Array> | undefined;
const urls = new Map<string, string>();

/** From here on everything comes from a recorded session. */
export function takeFrom(assets: readonly SessionAsset[]): void {
  for (const url of urls.values()) URL.revokeObjectURL(url);
  urls.clear();
  recorded = new Map(assets.map(({ path, data }) => [path, data]));
}

/** Address of an image. @param path below `/api`. @returns undefined for one that was not recorded */
export function imageUrl(path: string): string | undefined {
  if (recorded === undefined) return `api/${path}`;
  const data = recorded.get(path);
  if (data === undefined) return undefined;
  const url = urls.get(path) ?? URL.createObjectURL(new Blob([data as BlobPart]));
  urls.set(path, url);
  return url;
}

/** Bytes of anything else. @param path below `/api`. @returns undefined for what is gone or was not recorded */
export async function load(path: string): Promise<ArrayBuffer | undefined> {
  if (recorded === undefined) {
    const reply = await fetch(`api/${path}`);
    return reply.ok ? reply.arrayBuffer() : undefined;
  }
  const data = recorded.get(path);
  return data && (data.slice().buffer as ArrayBuffer);
}

/** The same as JSON. */
export async function loadJson<T>(path: string): Promise<T | undefined> {
  const data = await load(path);
  return data && (JSON.parse(new TextDecoder().decode(data)) as T);
}
