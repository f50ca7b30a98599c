import { CsvError, parse as parseCsv } from "csv-parse/sync";
import { parse as parseYaml } from "yaml";
import { describe, GraspGroundingError } from "../errors/index.js";
import { normalizeQuaternion, type Pose } from "../geometry/index.js";

const fields = ["x", "y", "z", "qx", "qy", "qz", "qw"] as const;
/** A robot stands within this many metres of its base; more is millimetres. */
const maxMetres = 20;
/** A quaternion's length may differ from 1 by so much: four digits of each number. */
const lengthTolerance = 0.02;

/** One pose as a file has it: cell by field, and the place to name in an error. */
interface Row {
  readonly place: string;
  readonly cells: Readonly<Record<string, unknown>>;
}

/**
 * Robot poses (tool in base, metres, quaternion x y z w) by image name: CSV with a header line, its cells separated
 * by commas, semicolons or tabs, or a YAML or JSON list of the same fields.
 * @throws GraspGroundingError CALIBRATION_POSES naming the row, the field and the likely cause
 */
export function parsePoses(text: string, path: string): ReadonlyMap<string, Pose> {
  const refuse = (detail: string) => new GraspGroundingError("CALIBRATION_POSES", { path, detail });
  let rows: readonly Row[];
  try {
    rows = /\.(ya?ml|json)$/i.test(path) ? listRows(text) : tableRows(text);
  } catch (cause) {
    throw refuse(describe(cause));
  }
  const poses = new Map<string, Pose>();
  for (const { place, cells } of rows) {
    const problem = (detail: string) => refuse(`${place}, ${detail}`);
    const image = cells.image;
    if (typeof image !== "string" || image.trim() === "")
      throw problem(`image: ${isEmpty(image) ? "the cell is empty" : "not a file name"}`);
    const [x, y, z, qx, qy, qz, qw] = fields.map((field) => {
      const value = numberOf(cells[field]);
      if (typeof value === "string") throw problem(`${field}: ${value}`);
      return value;
    }) as [number, number, number, number, number, number, number];
    const length = Math.hypot(qx, qy, qz, qw);
    if (!(Math.abs(length - 1) < lengthTolerance))
      throw problem(`${image}: the quaternion has length ${length.toFixed(3)}, not 1`);
    if (!(Math.hypot(x, y, z) < maxMetres)) throw problem(`${image}: the position is not in metres`);
    if (poses.has(image)) throw problem(`${image} is there twice`);
    poses.set(image, { position: [x, y, z], orientation: normalizeQuaternion([qx, qy, qz, qw]) });
  }
  return poses;
}

const isEmpty = (cell: unknown): boolean =>
  cell === undefined || cell === null || (typeof cell === "string" && cell.trim() === "");

/** The number in a cell, or why there is none. An empty cell is no zero. */
function numberOf(cell: unknown): number | string {
  if (isEmpty(cell)) return "the cell is empty";
  const text = typeof cell === "string" ? cell.trim() : cell;
  if (typeof text === "string" && /^[-+]?\d+,\d+(e[-+]?\d+)?$/i.test(text))
    return `"${text}" has a decimal comma: write ${text.replace(",", ".")}`;
  const value = typeof text === "string" ? (/^0[xob]/i.test(text) ? Number.NaN : Number(text)) : text;
  return typeof value === "number" && Number.isFinite(value) ? value : `"${String(text)}" is not a number`;
}

/** @throws Error when the content is no list of mappings */
function listRows(text: string): Row[] {
  const content: unknown = parseYaml(text, { logLevel: "error" });
  if (!Array.isArray(content)) throw new Error("not a list of poses");
  return content.map((cells: unknown, k) => {
    if (typeof cells !== "object" || cells === null) throw new Error(`row ${k + 1}: not a pose`);
    return { place: `row ${k + 1}`, cells: cells as Record<string, unknown> };
  });
}

/** @throws Error naming the line when a row does not fit the header */
function tableRows(text: string): Row[] {
  const header = text.split(/\r?\n/).find((line) => line.trim() !== "" && !line.startsWith("#")) ?? "";
  const delimiter = [";", "\t"].find((each) => header.includes(each)) ?? ",";
  let columns: string[] = [];
  try {
    const records = parseCsv(text, {
      bom: true,
      comment: "#",
      comment_no_infix: true,
      delimiter,
      trim: true,
      skip_empty_lines: true,
      info: true,
      columns: (names: string[]) => {
        columns = names;
        return names;
      },
    }) as unknown as { readonly record: Record<string, string>; readonly info: { readonly lines: number } }[];
    checkHeader(columns, delimiter);
    return records.map(({ record, info }) => ({ place: `line ${info.lines}`, cells: record }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    checkHeader(columns, delimiter);
    throw new Error(csvProblem(error, columns.length), { cause: error });
  }
}

function checkHeader(columns: readonly string[], delimiter: string): void {
  const twice = columns.find((name, k) => columns.indexOf(name) !== k);
  if (twice !== undefined) throw new Error(`the header has ${twice} twice`);
  const missing = ["image", ...fields].filter((field) => !columns.includes(field));
  if (missing.length === 0) return;
  const separator = delimiter === "\t" ? "tabs" : `"${delimiter}"`;
  throw new Error(
    `the header has no ${missing.join(", ")}; it has ${columns.join(", ") || "nothing"}, read with ${separator} between cells`,
  );
}

function csvProblem({ code, lines, record, message }: CsvError, columns: number): string {
  const cells = Array.isArray(record) ? record.length : undefined;
  if (code !== "CSV_RECORD_INCONSISTENT_COLUMNS" || cells === undefined) return message;
  const cause = cells > columns ? "; a decimal comma splits a number in two: write a point" : "";
  return `line ${lines}: ${cells} cells, and the header has ${columns}${cause}`;
}
