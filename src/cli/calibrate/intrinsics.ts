import { Command, Option } from "commander";
import {
  calibrateIntrinsics,
  cameraInfoYaml,
  type DistortionModel,
  intrinsicsPlot,
} from "../../calibration/index.js";
import type { CameraModel } from "../../geometry/index.js";
import { writeWhole } from "../../system/index.js";
import { type CommonOptions, print, remarks, say, viewTable, withSource, writePlot } from "./common.js";
import { readSet } from "./set.js";

interface IntrinsicsFlags extends CommonOptions {
  readonly model: DistortionModel;
  readonly fixK3?: boolean;
  readonly name: string;
  readonly out?: string;
}

/** `calibrate intrinsics` */
export function intrinsicsCommand(): Command {
  return withSource(new Command("intrinsics"), false)
    .description("camera matrix and distortion, from images of a target")
    .addOption(
      new Option("--model <name>", "distortion model")
        .choices(["plumb_bob", "rational_polynomial", "equidistant"])
        .default("plumb_bob"),
    )
    .option("--fix-k3", "plumb_bob without k3, for narrow lenses or few images")
    .option("--name <camera>", "camera_name in the YAML", "camera")
    .option("--out <file>", "write camera_info YAML")
    .action(async (source: string, flags: IntrinsicsFlags) => {
      const set = await readSet(source, flags, false);
      const sightings = set.views.map(({ sighting }) => sighting);
      const result = calibrateIntrinsics(sightings, {
        model: flags.model,
        ...(flags.fixK3 && { fixK3: true }),
      });
      if (flags.out !== undefined) await writeWhole(flags.out, cameraInfoYaml(result.camera, flags.name));
      await writePlot(flags.plot, () => intrinsicsPlot(sightings, result));
      const { camera, deviations } = result;
      if (flags.json)
        print({
          camera: cameraJson(camera),
          rms_px: result.rms,
          deviation_px: { fx: deviations[0], fy: deviations[1], cx: deviations[2], cy: deviations[3] },
          coverage: result.coverage,
          pictures: { looked_at: set.looked, with_target: set.views.length },
          views: result.views,
          warnings: result.warnings,
          notes: set.notes,
        });
      else {
        viewTable(result.views);
        say(
          `fx ${pm(camera.fx, deviations[0])}  fy ${pm(camera.fy, deviations[1])}  cx ${pm(camera.cx, deviations[2])}  cy ${pm(camera.cy, deviations[3])} px`,
          `${camera.distortion?.model}: ${camera.distortion?.coefficients.map((c) => c.toPrecision(5)).join(" ")}`,
          `error ${result.rms.toFixed(3)} px over ${result.views.filter((v) => v.rejected === undefined).length} images`,
        );
        remarks(set, result.warnings, flags.out);
      }
    });
}

const cameraJson = ({ width, height, fx, fy, cx, cy, distortion }: CameraModel) => ({
  ...{ width, height, fx, fy, cx, cy },
  distortion_model: distortion?.model,
  distortion_coefficients: distortion?.coefficients,
});

const pm = (value: number, deviation: number): string => `${value.toFixed(2)} ± ${deviation.toFixed(2)}`;
