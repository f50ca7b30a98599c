import { dirname, join } from "node:path";
import { z } from "zod";
import { invalid, maskFromImage, readJson, rootOf } from "./files.js";
import type { EvalLine } from "./types.js";

const schema = z.object({
  data: z.array(
    z.looseObject({
      image_filename: z.string().includes(","),
      question: z.string().min(1),
      box: z.array(z.number()).length(4),
      answer: z.number().optional(),
      target: z.string().optional(),
    }),
  ),
});

/**
 * OCID-VLG (Tziafas et al., 2023): `refer/<version>/<split>_expressions.json` with {data: [{image_filename as
 * "sequence,name", question, box as x, y, width, height, answer: the instance's number, target}]}; images in
 * `<sequence>/rgb`, masks in `<sequence>/seg_mask_instances_combi`, both below the data set's root.
 * @throws GraspGroundingError FILE_MISSING, DATASET_INVALID
 */
export async function readOcidVlg(path: string): Promise<readonly EvalLine[]> {
  const parsed = schema.safeParse(await readJson(path));
  if (!parsed.success) throw invalid(path, 1, `not OCID-VLG: ${parsed.error.issues[0]?.message}`);
  let root: string | undefined;
  return parsed.data.data.map(({ image_filename, question, box, answer, target }, i) => {
    const [sequence = "", name = ""] = image_filename.split(",");
    const image = join(sequence, "rgb", name);
    root ??= rootOf(dirname(path), image);
    if (root === undefined) throw invalid(path, i + 1, `${image} is not found from here upwards`);
    const masks = join(root, sequence, "seg_mask_instances_combi", name);
    const [x, y, width, height] = box as [number, number, number, number];
    return {
      image,
      path: join(root, image),
      query: question,
      file: path,
      line: i + 1,
      boxesAs: "x, y, width, height",
      truth: {
        absent: false,
        boxes: [[x, y, x + width, y + height]],
        // Instances are numbered: mug_2 is a mug.
        categories: target === undefined ? {} : { target: target.replace(/_\d+$/, "") },
      },
      ...(answer !== undefined && { mask: () => maskFromImage(masks, answer) }),
    };
  });
}
