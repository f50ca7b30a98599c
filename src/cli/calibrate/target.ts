import { Command } from "commander";
import { stringify } from "yaml";
import {
  drawTarget,
  isAmbiguous,
  parseTarget,
  type Target,
  targetPdf,
  targetSvg,
} from "../../calibration/index.js";
import { usage } from "../../errors/index.js";
import { nonNegative, positive, positiveInteger, writeWhole } from "../../system/index.js";

import { say } from "./common.js";

interface TargetFlags {
  readonly columns?: number;
  readonly rows?: number;
  readonly square?: number;
  readonly marker?: number;
  readonly tag?: number;
  readonly gap?: number;
  readonly dictionary?: string;
  readonly out: string;
}

/** Default targets: each fits on A4. */
const defaultTargets: Readonly<Record<Target["type"], object>> = {
  charuco: { columns: 7, rows: 5, square: 0.032, marker: 0.024, dictionary: "5x5_100" },
  chessboard: { columns: 9, rows: 6, square: 0.022 },
  apriltag: { columns: 6, rows: 4, tag: 0.032, gap: 0.01, dictionary: "apriltag_36h11" },
};

/** `calibrate target` */
export function targetCommand(): Command {
  return new Command("target")
    .description(
      "a target to print (PDF or SVG, to scale), and a YAML file of the same name that describes it",
    )
    .addArgument(new Command().createArgument("<type>").choices(Object.keys(defaultTargets)))
    .option("--columns <n>", "squares (charuco), inner corners (chessboard) or tags along x", positiveInteger)
    .option("--rows <n>", "the same along y", positiveInteger)
    .option("--square <m>", "edge of a square in metres", positive)
    .option("--marker <m>", "edge of a ChArUco marker in metres", positive)
    .option("--tag <m>", "edge of an AprilTag in metres", positive)
    .option("--gap <m>", "gap between AprilTags in metres", nonNegative)
    .option("--dictionary <name>", "e.g. 5x5_100, apriltag_36h11")
    .requiredOption("--out <file>", "file to write (.pdf, .svg)")
    .action(async (type: Target["type"], { out, ...flags }: TargetFlags) => {
      const kind = /\.(pdf|svg)$/i.exec(out)?.[1]?.toLowerCase();
      if (kind === undefined) throw usage("--out must end in .pdf or .svg");
      const target = parseTarget({ type, ...defaultTargets[type], ...flags }, "the target asked for");
      const drawing = await drawTarget(target);
      const yaml = out.replace(/\.\w+$/, ".yaml");
      await writeWhole(out, kind === "pdf" ? await targetPdf(drawing) : targetSvg(drawing));
      await writeWhole(
        yaml,
        `# ${drawing.label.split(". ")[0]}. Lengths in metres: measure the print, and correct them here.\n${stringify(target)}`,
      );
      say(
        `${out}: ${drawing.label.split(". ")[0]}, for ${drawing.paper ?? "a large-format printer"}; print at 100 %, and measure the line below it`,
        `${yaml}: the same for --target`,
      );
      if (isAmbiguous(target))
        say(
          "note: this chessboard looks the same after half a turn; for hand-eye take one with an odd and an even number, or ChArUco",
        );
    });
}
