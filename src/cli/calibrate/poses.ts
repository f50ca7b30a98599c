import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { normalizeQuaternion, type Pose } from "../../geometry/index.js";
import { readText } from "../../system/index.js";

const number = z.coerce.number();
const poseRow = z.object({
  image: z.string().min(1),
  x: number,
  y: number,
  z: number,
  qx: number,
  qy: number,
  qz: number,
  qw: number,
});

/** Poses by image: CSV with a header line, or a YAML or JSON list of the same fields. */
export async function readPoses(
  folder: string,
  named: string | undefined,
): Promise<ReadonlyMap<string, Pose>> {
  const path = named ?? (await firstThere(folder, ["poses.csv", "poses.yaml", "poses.yml", "poses.json"]));
  const text = await readText(path);
  const refuse = (detail: string) => new GraspGroundingError("CALIBRATION_POSES", { path, detail });
  let rows: unknown;
  try {
    rows = path.endsWith(".csv") ? readCsv(text) : parseYaml(text);
  } catch (cause) {
    throw refuse(describe(cause));
  }
  const parsed = z.array(poseRow).safeParse(rows);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const [row, field] = issue?.path ?? [];
    throw refuse(
      typeof row === "number" ? `row ${row + 1}, ${String(field)}: ${issue?.message}` : "no list of poses",
    );
  }
  const poses = new Map<string, Pose>();
  for (const { image, x, y, z: height, qx, qy, qz, qw } of parsed.data) {
    const length = Math.hypot(qx, qy, qz, qw);
    if (!(Math.abs(length - 1) < 0.02))
      throw refuse(`${image}: the quaternion has length ${length.toFixed(3)}, not 1`);
    if (!(Math.hypot(x, y, height) < 20)) throw refuse(`${image}: the position is not in metres`);
    if (poses.has(image)) throw refuse(`${image} is there twice`);
    poses.set(image, { position: [x, y, height], orientation: normalizeQuaternion([qx, qy, qz, qw]) });
  }
  return poses;
}

async function firstThere(folder: string, names: readonly string[]): Promise<string> {
  const there = await readdir(folder);
  const found = names.find((name) => there.includes(name));
  if (found === undefined)
    throw new GraspGroundingError("CALIBRATION_POSES", {
      path: folder,
      detail: "there is no poses.csv or poses.yaml",
    });
  return join(folder, found);
}

function readCsv(text: string): Record<string, string>[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const header = (lines.shift() ?? "").split(",").map((name) => name.trim());
  return lines.map((line) => {
    const cells = line.split(",").map((cell) => cell.trim());
    return Object.fromEntries(header.map((name, k) => [name, cells[k] ?? ""]));
  });
}
