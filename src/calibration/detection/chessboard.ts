import { type CvMat, constant, type OpenCv, scoped } from "./opencv.js";

/** A chessboard's squares found in an image, roughly: OpenCV's refinement makes the corners exact. */
export interface ChessboardGrid {
  /** u, v of the inner corners, row by row. */
  readonly corners: readonly (readonly [number, number])[];
  /**
   * Corners (u, v, clockwise from the top left) of a square half as large in the middle of each white square, row
   * by row.
   */
  readonly markers: readonly (readonly number[])[];
}

type Point = readonly [number, number];

interface Quad {
  readonly corners: readonly [Point, Point, Point, Point];
  readonly centre: Point;
  readonly side: number;
}

/**
 * Finds the black squares (OpenCV's threshold, contours and polygons) and links those that touch at their corners to a
 * lattice. OpenCV's own findChessboardCorners is not part of its WebAssembly builds.
 * @returns undefined unless all of the columns × rows inner corners are seen
 */
export function findChessboard(
  cv: OpenCv,
  grey: CvMat,
  columns: number,
  rows: number,
): ChessboardGrid | undefined {
  const small = Math.min(grey.rows, grey.cols);
  const blocks = [0.1, 0.25, 0.05, 0.5].map((share) => Math.max(11, 2 * Math.round((share * small) / 2) + 1));
  for (const block of blocks)
    for (const growth of [1, 2, 3, 0, 4]) {
      const grid = arrange(findQuads(cv, grey, block, growth), columns, rows);
      if (grid !== undefined) return grid;
    }
  return undefined;
}

/** Dark quadrilaterals; `growth`: pixels by which bright parts are grown, to part squares that touch. */
function findQuads(cv: OpenCv, grey: CvMat, block: number, growth: number): Quad[] {
  return scoped(cv, (scope) => {
    const binary = scope.own(new cv.Mat());
    cv.adaptiveThreshold(
      grey,
      binary,
      255,
      constant(cv, "ADAPTIVE_THRESH_MEAN_C"),
      constant(cv, "THRESH_BINARY"),
      block,
      4,
    );
    if (growth > 0) {
      const kernel = scope.own(cv.Mat.ones(3, 3, constant(cv, "CV_8UC1")));
      cv.dilate(binary, binary, kernel, { x: -1, y: -1 }, growth);
    }
    cv.bitwise_not(binary, binary);
    const contours = scope.own(new cv.MatVector());
    cv.findContours(
      binary,
      contours,
      scope.own(new cv.Mat()),
      constant(cv, "RETR_LIST"),
      constant(cv, "CHAIN_APPROX_SIMPLE"),
    );
    const quads: Quad[] = [];
    const polygon = scope.own(new cv.Mat());
    const largest = 0.2 * grey.rows * grey.cols;
    for (let k = 0; k < contours.size(); k++) {
      const contour = contours.get(k);
      const perimeter = cv.arcLength(contour, true);
      if (perimeter > 20) {
        for (const share of [0.03, 0.06, 0.1]) {
          cv.approxPolyDP(contour, polygon, share * perimeter, true);
          if (polygon.rows <= 4) break;
        }
        const area = polygon.rows === 4 && cv.isContourConvex(polygon) ? cv.contourArea(polygon, false) : 0;
        // A square seen from a useful angle has most of the area that its perimeter allows.
        if (area > 20 && area < largest && area > 0.35 * (perimeter / 4) ** 2)
          quads.push(toQuad(polygon.data32S));
      }
      contour.delete();
    }
    return quads;
  });
}

