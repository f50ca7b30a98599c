import { createRequire } from "node:module";
import { GraspGroundingError } from "../../errors/index.js";

/** Types of the part of OpenCV's WebAssembly build that is used here: its own types leave the markers out. */
export interface OpenCv {
  readonly Mat: MatConstructor;
  readonly MatVector: new () => CvMatVector;
  readonly aruco_CharucoBoard: new (
    size: CvSize,
    square: number,
    marker: number,
    dictionary: CvDictionary,
    ids: CvMat,
  ) => CvCharucoBoard;
  readonly aruco_CharucoDetector: new (
    board: CvCharucoBoard,
    charuco: CvCharucoParameters,
    detector: CvDetectorParameters,
    refine: CvObject,
  ) => CvCharucoDetector;
  readonly aruco_ArucoDetector: new (
    dictionary: CvDictionary,
    detector: CvDetectorParameters,
    refine: CvObject,
  ) => CvArucoDetector;
  readonly aruco_CharucoParameters: new () => CvCharucoParameters;
  readonly aruco_DetectorParameters: new () => CvDetectorParameters;
  readonly aruco_RefineParameters: new (distance: number, rate: number, allOrders: boolean) => CvObject;
  getPredefinedDictionary(id: number): CvDictionary;
  matFromArray(rows: number, columns: number, type: number, data: ArrayLike<number>): CvMat;
  adaptiveThreshold(
    from: CvMat,
    to: CvMat,
    max: number,
    method: number,
    kind: number,
    block: number,
    c: number,
  ): void;
  threshold(from: CvMat, to: CvMat, threshold: number, max: number, kind: number): number;
  dilate(from: CvMat, to: CvMat, kernel: CvMat, anchor: CvPoint, iterations: number): void;
  bitwise_not(from: CvMat, to: CvMat): void;
  findContours(image: CvMat, contours: CvMatVector, hierarchy: CvMat, mode: number, method: number): void;
  approxPolyDP(curve: CvMat, to: CvMat, epsilon: number, closed: boolean): void;
  arcLength(curve: CvMat, closed: boolean): number;
  contourArea(curve: CvMat, oriented: boolean): number;
  isContourConvex(curve: CvMat): boolean;
  exceptionFromPtr(pointer: number): { readonly msg: string };
  readonly [constant: string]: unknown;
}

export interface CvObject {
  delete(): void;
}

interface MatConstructor {
  new (): CvMat;
  new (rows: number, columns: number, type: number): CvMat;
  ones(rows: number, columns: number, type: number): CvMat;
}

export interface CvMat extends CvObject {
  readonly rows: number;
  readonly cols: number;
  readonly data: Uint8Array;
  readonly data32S: Int32Array;
  readonly data32F: Float32Array;
}

export interface CvMatVector extends CvObject {
  size(): number;
  get(index: number): CvMat;
  push_back(mat: CvMat): void;
}

export interface CvDictionary extends CvObject {
  readonly markerSize: number;
  readonly bytesList: CvMat;
  generateImageMarker(id: number, side: number, to: CvMat, border: number): void;
}

export interface CvCharucoBoard extends CvObject {
  setLegacyPattern(legacy: boolean): void;
}

export interface CvCharucoParameters extends CvObject {
  minMarkers: number;
  tryRefineMarkers: boolean;
  checkMarkers: boolean;
}

export interface CvDetectorParameters extends CvObject {
  cornerRefinementMethod: number;
  /** OpenCV's own spelling. */
  relativeCornerRefinmentWinSize: number;
}

export interface CvCharucoDetector extends CvObject {
  detectBoard(image: CvMat, corners: CvMat, ids: CvMat, markers: CvMatVector, markerIds: CvMat): void;
}

export interface CvArucoDetector extends CvObject {
  detectMarkers(image: CvMat, corners: CvMatVector, ids: CvMat): void;
}

interface CvSize {
  readonly width: number;
  readonly height: number;
}

interface CvPoint {
  readonly x: number;
  readonly y: number;
}

let loaded: Promise<OpenCv> | undefined;

/** OpenCV, loaded once, at the first call: it is 13 MB and takes a fifth of a second. */
export function loadOpenCv(): Promise<OpenCv> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<OpenCv> {
  // Emscripten's start-up code adds handlers that turn any later rejection into an abort of its own.
  const before = { uncaughtException: new Set<unknown>(), unhandledRejection: new Set<unknown>() };
  for (const event of ["uncaughtException", "unhandledRejection"] as const)
    for (const listener of process.rawListeners(event)) before[event].add(listener);
  const module = createRequire(import.meta.url)("@techstark/opencv-js") as
    | OpenCv
    | Promise<OpenCv>
    | { onRuntimeInitialized?: () => void };
  const cv = (module instanceof Promise ? await module : module) as OpenCv & {
    onRuntimeInitialized?: () => void;
  };
  if (cv.Mat === undefined)
    await new Promise<void>((resolve) => {
      cv.onRuntimeInitialized = resolve;
    });
  for (const event of ["uncaughtException", "unhandledRejection"] as const)
    for (const listener of process.rawListeners(event))
      if (!before[event].has(listener)) process.off(event, listener as () => void);
  return cv;
}

/** Numbered constant of OpenCV, e.g. `DICT_5X5_100`. */
export const constant = (cv: OpenCv, name: string): number => {
  const value = cv[name];
  if (typeof value !== "number")
    throw new GraspGroundingError("INTERNAL", { detail: `OpenCV has no ${name}` });
  return value;
};

/** Predefined dictionary by this project's name for it, e.g. `5x5_100` or `apriltag_36h11`. */
export const dictionaryOf = (cv: OpenCv, name: string): CvDictionary =>
  cv.getPredefinedDictionary(
    constant(
      cv,
      name.startsWith("apriltag_") ? `DICT_APRILTAG_${name.slice(9)}` : `DICT_${name.toUpperCase()}`,
    ),
  );

/** Frees the objects made in it: WebAssembly's heap has no garbage collector. */
export class Scope {
  readonly #owned: CvObject[] = [];

  own<T extends CvObject>(object: T): T {
    this.#owned.push(object);
    return object;
  }

  close(): void {
    for (const object of this.#owned.splice(0).reverse()) object.delete();
  }
}

/**
 * Runs `work` and frees the objects that it made.
 * @param where named in the error: the image
 * @throws GraspGroundingError INTERNAL with OpenCV's text; OpenCV itself throws a number
 */
export function scoped<T>(cv: OpenCv, work: (scope: Scope) => T, where = "OpenCV"): T {
  const scope = new Scope();
  try {
    return work(scope);
  } catch (error) {
    if (typeof error !== "number") throw error;
    const detail = `${where}: ${cv.exceptionFromPtr(error).msg}`;
    throw new GraspGroundingError("INTERNAL", { detail }, { cause: error });
  } finally {
    scope.close();
  }
}
