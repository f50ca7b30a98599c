import type { ColourImage } from "../../geometry/index.js";
import type { Sighting } from "../types.js";
import { findChessboard } from "./chessboard.js";
import { requireMarkers } from "./markers.js";
import {
  type CvArucoDetector,
  type CvCharucoDetector,
  type CvMat,
  constant,
  dictionaryOf,
  loadOpenCv,
  type OpenCv,
  Scope,
  scoped,
} from "./opencv.js";
import { type Target, targetPoint, targetSize } from "./targets.js";

/** Fewer points than this of a target are no sighting. */
const minPoints = 6;

/**
 * Finds one kind of target in images, by OpenCV (WebAssembly). A ChArUco board with an even number of rows has one of
 * two layouts, that of OpenCV before 4.6 or that since. As long as the target's own is not found, the other one is
 * tried as well.
 */
export class TargetDetector {
  #target: Target;
  readonly #cv: OpenCv;
  readonly #scope = new Scope();
  #charuco: CvCharucoDetector | undefined;
  /** The other layout, until it is known which one the images show. */
  #other: { readonly target: Target; readonly detector: CvCharucoDetector } | undefined;
  #note: string | undefined;
  readonly #markers: CvArucoDetector | undefined;

  private constructor(cv: OpenCv, target: Target) {
    this.#cv = cv;
    this.#target = target;
    if (target.type === "apriltag") this.#markers = this.#markerDetector(target);
    else this.#charuco = this.#boardDetector(target);
    if (target.type === "charuco" && target.rows % 2 === 0) {
      const other = { ...target, legacy: !target.legacy };
      this.#other = { target: other, detector: this.#boardDetector(other) };
    }
  }

  /** @throws GraspGroundingError CALIBRATION_TARGET when the dictionary has too few markers for the board */
  static async create(target: Target): Promise<TargetDetector> {
    const cv = await loadOpenCv();
    requireMarkers(cv, target);
    return new TargetDetector(cv, target);
  }

  /** The target as the images show it: its `legacy` is the other one's where only that layout was found. */
  get target(): Target {
    return this.#target;
  }

  /** Present when the images show the other layout than the target's file says. */
  get note(): string | undefined {
    return this.#note;
  }

