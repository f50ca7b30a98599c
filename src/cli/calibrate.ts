import { Command, Option } from "commander";
import sharp from "sharp";
import { stringify } from "yaml";
import {
  calibrateHandEye,
  calibrateIntrinsics,
  cameraInfoYaml,
  checkCamera,
  checkHandEye,
  checkPlot,
  type DistortionModel,
  drawTarget,
  type HandEyeType,
  handEyePlot,
  handEyeYaml,
  intrinsicsPlot,
  isAmbiguous,
  parseHandEye,
  parseTarget,
  type Target,
  targetPdf,
  targetPose,
  targetSvg,
  type ViewError,
} from "../calibration/index.js";
import { GraspGroundingError } from "../errors/index.js";
import { type CameraModel, compose, type Pose } from "../geometry/index.js";
import { type CalibrationSet, readSet, type SourceOptions } from "./calibrate-input.js";
import { table, writeWhole } from "./output.js";
import { readText } from "./pictures.js";
import { nonNegative, positiveInteger, usage } from "./pipeline.js";

/** `calibrate`: camera, hand-eye, a check of both, and targets to print. */
export function calibrateCommand(): Command {
  return new Command("calibrate")
    .description("camera and hand-eye calibration")
    .addCommand(intrinsicsCommand())
    .addCommand(handEyeCommand())
    .addCommand(checkCommand())
    .addCommand(targetCommand());
}

const sourceHelp = "a bag, or a folder of pictures";

function withSource(command: Command, robot: boolean): Command {
  command
    .argument("<source>", sourceHelp)
    .requiredOption("--target <file>", "the target's YAML, as `calibrate target` writes it")
    .option("--colour <topic>", "colour topic of a bag, when the guess is wrong")
    .option("--every <s>", "least time between pictures of a bag", nonNegative, 0.2)
    .option("--plot <file>", "write a plot of the errors (.svg, .png)")
    .option("--json", "print JSON");
  if (robot)
    command
      .option("--camera <file>", "camera_info YAML (default: the bag's own)")
      .option(
        "--poses <file>",
        "tool in base for each picture of a folder: CSV or YAML of image,x,y,z,qx,qy,qz,qw (default: its poses.csv)",
      )
      .option("--base <frame>", "frame of the robot's base", "base_link")
      .option("--tool <frame>", "frame of the tool that moves", "tool0");
  return command;
}

interface CommonOptions extends SourceOptions {
  readonly plot?: string;
  readonly json?: boolean;
}

interface IntrinsicsFlags extends CommonOptions {
  readonly model: DistortionModel;
  readonly fixK3?: boolean;
  readonly name: string;
  readonly out?: string;
}

function intrinsicsCommand(): Command {
  return withSource(new Command("intrinsics"), false)
    .description("camera matrix and distortion, from pictures of a target")
    .addOption(
      new Option("--model <name>", "distortion model")
        .choices(["plumb_bob", "rational_polynomial", "equidistant"])
        .default("plumb_bob"),
    )
    .option("--fix-k3", "plumb_bob without k3, for narrow lenses or few pictures")
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
          `error ${result.rms.toFixed(3)} px over ${result.views.filter((v) => v.rejected === undefined).length} pictures`,
        );
        remarks(set, result.warnings, flags.out);
      }
    });
}

interface HandEyeFlags extends CommonOptions {
  readonly type: "eye-in-hand" | "eye-to-hand";
  readonly child?: string;
  readonly out?: string;
}

function handEyeCommand(): Command {
  return withSource(new Command("hand-eye"), true)
    .description("where the camera sits on the hand, or stands in the robot's base")
    .addOption(
      new Option(
        "--type <which>",
        "camera on the tool, or fixed beside the robot with the target on the tool",
      )
        .choices(["eye-in-hand", "eye-to-hand"])
        .makeOptionMandatory(),
    )
    .option(
      "--child <frame>",
      "camera frame in the result (default: the pictures' optical frame; another needs the bag's /tf_static)",
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
  process.stdout.write(`${table(["picture", "mm", "deg", "px", "left out"], rows)}\n\n`);
  const { position: p, orientation: q } = transform;
  say(
    `${child} in ${parent}:`,
    `  position     ${p.map((v) => v.toFixed(5)).join(" ")} m (± ${quality.deviation_mm} mm by noise alone)`,
    `  orientation  ${q.map((v) => v.toFixed(6)).join(" ")} x y z w (± ${quality.deviation_deg} degrees)`,
    `error ${quality.rms_mm} mm, ${quality.rms_deg} degrees${quality.rms_px === undefined ? "" : `, ${quality.rms_px} px`} over ${quality.pictures} pictures`,
    `the tool turned by ${result.observability.rotation.map((v) => v.toFixed(0)).join(", ")} degrees rms about x, y, z`,
  );
  remarks(set, result.warnings, flags.out);
}

/** The transform for another frame of the camera, e.g. camera_link: TF gives a frame one parent only. */
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
  // A child that moves against the camera (the tool, say) would make a transform that holds at one moment only.
  if (child === flags.tool || child === flags.base)
    throw usage(`--child ${child} is not a frame of the camera`);
  return compose(transform, inOptical);
}