function toQuad(data: Int32Array): Quad {
  let corners = [0, 1, 2, 3].map((k): Point => [data[2 * k]!, data[2 * k + 1]!]);
  let area = 0;
  for (let k = 0; k < 4; k++) {
    const [a, b] = [corners[k]!, corners[(k + 1) % 4]!];
    area += a[0] * b[1] - b[0] * a[1];
  }
  if (area < 0) corners = corners.reverse();
  const centre: Point = [
    corners.reduce((sum, p) => sum + p[0], 0) / 4,
    corners.reduce((sum, p) => sum + p[1], 0) / 4,
  ];
  const sides = corners.map((p, k) => distance(p, corners[(k + 1) % 4]!));
  return { corners: corners as unknown as Quad["corners"], centre, side: Math.min(...sides) };
}

const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** Offsets of the corners of a quad from its centre on the lattice, clockwise in the image. */
const directions: readonly Point[] = [
  [-1, -1],
  [1, -1],
  [1, 1],
  [-1, 1],
];

interface Link {
  readonly other: number;
  /** Index of the corner of the other quad. */
  readonly corner: number;
}

/** For each quad and corner the quad that touches it there, where both are each other's nearest. */
function linkQuads(quads: readonly Quad[]): (Link | undefined)[][] {
  const nearest = quads.map((quad, q) =>
    quad.corners.map((corner): Link | undefined => {
      let best: Link | undefined;
      let least = Infinity;
      for (const [other, candidate] of quads.entries()) {
        if (other === q) continue;
        const limit = 0.6 * Math.min(quad.side, candidate.side);
        for (const [k, point] of candidate.corners.entries()) {
          const d = distance(corner, point);
          if (d < limit && d < least && facing(quad, corner, candidate, point)) {
            least = d;
            best = { other, corner: k };
          }
        }
      }
      return best;
    }),
  );
  return nearest.map((links, q) =>
    links.map((link, k) => {
      const back = link && nearest[link.other]![link.corner];
      return back?.other === q && back.corner === k ? link : undefined;
    }),
  );
}

/** The two quads lie on opposite sides of the corner, and are about as large. */
function facing(a: Quad, corner: Point, b: Quad, point: Point): boolean {
  const ratio = a.side / b.side;
  if (ratio > 2.5 || ratio < 0.4) return false;
  const out = [corner[0] - a.centre[0], corner[1] - a.centre[1]] as const;
  const on = [b.centre[0] - point[0], b.centre[1] - point[1]] as const;
  const cosine = (out[0] * on[0] + out[1] * on[1]) / (Math.hypot(...out) * Math.hypot(...on));
  return cosine > 0.75;
}

const key = (x: number, y: number): string => `${x},${y}`;

interface Lattice {
  /** Inner corners by lattice position. */
  readonly corners: Map<string, Point>;
  /** Black squares: the square of position (x, y) has its first corner at (x, y). */
  readonly squares: Set<string>;
}

