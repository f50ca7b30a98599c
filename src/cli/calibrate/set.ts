import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import { parsePoses, parseTarget, type Target, TargetDetector } from "../../calibration/index.js";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { CameraModel, Pose } from "../../geometry/index.js";
import { cameraForImage } from "../../messages/index.js";
import { readCamera, readColour } from "../../pipeline/index.js";
import { Progress, readText } from "../../system/index.js";
import { readBag } from "./bag.js";
import type { CalibrationSet, CalibrationView, SourceOptions } from "./types.js";

/** @throws GraspGroundingError FILE_*, CALIBRATION_TARGET */
export async function readTarget(path: string): Promise<Target> {
  const text = await readText(path);
  let content: unknown;
  try {
    content = parseYaml(text, { logLevel: "error" });
  } catch (cause) {
    throw new GraspGroundingError("CALIBRATION_TARGET", { path, detail: describe(cause) }, { cause });
  }
  return parseTarget(content, path);
}

/**
 * The sightings of a bag, or of a folder of images (with poses.csv or poses.yaml when the robot's poses are needed).
 * The wiring of bags and image files to calibration lies here, because calibration itself imports neither bags nor
 * pipeline.
 * @throws GraspGroundingError of files, bags, targets and poses
 */
export async function readSet(
  source: string,
  options: SourceOptions,
  robot: boolean,
): Promise<CalibrationSet> {
  const target = await readTarget(options.target);
  const detector = await TargetDetector.create(target);
  try {
    const camera = options.camera === undefined ? undefined : await readCamera(options.camera);
    const set = (await isImageFolder(source))
      ? await readFolder(source, options, robot, detector, camera)
      : await readBag(source, options, robot, detector, camera);
    const notes = detector.note === undefined ? set.notes : [...set.notes, detector.note];
    return { ...set, target: detector.target, notes };
  } finally {
    detector.close();
  }
}

/** The poses of the named file, or of the folder's own. @throws GraspGroundingError FILE_*, CALIBRATION_POSES */
async function readPoses(folder: string, named: string | undefined): Promise<ReadonlyMap<string, Pose>> {
  const names = await readdir(folder);
  const own = ["poses.csv", "poses.yaml", "poses.yml", "poses.json"].find((name) => names.includes(name));
  if (named === undefined && own === undefined)
    throw new GraspGroundingError("CALIBRATION_POSES", {
      path: folder,
      detail: "there is no poses.csv or poses.yaml",
    });
  const path = named ?? join(folder, own as string);
  return parsePoses(await readText(path), path);
}

const image = /\.(png|jpe?g|webp|tiff?)$/i;

async function isImageFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return false;
  return (await readdir(path)).some((name) => image.test(name));
}

async function readFolder(
  folder: string,
  options: SourceOptions,
  robot: boolean,
  detector: TargetDetector,
  camera: CameraModel | undefined,
): Promise<CalibrationSet> {
  const names = (await readdir(folder))
    .filter((name) => image.test(name))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const poses = robot ? await readPoses(folder, options.poses) : undefined;
  const views: CalibrationView[] = [];
  const without: string[] = [];
  const progress = new Progress("images");
  for (const [k, name] of names.entries()) {
    const pose = poses?.get(name);
    if (poses !== undefined && pose === undefined) without.push(name);
    else {
      const colour = await readColour(join(folder, name));
      if (camera !== undefined) cameraForImage(camera, colour);
      const sighting = detector.detect(colour, name);
      if (sighting !== undefined) views.push({ sighting, ...(pose && { robot: pose }) });
    }
    progress.update(k + 1, names.length);
  }
  progress.done();
  const notes = without.length === 0 ? [] : [`images without a pose: ${some(without)}`];
  const unused = [...(poses?.keys() ?? [])].filter((name) => !names.includes(name));
  if (unused.length > 0) notes.push(`poses without an image: ${some(unused)}`);
  const fixed = () => "a folder of images holds no transforms";
  return { target: detector.target, views, camera, frameId: undefined, looked: names.length, notes, fixed };
}

const some = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}`;
