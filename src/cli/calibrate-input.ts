import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { type BagReader, openBag, recordedTransforms, rgbdFrames } from "../bags/index.js";
import { parseTarget, type Sighting, type Target, TargetDetector } from "../calibration/index.js";
import { describe, GraspGroundingError } from "../errors/index.js";
import {
  type CameraModel,
  type ColourImage,
  type FrameId,
  normalizeQuaternion,
  type Pose,
  type Stamp,
} from "../geometry/index.js";
import type { TfMessage } from "../messages/index.js";
import { TfBuffer } from "../ros/tf-buffer.js";
import { Progress } from "./output.js";
import { readCamera, readColour, readText } from "./pictures.js";

/** What all `calibrate` commands that look at pictures take. */
export interface SourceOptions {
  readonly target: string;
  readonly camera?: string;
  readonly poses?: string;
  readonly base: FrameId;
  readonly tool: FrameId;
  readonly colour?: string;
  readonly every: number;
}

/** A picture that shows the target, and where the tool was. */
export interface CalibrationView {
  readonly sighting: Sighting;
  /** Tool in the base; present whenever robot poses were asked for. */
  readonly robot?: Pose;
}

export interface CalibrationSet {
  readonly target: Target;
  readonly views: readonly CalibrationView[];
  /** From --camera, or the bag's camera info. */
  readonly camera: CameraModel | undefined;
  /** The pictures' frame, where it is known. */
  readonly frameId: FrameId | undefined;
  /** Pictures looked at. */
  readonly looked: number;
  /** What was left out, in words. */
  readonly notes: readonly string[];
  /** Static transform between two frames of the bag. */
  readonly fixed: (target: FrameId, source: FrameId) => Pose | string;
}

/** Most pictures of a bag that are used: more add little and cost time. */
const mostViews = 80;
/** The robot stands when it moves by no more than this from a tenth of a second before a picture to one after. */
const stillMetres = 0.001;
const stillRadians = 0.002;

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
 * The sightings of a bag, or of a folder of pictures (with poses.csv or poses.yaml when the robot's poses are wanted).
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
    return (await isPictureFolder(source))
      ? await readFolder(source, options, robot, target, detector, camera)
      : await readBag(source, options, robot, target, detector, camera);
  } finally {
    detector.close();
  }
}

const picture = /\.(png|jpe?g|webp|tiff?)$/i;

async function isPictureFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return false;
  return (await readdir(path)).some((name) => picture.test(name));
}

async function readFolder(
  folder: string,
  options: SourceOptions,
  robot: boolean,
  target: Target,
  detector: TargetDetector,
  camera: CameraModel | undefined,
): Promise<CalibrationSet> {
  const names = (await readdir(folder))
    .filter((name) => picture.test(name))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const poses = robot ? await readPoses(folder, options.poses) : undefined;
  const views: CalibrationView[] = [];
  const without: string[] = [];
  const progress = new Progress("pictures");
  for (const [k, name] of names.entries()) {
    const pose = poses?.get(name);
    if (poses !== undefined && pose === undefined) without.push(name);
    else {
      const sighting = detector.detect(await readColour(join(folder, name)), name);
      if (sighting !== undefined) views.push({ sighting, ...(pose && { robot: pose }) });
    }
    progress.update(k + 1, names.length);
  }
  progress.done();
  const notes = without.length === 0 ? [] : [`pictures without a pose: ${some(without)}`];
  const unused = [...(poses?.keys() ?? [])].filter((name) => !names.includes(name));
  if (unused.length > 0) notes.push(`poses without a picture: ${some(unused)}`);
  const fixed = () => "a folder of pictures holds no transforms";
  return { target, views, camera, frameId: undefined, looked: names.length, notes, fixed };
}