interface CheckFlags extends CommonOptions {
  readonly handEye?: string;
  readonly maxError?: number;
}

function checkCommand(): Command {
  return withSource(new Command("check"), true)
    .description("reprojection error of a calibration on new pictures")
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
      detail: `the target was found in none of ${set.looked} pictures`,
      remedy: "check that the target's file says what is in the pictures",
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
    say(`camera: error ${lens.rms.toFixed(3)} px over ${set.views.length} pictures`);
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

/** The transform of the pictures' optical frame: the file may be about another frame of the camera. */
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

/** What is printed when nothing is said: each fits on A4. */
const usual: Readonly<Record<Target["type"], object>> = {
  charuco: { columns: 7, rows: 5, square: 0.032, marker: 0.024, dictionary: "5x5_100" },
  chessboard: { columns: 9, rows: 6, square: 0.022 },
  apriltag: { columns: 6, rows: 4, tag: 0.032, gap: 0.01, dictionary: "apriltag_36h11" },
};

function targetCommand(): Command {
  return new Command("target")
    .description("a target to print (PDF or SVG, to scale), and the YAML that describes it beside it")
    .addArgument(new Command().createArgument("<type>").choices(Object.keys(usual)))
    .option("--columns <n>", "squares (charuco), inner corners (chessboard) or tags along x", positiveInteger)
    .option("--rows <n>", "the same along y", positiveInteger)
    .option("--square <m>", "edge of a square in metres", nonNegative)
    .option("--marker <m>", "edge of a ChArUco marker in metres", nonNegative)
    .option("--tag <m>", "edge of an AprilTag in metres", nonNegative)
    .option("--gap <m>", "gap between AprilTags in metres", nonNegative)
    .option("--dictionary <name>", "e.g. 5x5_100, apriltag_36h11")
    .requiredOption("--out <file>", "file to write (.pdf, .svg)")
    .action(async (type: Target["type"], { out, ...flags }: TargetFlags) => {
      const kind = /\.(pdf|svg)$/i.exec(out)?.[1]?.toLowerCase();
      if (kind === undefined) throw usage("--out must end in .pdf or .svg");
      const target = parseTarget({ type, ...usual[type], ...flags }, "the target asked for");
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

function refuseAmbiguous(target: Target): void {
  if (!isAmbiguous(target)) return;
  throw new GraspGroundingError("CALIBRATION_REFUSED", {
    detail: `a chessboard of ${target.columns}×${target.rows} corners looks the same after half a turn`,
    remedy: "use ChArUco, or a chessboard with an odd and an even number of corners",
  });
}

function requireCamera(camera: CameraModel | undefined): CameraModel {
  if (camera !== undefined) return camera;
  throw usage("there is no camera info: give --camera, as `calibrate intrinsics --out` writes it");
}

async function writePlot(path: string | undefined, plot: () => string): Promise<void> {
  if (path === undefined) return;
  if (/\.svg$/i.test(path)) await writeWhole(path, plot());
  else if (/\.png$/i.test(path))
    await writeWhole(path, await sharp(Buffer.from(plot()), { density: 96 }).png().toBuffer());
  else throw usage("--plot must end in .svg or .png");
}

function viewTable(views: readonly ViewError[]): void {
  const rows = views.map(({ name, corners, rms, max, rejected }) => [
    ...[name, corners, rejected ? "" : rms.toFixed(3), rejected ? "" : max.toFixed(2), rejected ?? ""],
  ]);
  process.stdout.write(`${table(["picture", "corners", "rms px", "max px", "left out"], rows)}\n\n`);
}

function remarks(set: CalibrationSet, warnings: readonly string[], out: string | undefined): void {
  say(...set.notes.map((note) => `note: ${note}`), ...warnings.map((warning) => `warning: ${warning}`));
  if (out !== undefined) say(`written: ${out}`);
}

const cameraJson = ({ width, height, fx, fy, cx, cy, distortion }: CameraModel) => ({
  ...{ width, height, fx, fy, cx, cy },
  distortion_model: distortion?.model,
  distortion_coefficients: distortion?.coefficients,
});

const print = (value: object): void => void process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
const say = (...lines: string[]): void => {
  for (const line of lines) process.stdout.write(`${line}\n`);
};
const pm = (value: number, deviation: number): string => `${value.toFixed(2)} ± ${deviation.toFixed(2)}`;
const round = (value: number): number => Number(value.toPrecision(4));
