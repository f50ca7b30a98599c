import { mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { drawTarget, type Target, targetSvg } from "../../src/calibration/index.js";
import { type CameraModel, matrixFromQuaternion, type Pose } from "../../src/geometry/index.js";
import { runOpencv } from "./opencv4.js";

/** Pixels of the rastered page for each metre of paper. */
const pixelsPerMetre = 6000;

export interface RenderedImages {
  readonly files: readonly string[];
  /** OpenCV's own findChessboardCornersSB on each image; null where it found none. */
  readonly chessboard: readonly ([number, number][] | null)[];
}

/** Prints the target on a page and has OpenCV render what a camera sees of it. `poses`: the target in the camera. */
export async function renderTarget(
  folder: string,
  target: Target,
  camera: CameraModel,
  poses: readonly Pose[],
  name: (index: number) => string = (k) => `${target.type}-${String(k).padStart(3, "0")}.png`,
): Promise<RenderedImages> {
  const drawing = await drawTarget(target);
  mkdirSync(join(folder, "page"), { recursive: true });
  const page = join(folder, "page", `${target.type}.png`);
  await sharp(Buffer.from(targetSvg(drawing)), { density: 150, limitInputPixels: false })
    .resize({
      width: Math.round(drawing.width * pixelsPerMetre),
      fit: "fill",
      height: Math.round(drawing.height * pixelsPerMetre),
    })
    .greyscale()
    .png({ compressionLevel: 1 })
    .toFile(page);
  const corner = drawing.ruler.x;
  const top = Math.min(...drawing.black.map(([, y]) => y));
  const inner = target.type === "chessboard" ? target.square : 0;
  const { fx, fy, cx, cy, width, height, distortion } = camera;
  const files = poses.map((_, k) => join(folder, name(k)));
  const said = runOpencv<{ chessboard: ([number, number][] | null)[] }>("render_target.py", [], {
    page,
    pixels_per_metre: pixelsPerMetre,
    origin: [corner + inner, top + inner],
    camera: {
      width,
      height,
      k: [fx, 0, cx, 0, fy, cy, 0, 0, 1],
      d: distortion?.coefficients ?? [0, 0, 0, 0],
      model: distortion?.model ?? "plumb_bob",
    },
    views: poses.map((pose, k) => ({
      r: matrixFromQuaternion(pose.orientation),
      t: pose.position,
      out: files[k],
    })),
    ...(target.type === "chessboard" && { chessboard: [target.columns, target.rows] }),
  });
  return { files, ...said };
}
