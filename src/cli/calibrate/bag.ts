import { type BagReader, openBag, recordedTransforms, rgbdFrames } from "../../bags/index.js";
import { areAlike, standsStill, type TargetDetector } from "../../calibration/index.js";
import { GraspGroundingError } from "../../errors/index.js";
import type { CameraModel, ColourImage, FrameId, Pose, Stamp } from "../../geometry/index.js";
import { cameraForImage, type TfMessage } from "../../messages/index.js";
import { TfBuffer } from "../../messages/tf-buffer.js";
import { Progress } from "../../system/index.js";
import type { CalibrationSet, CalibrationView, SourceOptions } from "./types.js";

/** Images of a bag that are used at most: more add little and cost time. */
const maxViews = 80;
/**
 * The sightings of a bag. @throws GraspGroundingError of the bag; TF_UNAVAILABLE when the robot stood for no image
 */
export async function readBag(
  path: string,
  options: SourceOptions,
  robot: boolean,
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
    const progress = new Progress("images with the target");
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
      if (given !== undefined) cameraForImage(given, frame.colour);
      camera ??= frame.camera;
      frameId ??= frame.frameId;
      looked++;
      const sighting = detector.detect(frame.colour as ColourImage, timeName(bag, handle.stamp));
      if (sighting === undefined) continue;
      if (views.some((view) => areAlike(view.sighting, sighting))) alike++;
      else views.push({ sighting, ...(pose && { robot: pose }) });
      progress.update(views.length, undefined);
      if (views.length >= maxViews) break;
    }
    progress.done();
    const notes = [...bag.damage];
    if (alike > 0) notes.push(`images like others, skipped: ${alike}`);
    if (stands !== undefined && stands.moving > 0)
      notes.push(`images taken while the robot moved, skipped: ${stands.moving}`);
    if (stands !== undefined && stands.poses.size === 0)
      throw new GraspGroundingError("TF_UNAVAILABLE", {
        source: options.tool,
        target: options.base,
        detail: stands.problem ?? "the robot never stood still for an image",
      });
    const fixed = (to: FrameId, from: FrameId) => {
      const found = buffer.lookup(to, from, last ?? 0n);
      return found.ok ? found.pose : found.reason;
    };
    return { target: detector.target, views, camera, frameId, looked, notes, fixed };
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
  /** Tool in base at the images for which the robot stood. */
  readonly poses: ReadonlyMap<Stamp, Pose>;
  readonly moving: number;
  readonly problem: string | undefined;
}

/**
 * The pose of the robot at each image. Images taken while it moved are skipped, because the stamps of arm and camera
 * do not agree exactly.
 */
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
    const moved = around.some((each) => each.ok && !standsStill(each.pose, now.pose));
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
