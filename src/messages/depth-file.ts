import sharp, { type Metadata } from "sharp";
import { describe, GraspGroundingError } from "../errors/index.js";
import type { DepthImage } from "../geometry/index.js";
import { checkUnit } from "./depth.js";
import { maxImagePixels } from "./layout.js";
import { tiffFacts } from "./tiff.js";

export interface EncodedDepthOptions {
  /** What the image is called in errors: a path, or the message's format. */
  readonly name: string;
  /**
   * Metres of one unit of the stored values. Default: 0.001 for integers of 16 and 32 bits, 1 for floats; integers of 8
   * bits have no unit of their own and are refused without one.
   */
  readonly metresPerUnit?: number | undefined;
  /** Which damage is refused. Default `error`. */
  readonly failOn?: "error" | "truncated";
}

/** Stored values, one channel, row by row. */
export interface DepthValues {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array;
}

/**
 * Depth in metres from an image file's bytes or path: the stored values as OpenCV's IMREAD_UNCHANGED gives them, times
 * the unit; NaN where a value is 0, negative or not finite.
 * @throws GraspGroundingError IMAGE_UNREADABLE; DEPTH_FORMAT for what holds no depth; DEPTH_UNIT
 */
export async function depthFromEncoded(
  source: string | Uint8Array,
  options: EncodedDepthOptions,
): Promise<DepthImage> {
  const { width, height, data } = await readDepthValues(source, options);
  const float = data instanceof Float32Array;
  if (data instanceof Uint8Array && options.metresPerUnit === undefined)
    throw noDepth(options.name, "8 bits a pixel, of no known unit: name it with --depth-scale");
  const unit = options.metresPerUnit ?? (float ? 1 : 0.001);
  const metres = new Float32Array(data.length);
  for (let i = 0; i < metres.length; i++) {
    const value = data[i]! * unit;
    metres[i] = value > 0 && value < Number.POSITIVE_INFINITY ? value : Number.NaN;
  }
  if (float) checkUnit(metres);
  return { width, height, data: metres };
}

/** @throws GraspGroundingError IMAGE_UNREADABLE, DEPTH_FORMAT */
export async function readDepthValues(
  source: string | Uint8Array,
  { name, failOn = "error" }: EncodedDepthOptions,
): Promise<DepthValues> {
  // Colour profiles must not change the values.
  const open = () => sharp(source, { limitInputPixels: maxImagePixels * 3, failOn, ignoreIcc: true });
  let header: Metadata;
  try {
    header = await open().metadata();
  } catch (error) {
    throw unreadable(name, error);
  }
  const problem = formatProblem(header) ?? (await whiteIsZero(header, source));
  if (problem !== undefined) throw noDepth(name, problem);
  const { space, depth } = header as { space: "b-w" | "grey16"; depth: keyof typeof arrays };
  try {
    const { data, info } = await open()
      .toColourspace(space)
      .raw({ depth })
      .toBuffer({ resolveWithObject: true });
    if ((info.channels as number) !== 1) throw new RangeError("depth has one channel");
    const bytes = data.byteOffset % 8 === 0 ? data : Uint8Array.from(data);
    const { width, height } = info;
    return { width, height, data: new arrays[depth](bytes.buffer, bytes.byteOffset, width * height) };
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** libvips' names of the stored types. */
const arrays = {
  uchar: Uint8Array,
  ushort: Uint16Array,
  short: Int16Array,
  uint: Uint32Array,
  int: Int32Array,
  float: Float32Array,
} as const;

/** Why an image cannot be depth, in words. */
function formatProblem({
  format,
  channels,
  isPalette,
  bitsPerSample,
  depth,
  space,
  pages = 1,
  orientation = 1,
}: Metadata): string | undefined {
  if (format !== "png" && format !== "tiff")
    return `${String(format).toUpperCase()} loses depth; only PNG and TIFF keep it`;
  if (isPalette) return "a colour-mapped image, whose colours are no distances";
  if (channels >= 3) return `a colour image of ${channels} channels; depth has one channel`;
  if (channels === 2) return "2 channels; depth has one channel and no transparency";
  if ((bitsPerSample ?? 8) < 8) return `${bitsPerSample} bits a pixel: a mask`;
  if (!Object.hasOwn(arrays, depth ?? "")) return `values of type ${depth} are not read`;
  if (depth === "float" && bitsPerSample === 16) return "floats of 16 bits, which are not read";
  if (pages > 1) return `${pages} pages; a depth image has one`;
  if (orientation !== 1)
    return `it is to be turned when it is shown (orientation ${orientation}); store it as the camera sees it`;
  if (space !== "b-w" && space !== "grey16") return `its values are ${space}, not grey`;
  return undefined;
}

/** Such integers are stored inverted, and libvips and OpenCV differ in what they give. */
async function whiteIsZero(
  { format, depth }: Metadata,
  source: string | Uint8Array,
): Promise<string | undefined> {
  if (format !== "tiff" || depth === "float") return undefined;
  const { photometric } = await tiffFacts(source);
  return photometric === 0
    ? "its values are inverted (white is zero); store them with black as zero"
    : undefined;
}

const noDepth = (path: string, detail: string): GraspGroundingError =>
  new GraspGroundingError("DEPTH_FORMAT", { path, detail });

const unreadable = (path: string, cause: unknown): GraspGroundingError =>
  new GraspGroundingError("IMAGE_UNREADABLE", { path, detail: describe(cause) }, { cause });

const otherFormats: readonly (readonly [magic: string, name: string])[] = [
  ["\x76\x2f\x31\x01", "an OpenEXR file"],
  ["\x93NUMPY", "a NumPy array"],
  ["Pf", "a PFM file"],
  ["P5", "a PGM file"],
];

/** The name of a format in which people keep depth and which is not read, by the file's first bytes. */
export const unreadDepthFormat = (head: Uint8Array): string | undefined => {
  const text = Buffer.from(head.subarray(0, 8)).toString("latin1");
  return otherFormats.find(([magic]) => text.startsWith(magic))?.[1];
};