  /** @returns undefined when the target, or enough of it, is not in the image */
  detect(image: ColourImage, name: string): Sighting | undefined {
    return scoped(this.#cv, (scope) => this.#detect(image, name, scope), name);
  }

  close(): void {
    this.#scope.close();
  }

  #detect(image: ColourImage, name: string, scope: Scope): Sighting | undefined {
    const grey = scope.own(new this.#cv.Mat(image.height, image.width, constant(this.#cv, "CV_8UC1")));
    toGrey(image, grey.data);
    const found = this.#markers !== undefined ? this.#tags(grey, scope) : this.#board(grey, scope);
    if (found === undefined || !this.#isEnough(found)) return undefined;
    const object = new Float64Array(found.ids.length * 3);
    for (const [k, id] of found.ids.entries()) object.set(targetPoint(this.#target, id), 3 * k);
    return {
      name,
      width: image.width,
      height: image.height,
      object,
      pixels: Float64Array.from(found.pixels),
    };
  }

  #isEnough({ ids }: Found): boolean {
    return ids.length >= Math.min(minPoints, targetSize(this.#target));
  }

  #board(grey: CvMat, scope: Scope): Found | undefined {
    const found = this.#corners(grey, scope, this.#charuco!);
    const other = this.#other;
    if (other === undefined) return found;
    if (found !== undefined && this.#isEnough(found)) {
      this.#other = undefined;
      return found;
    }
    const otherFound = this.#corners(grey, scope, other.detector);
    if (otherFound === undefined || !this.#isEnough(otherFound)) return found;
    this.#charuco = other.detector;
    this.#target = other.target;
    this.#other = undefined;
    const legacy = other.target.type === "charuco" && other.target.legacy;
    this.#note = legacy
      ? "the board has the layout of OpenCV before 4.6: write `legacy: true` into the target's file"
      : "the board has the layout of OpenCV since 4.6: write `legacy: false` into the target's file";
    return otherFound;
  }

  #boardDetector(target: Exclude<Target, { type: "apriltag" }>): CvCharucoDetector {
    const cv = this.#cv;
    const own = this.#scope.own.bind(this.#scope);
    const charuco = target.type === "charuco";
    const dictionary = own(dictionaryOf(cv, charuco ? target.dictionary : "4x4_1000"));
    const extra = charuco ? 0 : 1;
    const size = { width: target.columns + extra, height: target.rows + extra };
    const marker = charuco ? target.marker : target.square / 2;
    const board = own(new cv.aruco_CharucoBoard(size, target.square, marker, dictionary, own(new cv.Mat())));
    if (charuco && target.legacy) board.setLegacyPattern(true);
    const parameters = own(new cv.aruco_CharucoParameters());
    parameters.tryRefineMarkers = charuco;
    parameters.checkMarkers = charuco;
    return own(
      new cv.aruco_CharucoDetector(
        board,
        parameters,
        own(new cv.aruco_DetectorParameters()),
        own(new cv.aruco_RefineParameters(10, 3, true)),
      ),
    );
  }

  #markerDetector({ dictionary }: Extract<Target, { type: "apriltag" }>): CvArucoDetector {
    const cv = this.#cv;
    const own = this.#scope.own.bind(this.#scope);
    const parameters = own(new cv.aruco_DetectorParameters());
    parameters.cornerRefinementMethod = constant(cv, "CORNER_REFINE_SUBPIX");
    // The whole width of the black border: OpenCV's third of it is a pixel or two, too few to average noise over.
    parameters.relativeCornerRefinmentWinSize = 1;
    return own(
      new cv.aruco_ArucoDetector(
        own(dictionaryOf(cv, dictionary)),
        parameters,
        own(new cv.aruco_RefineParameters(10, 3, true)),
      ),
    );
  }

  #corners(grey: CvMat, scope: Scope, detector: CvCharucoDetector): Found | undefined {
    const cv = this.#cv;
    const target = this.#target;
    const corners = scope.own(new cv.Mat());
    const ids = scope.own(new cv.Mat());
    const markers = scope.own(new cv.MatVector());
    let markerIds = scope.own(new cv.Mat());
    let total = Infinity;
    if (target.type === "chessboard") {
      const grid = findChessboard(cv, grey, target.columns, target.rows);
      if (grid === undefined) return undefined;
      // OpenCV refines a board's corners next to its markers, so a chessboard gets markers inside its squares.
      for (const quad of grid.markers)
        markers.push_back(scope.own(cv.matFromArray(1, 4, constant(cv, "CV_32FC2"), quad)));
      const numbers = grid.markers.map((_, k) => k);
      markerIds = scope.own(cv.matFromArray(numbers.length, 1, constant(cv, "CV_32SC1"), numbers));
      total = target.columns * target.rows;
    }
    detector.detectBoard(grey, corners, ids, markers, markerIds);
    const found = { ids: Array.from(ids.data32S), pixels: Array.from(corners.data32F) };
    return target.type === "chessboard" && found.ids.length < total ? undefined : found;
  }

  #tags(grey: CvMat, scope: Scope): Found {
    const cv = this.#cv;
    const target = this.#target as Extract<Target, { type: "apriltag" }>;
    const corners = scope.own(new cv.MatVector());
    const ids = scope.own(new cv.Mat());
    this.#markers!.detectMarkers(grey, corners, ids);
    const found: { ids: number[]; pixels: number[] } = { ids: [], pixels: [] };
    for (let k = 0; k < corners.size(); k++) {
      const quad = scope.own(corners.get(k)).data32F;
      const tag = ids.data32S[k]! - target.first_id;
      if (tag < 0 || tag >= target.columns * target.rows) continue;
      for (let corner = 0; corner < 4; corner++) {
        found.ids.push(4 * tag + corner);
        found.pixels.push(quad[2 * corner]!, quad[2 * corner + 1]!);
      }
    }
    return found;
  }
}

interface Found {
  readonly ids: readonly number[];
  readonly pixels: readonly number[];
}

/** Luma of ITU-R BT.601, as OpenCV's own conversion. */
function toGrey({ data }: ColourImage, to: Uint8Array): void {
  for (let i = 0, o = 0; i < to.length; i++, o += 3)
    to[i] = Math.round(0.299 * data[o]! + 0.587 * data[o + 1]! + 0.114 * data[o + 2]!);
}
