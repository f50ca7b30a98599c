import { basename } from "node:path";
import { z } from "zod";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { follow } from "../../net/index.js";
import { runLines } from "../python.js";

/** pip's own reading of its settings (files, environment) and its default: no address is written here. */
const readIndex =
  'from pip._internal.commands import create_command as c; print("index", c("download").parse_args([])[0].index_url)';

/** Address of the Python index that pip uses. @throws GraspGroundingError GPU_SETUP, PYTHON_MISSING */
export async function pythonIndex(python: string): Promise<string> {
  let index: string | undefined;
  const { last } = await runLines(python, ["-c", readIndex], {
    onLine: (line) => {
      index ??= /^index (\S+)$/.exec(line)?.[1];
    },
  });
  if (index === undefined)
    throw new GraspGroundingError("GPU_SETUP", {
      detail: `${python} has no pip whose index can be read (${last})`,
    });
  return index;
}

const json = "application/vnd.pypi.simple.v1+json";
const pageSchema = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string() })) });
const maxPageBytes = 32 * 2 ** 20;
const idleMs = 30_000;

/**
 * Address of a file of a package, by the simple repository API (PEP 503, PEP 691).
 * @throws GraspGroundingError GPU_SETUP
 */
export async function fileUrl(index: string, packageName: string, file: string): Promise<string> {
  const page = new URL(`${index.replace(/\/+$/, "")}/${packageName}/`);
  const fail = (detail: string, cause?: unknown) =>
    new GraspGroundingError("GPU_SETUP", { detail: `${packageName}: ${detail}` }, { cause });
  let links: readonly string[];
  try {
    links = await linksOf(page);
  } catch (cause) {
    throw fail(describe(cause), cause);
  }
  const url = links.find((link) => decodeURIComponent(basename(new URL(link).pathname)) === file);
  if (url === undefined) throw fail(`the index has no ${file}`);
  return url;
}

async function linksOf(page: URL): Promise<readonly string[]> {
  const headers = {
    accept: `${json}, text/html;q=0.5`,
    "user-agent": "grasp-grounding",
    "accept-encoding": "identity",
  };
  const response = await follow(page, { headers: () => headers, idleMs });
  if (response.statusCode !== 200) {
    response.resume();
    throw new Error(`the index answers ${response.statusCode}`);
  }
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += chunk;
    if (text.length > maxPageBytes) throw new Error("the index's page is too long");
  }
  const isJson = response.headers["content-type"]?.startsWith(json) ?? false;
  const found = isJson
    ? pageSchema.parse(JSON.parse(text)).files.map(({ url }) => url)
    : [...text.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"']+)["']/gi)].map(([, link]) =>
        link?.replaceAll("&amp;", "&"),
      );
  return found.flatMap((link) => (link === undefined ? [] : [withoutHash(new URL(link, page))]));
}

/** The hash in an index's link is not the one that counts. */
function withoutHash(url: URL): string {
  url.hash = "";
  return url.href;
}
