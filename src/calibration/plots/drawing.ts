import PDFDocument from "pdfkit";
import type { Metres } from "../../geometry/index.js";
import { requireMarkers } from "../detection/markers.js";
import { constant, dictionaryOf, loadOpenCv, type OpenCv, scoped } from "../detection/opencv.js";
import type { Target } from "../detection/targets.js";

/** Black rectangle: x, y, width, height in metres from the page's top left corner. */
type Rectangle = readonly [number, number, number, number];

/** A target on its page, to scale. */
export interface TargetDrawing {
  readonly width: Metres;
  readonly height: Metres;
  /** The paper, e.g. `A4`; undefined when the target is larger than A0. */
  readonly paper: string | undefined;
  readonly black: readonly Rectangle[];
  /** Text below the target: its description, and how to check its size. */
  readonly label: string;
  /** Line of known length below the target, to measure after printing. */
  readonly ruler: { readonly x: Metres; readonly y: Metres; readonly length: Metres };
}

const papers: readonly (readonly [string, Metres, Metres])[] = [
  ["A4", 0.21, 0.297],
  ["A3", 0.297, 0.42],
  ["A2", 0.42, 0.594],
  ["A1", 0.594, 0.841],
  ["A0", 0.841, 1.189],
];
const millimetres = (metres: Metres): string => `${Number((metres * 1000).toFixed(3))}`;

/**
 * Lays a target on the smallest paper that holds it with white around it.
 * @throws GraspGroundingError CALIBRATION_TARGET when the dictionary has too few markers
 */
export async function drawTarget(target: Target): Promise<TargetDrawing> {
  const cv = await loadOpenCv();
  requireMarkers(cv, target);
  const shape = layOut(cv, target);
  const edge = Math.max(0.008, 0.4 * shape.cell);
  const foot = 0.016;
  const need = [shape.width + 2 * edge, shape.height + 2 * edge + foot] as const;
  const fits = (w: Metres, h: Metres) => need[0] <= w && need[1] <= h;
  const paper = papers.find(([, w, h]) => fits(w, h) || fits(h, w));
  const [width, height] =
    paper === undefined ? need : fits(paper[1], paper[2]) ? [paper[1], paper[2]] : [paper[2], paper[1]];
  const x0 = (width - shape.width) / 2;
  const y0 = (height - foot - shape.height) / 2;
  const ruler = Math.min(0.1, Math.floor(shape.width * 100) / 100);
  return {
    width,
    height,
    paper: paper?.[0],
    black: merge(shape.black).map(([x, y, w, h]): Rectangle => [x + x0, y + y0, w, h]),
    label: `${shape.label}. Print at 100 %; this line is ${millimetres(ruler)} mm long:`,
    ruler: { x: x0, y: y0 + shape.height + edge + 0.011, length: ruler },
  };
}

