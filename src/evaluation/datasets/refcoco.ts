import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Parser } from "pickleparser";
import { z } from "zod";
import { describe, GraspGroundingError, usage } from "../../errors/index.js";
import { maskFromRle } from "../../geometry/index.js";

import { invalid, maskFromPolygons, readJson, rootOf } from "./files.js";
import type { EvalLine } from "./types.js";

const refs = z.array(
  z.looseObject({
    ann_id: z.number(),
    image_id: z.number(),
    split: z.string().default(""),
    category_id: z.number().optional(),
    sentences: z.array(z.looseObject({ sent: z.string().optional(), raw: z.string().optional() })),
  }),
);

const instances = z.object({
  images: z.array(
    z.looseObject({ id: z.number(), file_name: z.string(), width: z.number(), height: z.number() }),
  ),
  annotations: z.array(
    z.looseObject({
      id: z.number(),
      bbox: z.array(z.number()).length(4),
      segmentation: z.union([
        z.array(z.array(z.number())),
        z.object({
          size: z.tuple([z.number(), z.number()]),
          counts: z.union([z.string(), z.array(z.number())]),
        }),
      ]),
    }),
  ),
  categories: z.array(z.looseObject({ id: z.number(), name: z.string() })).default([]),
});

export interface RefCocoOptions {
  /** `val`, `testA`, …; all when absent. */
  readonly split?: string;
  /** Folder of the images, where they are not in or above the data set's folder. */
  readonly images?: string;
}

/**
 * RefCOCO, RefCOCO+ and RefCOCOg (Yu et al. 2016, Mao et al. 2016): a folder with `refs(…).p` (or .json) and COCO's
 * `instances.json`.
 * @throws GraspGroundingError FILE_MISSING, DATASET_INVALID, USAGE
 */
export async function readRefCoco(folder: string, options: RefCocoOptions): Promise<readonly EvalLine[]> {
  const names = (await readdir(folder)).filter((name) => /^refs.*\.(p|pkl|json)$/.test(name)).sort();
  const [name] = names;
  if (name === undefined)
    throw new GraspGroundingError("FILE_MISSING", { path: join(folder, "refs(unc).p") });
  if (names.length > 1 && !names.includes("refs(unc).p") && !names.includes("refs(umd).p"))
    throw usage(`${folder} has ${names.join(", ")}: keep one of them there`);
  const chosen = names.find((one) => one === "refs(unc).p" || one === "refs(umd).p") ?? name;
  const path = join(folder, chosen);
  const list = check(refs, chosen.endsWith(".json") ? await readJson(path) : await unpickle(path), path);
  const coco = check(
    instances,
    await readJson(join(folder, "instances.json")),
    join(folder, "instances.json"),
  );
  const images = new Map(coco.images.map((image) => [image.id, image]));
  const annotations = new Map(coco.annotations.map((annotation) => [annotation.id, annotation]));
  const categories = new Map(coco.categories.map((category) => [category.id, category.name]));
  const splits = [...new Set(list.map(({ split }) => split))].filter((split) => split !== "");
  if (options.split !== undefined && !splits.includes(options.split))
    throw usage(`no split ${options.split}; there are ${splits.join(", ")}`);
  let root = options.images;
  return list
    .filter(({ split }) => options.split === undefined || split === options.split)
    .flatMap((ref, i) => {
      const image = images.get(ref.image_id);
      const annotation = annotations.get(ref.ann_id);
      if (image === undefined || annotation === undefined)
        throw invalid(
          path,
          i + 1,
          `annotation ${ref.ann_id} of image ${ref.image_id} is not in instances.json`,
        );
      root ??= imageFolder(folder, image.file_name);
      if (root === undefined)
        throw invalid(path, i + 1, `${image.file_name} is not found; name its folder with --images`);
      const [x, y, width, height] = annotation.bbox as [number, number, number, number];
      const category = ref.category_id === undefined ? undefined : categories.get(ref.category_id);
      const { segmentation } = annotation;
      const at = join(root, image.file_name);
      return ref.sentences.flatMap(({ sent, raw }): EvalLine[] => {
        const query = (sent ?? raw ?? "").trim();
        if (query === "") return [];
        return [
          {
            image: image.file_name,
            path: at,
            query,
            file: path,
            line: i + 1,
            boxesAs: "x, y, width, height",
            truth: {
              absent: false,
              boxes: [[x, y, x + width, y + height]],
              categories: {
                ...(ref.split !== "" && { split: ref.split }),
                ...(category !== undefined && { category }),
              },
            },
            mask: async () =>
              Array.isArray(segmentation)
                ? await maskFromPolygons(segmentation, image.width, image.height)
                : maskFromRle(segmentation),
          },
        ];
      });
    });
}

const imageFolders = [
  "",
  "images",
  "train2014",
  "images/train2014",
  "images/mscoco/images/train2014",
  "saiapr_tc-12",
];

function imageFolder(folder: string, file: string): string | undefined {
  for (const place of imageFolders) {
    const root = rootOf(folder, join(place, file));
    if (root !== undefined) return join(root, place);
  }
  return undefined;
}

async function unpickle(path: string): Promise<unknown> {
  try {
    return new Parser().parse(await readFile(path));
  } catch (cause) {
    throw invalid(path, 1, `not a pickle that can be read: ${describe(cause)}`, cause);
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw invalid(path, 1, `${issue?.path.slice(0, 3).join(".")}: ${issue?.message}`);
}

export const isRefCoco = (names: readonly string[]): boolean =>
  names.includes("instances.json") && names.some((name) => /^refs.*\.(p|pkl|json)$/.test(name));
