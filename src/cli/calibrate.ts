import { Command } from "commander";
import { checkCommand } from "./calibrate/check.js";
import { handEyeCommand } from "./calibrate/hand-eye.js";
import { intrinsicsCommand } from "./calibrate/intrinsics.js";
import { targetCommand } from "./calibrate/target.js";

/** `calibrate`: camera, hand-eye, a check of both, and targets to print. */
export function calibrateCommand(): Command {
  return new Command("calibrate")
    .description("camera and hand-eye calibration")
    .addCommand(intrinsicsCommand())
    .addCommand(handEyeCommand())
    .addCommand(checkCommand())
    .addCommand(targetCommand());
}
