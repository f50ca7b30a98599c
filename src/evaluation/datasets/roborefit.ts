import { dirname, join } from "node:path";
import { z } from "zod";
import { invalid, maskFromImage, readJson, rootOf } from "./files.js";
import { shortStrings } from "./jsonl.js";
import type { EvalLine } from "./types.js";

const schema = z.array(
  z.looseObject({
    text: z.string().min(1),
    bbox: z.array(z.number()).length(4),
    rgb_path: z.string().min(1),
    depth_path: z.string().optional(),
    mask_path: z.string().optional(),
  }),
);

/**
 * RoboRefIt (Lu et al., VL-Grasp, 2023): `final_dataset/<split>/roborefit_<split>.json`, a list of {text, bbox as
 * corners, rgb_path, mask_path}; paths from the folder above `final_dataset`, with either kind of slash.
 * @throws GraspGroundingError FILE_MISSING, DATASET_INVALID
 */
export async function readRoboRefIt(path: string): Promise<readonly EvalLine[]> {
  const parsed = schema.safeParse(await readJson(path));
  if (!parsed.success) throw invalid(path, 1, `not RoboRefIt: ${parsed.error.issues[0]?.message}`);
  const slashes = (text: string) => text.replaceAll("\\", "/");
  let root: string | undefined;
  return parsed.data.map(({ text, bbox, rgb_path, depth_path: _depth, mask_path, ...rest }, i) => {
    const image = slashes(rgb_path);
    root ??= rootOf(dirname(path), image);
    if (root === undefined) throw invalid(path, i + 1, `${image} is not found from here upwards`);
    const folder = root;
    const [x1, y1, x2, y2] = bbox as [number, number, number, number];
    return {
      image,
      path: join(folder, image),
      query: text,
      file: path,
      line: i + 1,
      boxesAs: "corners",
      truth: { absent: false, boxes: [[x1, y1, x2, y2]], categories: shortStrings(rest) },
      ...(mask_path !== undefined && { mask: () => maskFromImage(join(folder, slashes(mask_path))) }),
    };
  });
}
