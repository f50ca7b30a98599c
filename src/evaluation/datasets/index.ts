import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { GraspGroundingError, usage } from "../../errors/index.js";
import { checkBoxes } from "./boxes.js";
import { invalid } from "./files.js";
import { readJsonLines } from "./jsonl.js";
import { readOcidVlg } from "./ocid-vlg.js";
import { isRefCoco, readRefCoco } from "./refcoco.js";
import { readRoboRefIt } from "./roborefit.js";
import type { EvalLine } from "./types.js";

export const layouts = ["auto", "jsonl", "roborefit", "ocid-vlg", "refcoco"] as const;
export type Layout = (typeof layouts)[number];

export interface DatasetOptions {
  readonly layout?: Layout;
  readonly split?: string;
  readonly images?: string;
  /** Only the first lines. */
  readonly limit?: number;
}

/**
 * The queries of a data set in any of the layouts, their boxes checked against the images. The files that are
 * there tell the layout.
 * @throws GraspGroundingError FILE_MISSING, DATASET_INVALID, USAGE
 */
export async function readDataset(path: string, options: DatasetOptions): Promise<readonly EvalLine[]> {
  const { layout, file } = await recognise(path, options);
  const lines = (await readers[layout](file, options)).slice(0, options.limit);
  if (lines.length === 0) throw invalid(path, 1, "holds no lines");
  await checkBoxes(lines);
  return lines;
}

const readers = {
  jsonl: (path: string) => readJsonLines(path),
  roborefit: (path: string) => readRoboRefIt(path),
  "ocid-vlg": (path: string) => readOcidVlg(path),
  refcoco: (path: string, options: DatasetOptions) => readRefCoco(path, options),
} as const;

async function recognise(
  path: string,
  { layout = "auto", split }: DatasetOptions,
): Promise<{ layout: Exclude<Layout, "auto">; file: string }> {
  const found = await stat(path).catch((cause) => {
    throw new GraspGroundingError("FILE_MISSING", { path }, { cause });
  });
  if (!found.isDirectory()) {
    if (layout !== "auto") return { layout, file: path };
    const name = basename(path);
    if (/^roborefit.*\.json$/.test(name)) return { layout: "roborefit", file: path };
    if (/expressions\.json$/.test(name)) return { layout: "ocid-vlg", file: path };
    return { layout: "jsonl", file: path };
  }
  const names = await readdir(path);
  if (layout === "refcoco" || (layout === "auto" && isRefCoco(names)))
    return { layout: "refcoco", file: path };
  const files = (await jsonBelow(path, 3)).filter(
    (file) => split === undefined || basename(file).includes(split) || file.includes(`/${split}/`),
  );
  for (const [kind, pattern] of [
    ["roborefit", /^roborefit.*\.json$/],
    ["ocid-vlg", /expressions\.json$/],
  ] as const) {
    if (layout !== "auto" && layout !== kind) continue;
    const own = files.filter((file) => pattern.test(basename(file)));
    if (own.length > 1)
      throw usage(
        `${path} has ${own.map((file) => file.slice(path.length)).join(", ")}: name one, or give --split`,
      );
    if (own[0] !== undefined) return { layout: kind, file: own[0] };
  }
  throw usage(`${path}: no data set is recognised there; give a .jsonl file, or name the --layout`);
}

async function jsonBelow(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const nested = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isFile() && entry.name.endsWith(".json")) return [path];
    // Folders of images have thousands of entries and no list in them.
    const listed = !/^(image|mask|depth|rgb|box|text)/.test(entry.name);
    return entry.isDirectory() && depth > 0 && listed ? await jsonBelow(path, depth - 1) : [];
  });
  return (await Promise.all(nested)).flat().sort();
}
