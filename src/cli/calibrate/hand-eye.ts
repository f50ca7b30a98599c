import { Command, Option } from "commander";
import {
  calibrateHandEye,
  type HandEyeType,
  handEyePlot,
  handEyeYaml,
  targetPose,
} from "../../calibration/index.js";
import { GraspGroundingError, usage } from "../../errors/index.js";
import { compose, type Pose } from "../../geometry/index.js";
import { table } from "../../report/text-table.js";
import { writeWhole } from "../../system/index.js";

import {
  type CommonOptions,
  print,
  refuseAmbiguous,
  remarks,
  requireCamera,
  round,
  say,
  withSource,
  writePlot,
} from "./common.js";
import { readSet } from "./set.js";
import type { CalibrationSet } from "./types.js";

interface HandEyeFlags extends CommonOptions {
  readonly type: "eye-in-hand" | "eye-to-hand";
  readonly child?: string;
  readonly out?: string;
}

/** `calibrate hand-eye` */
export function handEyeCommand(): Command {
  return withSource(new Command("hand-eye"), true)
    .description("where the camera sits on the hand, or stands in the robot's base")
    .addOption(
      new Option(
        "--type <which>",
        "camera on the tool, or fixed in the robot's base with the target on the tool",
      )
        .choices(["eye-in-hand", "eye-to-hand"])
        .makeOptionMandatory(),
    )
    .option(
      "--child <frame>",
      "camera frame in the result (default: the images' optical frame; another needs the bag's /tf_static)",
    )
    .option("--out <file>", "write the transform's YAML")
    .action(runHandEye);
}

async function runHandEye(source: string, flags: HandEyeFlags): Promise<void> {
  const type = flags.type.replaceAll("-", "_") as HandEyeType;
  const set = await readSet(source, flags, true);
  refuseAmbiguous(set.target);
  const camera = requireCamera(set.camera);
  const views = set.views.flatMap(({ sighting, robot }) => {
    const target = targetPose(sighting, camera);
    return target === undefined || robot === undefined
      ? []
      : [{ name: sighting.name, sighting, robot, target }];
  });
  const result = calibrateHandEye(views, { type, camera });
  const optical = set.frameId ?? "camera_color_optical_frame";
  const child = flags.child ?? optical;
  const transform = placeChild(set, result.transform, optical, child, flags);
  const parent = type === "eye_in_hand" ? flags.tool : flags.base;
  const quality = {
    pictures: result.views.filter((view) => view.rejected === undefined).length,
    rms_mm: round(1000 * result.rms.position),
    rms_deg: round(result.rms.rotation),
    ...(result.rms.pixels !== undefined && { rms_px: round(result.rms.pixels) }),
    deviation_mm: round(1000 * result.deviation.position),
    deviation_deg: round(result.deviation.rotation),
  };
  if (flags.out !== undefined)
    await writeWhole(flags.out, handEyeYaml({ type, parent, child, transform }, quality));
  await writePlot(flags.plot, () => handEyePlot(result));
  if (flags.json) {
    print({
      type,
      parent_frame: parent,
      child_frame: child,
      position: transform.position,
      orientation: transform.orientation,
      target: { position: result.target.position, orientation: result.target.orientation },
      ...quality,
      rotation_deg: result.observability.rotation,
      views: result.views.map(({ name, position, rotation, rms, rejected }) => ({
        ...{ name, position_mm: 1000 * position, rotation_deg: rotation, rms_px: rms, rejected },
      })),
      warnings: result.warnings,
      notes: set.notes,
    });
    return;
  }
  const rows = result.views.map(({ name, position, rotation, rms, rejected }) => [
    ...[name, (1000 * position).toFixed(2), rotation.toFixed(3), rms?.toFixed(2), rejected ?? ""],
  ]);
  process.stdout.write(`${table(["image", "mm", "deg", "px", "rejected"], rows)}\n\n`);
  const { position: p, orientation: q } = transform;
  say(
    `${child} in ${parent}:`,
    `  position     ${p.map((v) => v.toFixed(5)).join(" ")} m (± ${quality.deviation_mm} mm by noise alone)`,
    `  orientation  ${q.map((v) => v.toFixed(6)).join(" ")} x y z w (± ${quality.deviation_deg} degrees)`,
    `error ${quality.rms_mm} mm, ${quality.rms_deg} degrees${quality.rms_px === undefined ? "" : `, ${quality.rms_px} px`} over ${quality.pictures} images`,
    `the tool turned by ${result.observability.rotation.map((v) => v.toFixed(0)).join(", ")} degrees rms about x, y, z`,
  );
  remarks(set, result.warnings, flags.out);
}

/** The transform for another frame of the camera, e.g. camera_link: in TF a frame has one parent. */
function placeChild(
  set: CalibrationSet,
  transform: Pose,
  optical: string,
  child: string,
  flags: HandEyeFlags,
): Pose {
  if (child === optical || set.frameId === undefined) return transform;
  const inOptical = set.fixed(optical, child);
  if (typeof inOptical === "string")
    throw new GraspGroundingError("TF_UNAVAILABLE", { source: child, target: optical, detail: inOptical });
  // A child that moves relative to the camera (the tool, say) would give a transform that holds at one moment only.
  if (child === flags.tool || child === flags.base)
    throw usage(`--child ${child} is not a frame of the camera`);
  return compose(transform, inOptical);
}