/** All lattices of linked quads, largest first. */
function lattices(quads: readonly Quad[]): Lattice[] {
  const links = linkQuads(quads);
  const placed = new Map<number, { x: number; y: number; turn: number }>();
  const found: Lattice[] = [];
  for (const start of quads.keys()) {
    if (placed.has(start)) continue;
    const lattice: Lattice = { corners: new Map(), squares: new Set() };
    placed.set(start, { x: 0, y: 0, turn: 0 });
    const queue = [start];
    for (let q = queue.pop(); q !== undefined; q = queue.pop()) {
      const { x, y, turn } = placed.get(q)!;
      lattice.squares.add(key(x, y));
      for (let corner = 0; corner < 4; corner++) {
        const link = links[q]![corner];
        if (link === undefined) continue;
        const direction = (corner + turn) % 4;
        const [dx, dy] = directions[direction]!;
        const a = quads[q]!.corners[corner]!;
        const b = quads[link.other]!.corners[link.corner]!;
        lattice.corners.set(key(x + (dx + 1) / 2, y + (dy + 1) / 2), [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
        if (placed.has(link.other)) continue;
        placed.set(link.other, { x: x + dx, y: y + dy, turn: (direction + 2 - link.corner + 4) % 4 });
        queue.push(link.other);
      }
    }
    found.push(lattice);
  }
  return found.sort((a, b) => b.corners.size - a.corners.size);
}

/** The board among the quads, turned so that its first square is black, or else so that it stands upright. */
function arrange(quads: readonly Quad[], columns: number, rows: number): ChessboardGrid | undefined {
  const [lattice] = lattices(quads);
  if (lattice === undefined || lattice.corners.size !== columns * rows) return undefined;
  const places = [...lattice.corners.keys()].map((text) => text.split(",").map(Number) as [number, number]);
  const x0 = Math.min(...places.map(([x]) => x));
  const y0 = Math.min(...places.map(([, y]) => y));
  const width = Math.max(...places.map(([x]) => x)) - x0 + 1;
  const height = Math.max(...places.map(([, y]) => y)) - y0 + 1;
  if (width * height !== columns * rows) return undefined;
  const turns = [
    { fits: width === columns, at: (c: number, r: number): Point => [c, r], first: [-1, -1] },
    {
      fits: height === columns,
      at: (c: number, r: number): Point => [width - 1 - r, c],
      first: [width - 1, -1],
    },
    {
      fits: width === columns,
      at: (c: number, r: number): Point => [width - 1 - c, height - 1 - r],
      first: [width - 1, height - 1],
    },
    {
      fits: height === columns,
      at: (c: number, r: number): Point => [r, height - 1 - c],
      first: [-1, height - 1],
    },
  ].filter(({ fits }) => fits);
  const candidates = turns.map(({ at, first }) => {
    const corners: Point[] = [];
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const [x, y] = at(c, r);
        corners.push(lattice.corners.get(key(x + x0, y + y0))!);
      }
    // All black squares have positions of one parity, so the outermost ones are known without being seen.
    const parity = parityOf(lattice);
    const black = Math.abs((first[0]! + x0 + first[1]! + y0) % 2) === parity;
    const [a, b] = [corners[0]!, corners[columns - 1]!];
    return { corners, black, upright: (b[0] - a[0]) / distance(a, b) };
  });
  const complete = candidates.filter(({ corners }) => corners.every((corner) => corner !== undefined));
  complete.sort((p, q) => Number(q.black) - Number(p.black) || q.upright - p.upright);
  const best = complete[0];
  return best && { corners: best.corners, markers: markersIn(best.corners, columns, rows) };
}

function parityOf({ squares }: Lattice): number {
  const [first] = squares;
  const [x, y] = first!.split(",").map(Number);
  return Math.abs((x! + y!) % 2);
}

/** Squares of half size in those squares where a ChArUco board of the same size has its markers. */
function markersIn(corners: readonly Point[], columns: number, rows: number): number[][] {
  /**
   * Pixel of a position on the board, in squares from the first inner corner: by the parallelogram of the cell next
   * to it.
   */
  const at = (x: number, y: number): Point => {
    const c = Math.min(columns - 2, Math.max(0, Math.floor(x)));
    const r = Math.min(rows - 2, Math.max(0, Math.floor(y)));
    const [p, q, s, t] = [
      corners[r * columns + c]!,
      corners[r * columns + c + 1]!,
      corners[(r + 1) * columns + c]!,
      corners[(r + 1) * columns + c + 1]!,
    ];
    const [u, v] = [x - c, y - r];
    const mix = (k: 0 | 1) =>
      (1 - u) * (1 - v) * p[k] + u * (1 - v) * q[k] + (1 - u) * v * s[k] + u * v * t[k];
    return [mix(0), mix(1)];
  };
  const markers: number[][] = [];
  for (let y = 0; y <= rows; y++)
    for (let x = 0; x <= columns; x++)
      if ((x + y) % 2 === 1)
        markers.push(
          [
            at(x - 0.75, y - 0.75),
            at(x - 0.25, y - 0.75),
            at(x - 0.25, y - 0.25),
            at(x - 0.75, y - 0.25),
          ].flat(),
        );
  return markers;
}
