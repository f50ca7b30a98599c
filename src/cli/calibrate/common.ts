import type { Command } from "commander";
import sharp from "sharp";
import { isAmbiguous, type Target, type ViewError } from "../../calibration/index.js";
import { GraspGroundingError, usage } from "../../errors/index.js";
import type { CameraModel } from "../../geometry/index.js";
import { table } from "../../report/text-table.js";
import { nonNegative, writeWhole } from "../../system/index.js";

import type { CalibrationSet, SourceOptions } from "./types.js";

const sourceHelp = "a bag, or a folder of images";

export function withSource(command: Command, robot: boolean): Command {
  command
    .argument("<source>", sourceHelp)
    .requiredOption("--target <file>", "the target's YAML, as `calibrate target` writes it")
    .option("--colour <topic>", "colour topic of a bag, when the guess is wrong")
    .option("--every <s>", "least time between images of a bag", nonNegative, 0.2)
    .option("--plot <file>", "write a plot of the errors (.svg, .png)")
    .option("--json", "print JSON");
  if (robot)
    command
      .option("--camera <file>", "camera_info YAML (default: the bag's own)")
      .option(
        "--poses <file>",
        "tool in base for each image of a folder: CSV or YAML of image,x,y,z,qx,qy,qz,qw (default: its poses.csv)",
      )
      .option("--base <frame>", "frame of the robot's base", "base_link")
      .option("--tool <frame>", "frame of the tool that moves", "tool0");
  return command;
}

export interface CommonOptions extends SourceOptions {
  readonly plot?: string;
  readonly json?: boolean;
}

export function refuseAmbiguous(target: Target): void {
  if (!isAmbiguous(target)) return;
  throw new GraspGroundingError("CALIBRATION_REFUSED", {
    detail: `a chessboard of ${target.columns}×${target.rows} corners looks the same after half a turn`,
    remedy: "use ChArUco, or a chessboard with an odd and an even number of corners",
  });
}

export function requireCamera(camera: CameraModel | undefined): CameraModel {
  if (camera !== undefined) return camera;
  throw usage("there is no camera info: give --camera, as `calibrate intrinsics --out` writes it");
}

export async function writePlot(path: string | undefined, plot: () => string): Promise<void> {
  if (path === undefined) return;
  if (/\.svg$/i.test(path)) await writeWhole(path, plot());
  else if (/\.png$/i.test(path))
    await writeWhole(path, await sharp(Buffer.from(plot()), { density: 96 }).png().toBuffer());
  else throw usage("--plot must end in .svg or .png");
}

export function viewTable(views: readonly ViewError[]): void {
  const rows = views.map(({ name, corners, rms, max, rejected }) => [
    ...[name, corners, rejected ? "" : rms.toFixed(3), rejected ? "" : max.toFixed(2), rejected ?? ""],
  ]);
  process.stdout.write(`${table(["image", "corners", "rms px", "max px", "rejected"], rows)}\n\n`);
}

export function remarks(set: CalibrationSet, warnings: readonly string[], out: string | undefined): void {
  say(...set.notes.map((note) => `note: ${note}`), ...warnings.map((warning) => `warning: ${warning}`));
  if (out !== undefined) say(`written: ${out}`);
}

export const print = (value: object): void =>
  void process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
export const say = (...lines: string[]): void => {
  for (const line of lines) process.stdout.write(`${line}\n`);
};
export const round = (value: number): number => Number(value.toPrecision(4));
