import { z } from "zod";
import { describe, GraspGroundingError } from "../../errors/index.js";

const count = z.int().min(1).max(100);
const length = z.number().positive().max(10);

/** Marker dictionaries of OpenCV. */
const markerSizes = ["4x4", "5x5", "6x6", "7x7"];
const dictionaries = [
  ...markerSizes.flatMap((size) => ["50", "100", "250", "1000"].map((n) => `${size}_${n}`)),
  "apriltag_16h5",
  "apriltag_25h9",
  "apriltag_36h10",
  "apriltag_36h11",
] as const;

const targetSchema = z.discriminatedUnion("type", [
  z
    .strictObject({
      type: z.literal("charuco"),
      /** Squares along x and y. */
      columns: count.min(3),
      rows: count.min(3),
      /** Edge of a square and of a marker, in metres, as measured on paper. */
      square: length,
      marker: length,
      dictionary: z.enum(dictionaries),
      /** The layout in which OpenCV before 4.6 printed boards with an even number of rows. */
      legacy: z.boolean().default(false),
    })
    .refine(({ marker, square }) => marker < square, "the marker must be smaller than the square"),
  z.strictObject({
    type: z.literal("chessboard"),
    /** Inner corners along x and y, as OpenCV and ROS count. */
    columns: count.min(3),
    rows: count.min(3),
    square: length,
  }),
  z.strictObject({
    type: z.literal("apriltag"),
    /** Tags along x and y, numbered row by row. */
    columns: count,
    rows: count,
    /** Edge of a tag's black square and the gap between two, in metres. */
    tag: length,
    gap: length,
    dictionary: z.enum(dictionaries).default("apriltag_36h11"),
    first_id: z.int().min(0).default(0),
  }),
]);

/** A flat calibration target; lengths in metres. */
export type Target = z.infer<typeof targetSchema>;

/**
 * Checks the parsed content of a target file (YAML or JSON).
 * @throws GraspGroundingError CALIBRATION_TARGET
 */
export function parseTarget(content: unknown, path: string): Target {
  const parsed = targetSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const detail = parsed.error.issues
    .map((issue) => [issue.path.join("."), issue.message].filter((part) => part !== "").join(": "))
    .join("; ");
  throw new GraspGroundingError("CALIBRATION_TARGET", { path, detail: describe(detail) });
}

/** Whether the target looks the same after half a turn, so that its orientation is not known. */
export const isAmbiguous = (target: Target): boolean =>
  target.type === "chessboard" && (target.columns + target.rows) % 2 === 0;

/** Points a target has. */
export function targetSize(target: Target): number {
  if (target.type === "charuco") return (target.columns - 1) * (target.rows - 1);
  return target.columns * target.rows * (target.type === "apriltag" ? 4 : 1);
}

/**
 * The point of an id, in the target's frame: x right, y down from its first point, z = 0. For tags: 4 · tag +
 * corner.
 */
export function targetPoint(target: Target, id: number): readonly [number, number, number] {
  const { columns } = target;
  if (target.type === "charuco") {
    const c = columns - 1;
    return [((id % c) + 1) * target.square, (Math.floor(id / c) + 1) * target.square, 0];
  }
  if (target.type === "chessboard")
    return [(id % columns) * target.square, Math.floor(id / columns) * target.square, 0];
  const tag = id >> 2;
  const corner = id & 3;
  const pitch = target.tag + target.gap;
  const right = corner === 1 || corner === 2 ? target.tag : 0;
  const down = corner >= 2 ? target.tag : 0;
  return [(tag % columns) * pitch + right, Math.floor(tag / columns) * pitch + down, 0];
}