const some = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}`;

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

/** Poses by picture: CSV with a header line, or a YAML or JSON list of the same fields. */
async function readPoses(folder: string, named: string | undefined): Promise<ReadonlyMap<string, Pose>> {
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

async function readBag(
  path: string,
  options: SourceOptions,
  robot: boolean,
  target: Target,
  detector: TargetDetector,
  given: CameraModel | undefined,
): Promise<CalibrationSet> {
  const bag = await openBag(path);
  try {
    const buffer = new TfBuffer(10);
    await addFixed(bag, buffer);
    const stands = robot ? await standing(bag, buffer, options) : undefined;
    const frames = await rgbdFrames(bag, frameOptions(options));
    const views: CalibrationView[] = [];
    const progress = new Progress("pictures with the target");
    let camera = given;
    let frameId: FrameId | undefined;
    let looked = 0;
    let alike = 0;
    let last: Stamp | undefined;
    for await (const handle of frames) {
      const pose = stands?.poses.get(handle.stamp);
      if (stands !== undefined && pose === undefined) continue;
      if (last !== undefined && Number(handle.stamp - last) / 1e9 < options.every) continue;
      last = handle.stamp;
      const frame = await handle.load();
      camera ??= frame.camera;
      frameId ??= frame.frameId;
      looked++;
      const sighting = detector.detect(frame.colour as ColourImage, timeName(bag, handle.stamp));
      if (sighting === undefined) continue;
      if (views.some((view) => similar(view.sighting, sighting))) alike++;
      else views.push({ sighting, ...(pose && { robot: pose }) });
      progress.update(views.length, undefined);
      if (views.length >= mostViews) break;
    }
    progress.done();
    const notes = [...bag.damage];
    if (alike > 0) notes.push(`pictures like others, left out: ${alike}`);
    if (stands !== undefined && stands.moving > 0)
      notes.push(`pictures taken while the robot moved, left out: ${stands.moving}`);
    if (stands !== undefined && stands.poses.size === 0)
      throw new GraspGroundingError("TF_UNAVAILABLE", {
        source: options.tool,
        target: options.base,
        detail: stands.problem ?? "the robot never stood still for a picture",
      });
    const fixed = (to: FrameId, from: FrameId) => {
      const found = buffer.lookup(to, from, last ?? 0n);
      return found.ok ? found.pose : found.reason;
    };
    return { target, views, camera, frameId, looked, notes, fixed };
  } finally {
    await bag.close();
  }
}

const frameOptions = ({ colour }: SourceOptions) => ({
  depth: false as const,
  ...(colour !== undefined && { colour }),
});

const timeName = (bag: BagReader, stamp: Stamp): string =>
  `${(Number(stamp - (bag.startTime ?? stamp)) / 1e9).toFixed(2)} s`;

async function addFixed(bag: BagReader, buffer: TfBuffer): Promise<void> {
  const topics = bag.topics.filter(({ name }) => name.endsWith("tf_static")).map(({ name }) => name);
  if (topics.length === 0) return;
  for await (const message of bag.messages({ topics })) buffer.add(bag.decode<TfMessage>(message), true);
}

interface Standing {
  /** Tool in base at the pictures for which the robot stood. */
  readonly poses: ReadonlyMap<Stamp, Pose>;
  readonly moving: number;
  readonly problem: string | undefined;
}

/** Where the robot was at each picture; those it moved at are left out: stamps of arm and camera are never quite one clock. */
async function standing(bag: BagReader, buffer: TfBuffer, options: SourceOptions): Promise<Standing> {
  const stamps: { readonly stamp: Stamp; readonly logTime: Stamp }[] = [];
  const frames = await rgbdFrames(bag, frameOptions(options));
  for await (const { stamp, logTime } of frames) stamps.push({ stamp, logTime });
  const poses = new Map<Stamp, Pose>();
  let moving = 0;
  let problem: string | undefined;
  const settle = ({ stamp }: { readonly stamp: Stamp }): void => {
    const now = buffer.lookup(options.base, options.tool, stamp);
    if (!now.ok) {
      problem ??= now.reason;
      return;
    }
    const around = [-100_000_000n, 100_000_000n].map((d) =>
      buffer.lookup(options.base, options.tool, stamp + d),
    );
    const moved = around.some((each) => each.ok && !alikePose(each.pose, now.pose));
    if (moved) moving++;
    else poses.set(stamp, now.pose);
  };
  let next = 0;
  for await (const { logTime, message, isStatic } of recordedTransforms(bag)) {
    if (isStatic) continue;
    while (next < stamps.length && logTime > stamps[next]!.logTime + 1_000_000_000n) settle(stamps[next++]!);
    buffer.add(message, false);
  }
  for (; next < stamps.length; next++) settle(stamps[next]!);
  return { poses, moving, problem };
}

function alikePose(a: Pose, b: Pose): boolean {
  const far = Math.hypot(...a.position.map((value, k) => value - b.position[k]!));
  const cosine = Math.abs(a.orientation.reduce((sum, value, k) => sum + value * b.orientation[k]!, 0));
  return far <= stillMetres && cosine >= Math.cos(stillRadians / 2);
}

/** The same corners within two hundredths of the picture's width: nothing new. */
function similar(a: Sighting, b: Sighting): boolean {
  const at = new Map<string, readonly [number, number]>();
  const keyOf = (s: Sighting, i: number) => `${s.object[3 * i]},${s.object[3 * i + 1]}`;
  for (let i = 0; i < a.pixels.length / 2; i++) at.set(keyOf(a, i), [a.pixels[2 * i]!, a.pixels[2 * i + 1]!]);
  let [sum, count] = [0, 0];
  for (let i = 0; i < b.pixels.length / 2; i++) {
    const other = at.get(keyOf(b, i));
    if (other === undefined) continue;
    sum += Math.hypot(other[0] - b.pixels[2 * i]!, other[1] - b.pixels[2 * i + 1]!);
    count++;
  }
  return count > 0 && sum / count < 0.02 * a.width;
}