/** The page as SVG, in millimetres. */
export function targetSvg(drawing: TargetDrawing): string {
  const { width, height, black, label, ruler } = drawing;
  const mm = millimetres;
  const path = black.map(([x, y, w, h]) => `M${mm(x)} ${mm(y)}h${mm(w)}v${mm(h)}h${mm(-w)}z`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${mm(width)}mm" height="${mm(height)}mm" viewBox="0 0 ${mm(width)} ${mm(height)}">
<rect width="100%" height="100%" fill="#fff"/>
<path shape-rendering="crispEdges" d="${path}"/>
<text x="${mm(ruler.x)}" y="${mm(ruler.y - 0.003)}" font-family="DejaVu Sans, Helvetica, sans-serif" font-size="2.6">${label}</text>
<path d="M${mm(ruler.x)} ${mm(ruler.y)}h${mm(ruler.length)}m0 -1.5v3M${mm(ruler.x)} ${mm(ruler.y - 0.0015)}v3" fill="none" stroke="#000" stroke-width="0.2"/>
</svg>
`;
}

/** The page as PDF, to scale. */
export function targetPdf(drawing: TargetDrawing): Promise<Uint8Array> {
  const points = (metres: Metres) => (metres * 72) / 0.0254;
  const { width, height, black, label, ruler } = drawing;
  const document = new PDFDocument({
    size: [points(width), points(height)],
    margin: 0,
    info: { Title: label.split(". ")[0] ?? "", CreationDate: new Date(0) },
  });
  const parts: Buffer[] = [];
  document.on("data", (part: Buffer) => parts.push(part));
  const ended = new Promise<Uint8Array>((resolve, reject) => {
    document.on("end", () => resolve(Buffer.concat(parts)));
    document.on("error", reject);
  });
  for (const [x, y, w, h] of black) document.rect(points(x), points(y), points(w), points(h));
  document.fill("#000");
  const [x, y] = [points(ruler.x), points(ruler.y)];
  document
    .font("Helvetica")
    .fontSize(7.4)
    .text(label, x, y - points(0.006), { lineBreak: false });
  const end = points(ruler.x + ruler.length);
  document.lineWidth(0.6).moveTo(x, y).lineTo(end, y);
  for (const at of [x, end]) document.moveTo(at, y - 4).lineTo(at, y + 4);
  document.stroke("#000");
  document.end();
  return ended;
}

interface Shape {
  readonly width: Metres;
  readonly height: Metres;
  readonly cell: Metres;
  readonly black: readonly Rectangle[];
  readonly label: string;
}

function layOut(cv: OpenCv, target: Target): Shape {
  const { columns, rows } = target;
  const black: Rectangle[] = [];
  if (target.type === "apriltag") {
    const pitch = target.tag + target.gap;
    for (let k = 0; k < columns * rows; k++)
      black.push(
        ...marker(
          cv,
          target.dictionary,
          target.first_id + k,
          (k % columns) * pitch,
          Math.floor(k / columns) * pitch,
          target.tag,
        ),
      );
    return {
      width: columns * pitch - target.gap,
      height: rows * pitch - target.gap,
      cell: pitch,
      black,
      label: `${target.dictionary} grid ${columns}×${rows}, tags ${millimetres(target.tag)} mm, gaps ${millimetres(target.gap)} mm`,
    };
  }
  const { square } = target;
  const charuco = target.type === "charuco";
  const [across, down] = charuco ? [columns, rows] : [columns + 1, rows + 1];
  const white = charuco && target.legacy && rows % 2 === 0 ? 0 : 1;
  let id = 0;
  for (let y = 0; y < down; y++)
    for (let x = 0; x < across; x++) {
      if ((x + y) % 2 !== white) black.push([x * square, y * square, square, square]);
      else if (charuco) {
        const inset = (square - target.marker) / 2;
        black.push(
          ...marker(cv, target.dictionary, id++, x * square + inset, y * square + inset, target.marker),
        );
      }
    }
  return {
    width: across * square,
    height: down * square,
    cell: square,
    black,
    label: charuco
      ? `ChArUco ${columns}×${rows} squares of ${millimetres(square)} mm, markers ${millimetres(target.marker)} mm, ${target.dictionary}`
      : `Chessboard ${columns}×${rows} inner corners, squares of ${millimetres(square)} mm`,
  };
}

/** The black cells of a marker of OpenCV's dictionary, its border included. */
function marker(cv: OpenCv, name: string, id: number, x: Metres, y: Metres, size: Metres): Rectangle[] {
  return scoped(cv, (scope) => {
    const dictionary = scope.own(dictionaryOf(cv, name));
    const side = dictionary.markerSize + 2;
    const bits = scope.own(new cv.Mat(side, side, constant(cv, "CV_8UC1")));
    dictionary.generateImageMarker(id, side, bits, 1);
    const cell = size / side;
    const black: Rectangle[] = [];
    for (let r = 0; r < side; r++)
      for (let c = 0; c < side; c++)
        if (bits.data[r * side + c] === 0) black.push([x + c * cell, y + r * cell, cell, cell]);
    return black;
  });
}

/**
 * Joins adjacent cells of a row, then equal rows below each other: less to print, and no hairlines between.
 */
function merge(cells: readonly Rectangle[]): Rectangle[] {
  const near = (a: number, b: number) => Math.abs(a - b) < 1e-7;
  const join = (list: readonly Rectangle[], along: 0 | 1): Rectangle[] => {
    const across = along === 0 ? 1 : 0;
    const sorted = [...list].sort((a, b) => a[across] - b[across] || a[along] - b[along]);
    const joined: [number, number, number, number][] = [];
    for (const [x, y, w, h] of sorted) {
      const now = [x, y, w, h] as [number, number, number, number];
      const last = joined.findLast(
        (r) =>
          near(r[across], now[across]) &&
          near(r[2 + across]!, now[2 + across]!) &&
          near(r[along] + r[2 + along]!, now[along]),
      );
      if (last === undefined) joined.push(now);
      else last[2 + along] = last[2 + along]! + now[2 + along]!;
    }
    return joined;
  };
  return join(join(cells, 0), 1);
}
