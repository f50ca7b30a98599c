import { Command } from "commander";
import { checkCamera, checkHandEye, checkPlot, parseHandEye } from "../../calibration/index.js";
import { GraspGroundingError } from "../../errors/index.js";
import { compose, type Pose } from "../../geometry/index.js";
import { nonNegative, readText } from "../../system/index.js";

import {
  type CommonOptions,
  print,
  refuseAmbiguous,
  remarks,
  requireCamera,
  say,
  viewTable,
  withSource,
  writePlot,
} from "./common.js";
import { readSet } from "./set.js";
import type { CalibrationSet } from "./types.js";

interface CheckFlags extends CommonOptions {
  readonly handEye?: string;
  readonly maxError?: number;
}

/** `calibrate check` */
export function checkCommand(): Command {
  return withSource(new Command("check"), true)
    .description("reprojection error of a calibration on new images")
    .option("--hand-eye <file>", "check the whole chain robot - camera - target, by this transform")
    .option("--max-error <px>", "end with an error when the error is larger", nonNegative)
    .action(runCheck);
}

async function runCheck(source: string, flags: CheckFlags): Promise<void> {
  const calibration =
    flags.handEye === undefined ? undefined : parseHandEye(await readText(flags.handEye), flags.handEye);
  const set = await readSet(source, flags, calibration !== undefined);
  const camera = requireCamera(set.camera);
  if (set.views.length === 0)
    throw new GraspGroundingError("CALIBRATION_REFUSED", {
      detail: `the target was found in none of ${set.looked} images`,
      remedy: "check that the target's file says what is in the images",
    });
  const lens = checkCamera(
    set.views.map(({ sighting }) => sighting),
    camera,
  );
  if (calibration !== undefined) refuseAmbiguous(set.target);
  const chain =
    calibration &&
    checkHandEye(
      set.views.flatMap(({ sighting, robot }) => (robot === undefined ? [] : [{ sighting, robot }])),
      camera,
      calibration.type,
      opticalTransform(set, calibration),
    );
  const result = chain ?? lens;
  await writePlot(flags.plot, () => checkPlot(result.views));
  if (flags.json)
    print({
      rms_px: result.rms,
      camera_rms_px: lens.rms,
      ...(chain && { chain_mm: 1000 * chain.position }),
      pictures: { looked_at: set.looked, with_target: set.views.length },
      views: result.views,
      notes: set.notes,
    });
  else {
    viewTable(result.views);
    say(`camera: error ${lens.rms.toFixed(3)} px over ${set.views.length} images`);
    if (chain !== undefined)
      say(
        `hand-eye: error ${chain.rms.toFixed(2)} px; the target seems to move by ${(1000 * chain.position).toFixed(2)} mm`,
      );
    remarks(set, [], undefined);
  }
  if (flags.maxError !== undefined && !(result.rms <= flags.maxError))
    throw new GraspGroundingError("CALIBRATION_OFF", {
      found: `${result.rms.toFixed(3)} px`,
      limit: `${flags.maxError} px`,
    });
}

/** The transform of the images' optical frame: the file may be about another frame of the camera. */
function opticalTransform(
  set: CalibrationSet,
  { child, transform }: { child: string; transform: Pose },
): Pose {
  if (set.frameId === undefined || child === set.frameId) return transform;
  const inChild = set.fixed(child, set.frameId);
  if (typeof inChild === "string")
    throw new GraspGroundingError("TF_UNAVAILABLE", { source: set.frameId, target: child, detail: inChild });
  return compose(transform, inChild);
}
