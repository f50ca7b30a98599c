import type { Metres, Vec3 } from "../../geometry/index.js";
import type { Shape } from "./complete.js";
import type { ToolAxes } from "./orientations.js";
import { Sight, type Visibility } from "./view.js";

/** The upper edge of an open container, fitted by a circle or a rectangle, seen from above in the table frame. */
export interface Rim {
  readonly kind: "circle" | "rectangle";
  /** Mean distance of the rim's points from the fit. */
  readonly residual: Metres;
  /** Level directions square to the sides of a rectangle, as yaws; none of a circle. */
  readonly yaws: readonly number[];
  /** Signed distance of a point from the edge, negative inside, and the level direction out of the container there. */
  at(x: number, y: number): { readonly distance: Metres; readonly outward: readonly [number, number] };
}

/** Points this far under the top belong to the rim, or less where the container is shallow. */
const BAND: Metres = 0.008;
/** The inside lies at least this far under the rim. */
const HOLLOW: Metres = 0.007;
/** Points this far within the fitted edge belong to the inside. */
const INSET: Metres = 0.014;
/** Points that a rim is fitted to. */
const ENOUGH = 250;
/** Smallest half width of a container, and the largest mean residual of a fit. */
const SMALLEST: Metres = 0.025;
const LOOSEST: Metres = 0.006;
/** Directions about the centre, and the share of them in which the rim must be known. */
const SECTORS = 24;
const CLOSED = 0.6;

/** Share of the space within the rim, just under it, that the camera must see to be empty. */
const OPEN = 0.5;

/**
 * The rim of an open container, or undefined where the shape is none: its top must follow a circle or a rectangle, and
 * the camera must see that the space within is empty, or measure a surface that lies lower.
 */
export function findRim(shape: Shape, view: Visibility): Rim | undefined {
  const { points, top } = shape;
  const band = Math.min(BAND, top * 0.25);
  const all: number[] = [];
  for (let i = 0; i < shape.surface * 3; i += 3)
    if (points[i + 2]! > top - band) all.push(points[i]!, points[i + 1]!);
  if (all.length < 60) return undefined;
  const every = Math.ceil(all.length / (2 * ENOUGH));
  const edge = all.filter((_, i) => Math.trunc(i / 2) % every === 0);
  const fits = [fitCircle(edge), fitRectangle(edge)].filter((fit) => fit !== undefined);
  const best = fits.sort((p, q) => p.residual - q.residual)[0];
  if (best === undefined || !isClosed(best, edge)) return undefined;
  return isHollow(best, shape) || isOpen(best, edge, top, view) ? best : undefined;
}

/**
 * Whether a tool pose takes the wall: its middle is on the edge, and it closes square to it. `at`: in the table frame.
 */
export function takesRim(rim: Rim, [x, y]: Vec3, { closing }: ToolAxes, width: Metres): boolean {
  const { distance, outward } = rim.at(x, y);
  const level = Math.hypot(closing[0], closing[1]);
  const square = Math.abs(closing[0] * outward[0] + closing[1] * outward[1]) / Math.max(level, 1e-6);
  return Math.abs(distance) < 0.012 && square > 0.9 && width < 0.03;
}

/** Algebraic least squares (Kåsa 1976), twice, the second time without what lies far off. */
function fitCircle(edge: readonly number[]): Rim | undefined {
  let chosen = edge;
  let circle: { x: number; y: number; r: number } | undefined;
  for (let turn = 0; turn < 2; turn++) {
    circle = kasa(chosen);
    if (circle === undefined) return undefined;
    const { x, y, r } = circle;
    const near: number[] = [];
    for (let i = 0; i < edge.length; i += 2)
      if (Math.abs(Math.hypot(edge[i]! - x, edge[i + 1]! - y) - r) < 0.012) near.push(edge[i]!, edge[i + 1]!);
    if (near.length < edge.length * 0.6) return undefined;
    chosen = near;
  }
  const { x, y, r } = circle!;
  if (r < SMALLEST) return undefined;
  const at: Rim["at"] = (px, py) => {
    const away = Math.hypot(px - x, py - y) || 1e-9;
    return { distance: away - r, outward: [(px - x) / away, (py - y) / away] };
  };
  return withResidual("circle", [], at, chosen);
}

function kasa(edge: readonly number[]): { x: number; y: number; r: number } | undefined {
  const n = edge.length / 2;
  let mx = 0;
  let my = 0;
  for (let i = 0; i < edge.length; i += 2) {
    mx += edge[i]! / n;
    my += edge[i + 1]! / n;
  }
  let [uu, uv, vv, uq, vq, q] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < edge.length; i += 2) {
    const u = edge[i]! - mx;
    const v = edge[i + 1]! - my;
    const s = u * u + v * v;
    uu += u * u;
    uv += u * v;
    vv += v * v;
    uq += (u * s) / 2;
    vq += (v * s) / 2;
    q += s;
  }
  const det = uu * vv - uv * uv;
  if (!(det > 1e-12)) return undefined;
  const a = (uq * vv - vq * uv) / det;
  const b = (vq * uu - uq * uv) / det;
  return { x: mx + a, y: my + b, r: Math.sqrt(a * a + b * b + q / n) };
}

/** The upright rectangle whose sides the points follow best, tried every 3 degrees. */
function fitRectangle(edge: readonly number[]): Rim | undefined {
  let best: Rim | undefined;
  for (let k = 0; k < 30; k++) {
    const [c, s] = [Math.cos((k * Math.PI) / 60), Math.sin((k * Math.PI) / 60)];
    const us: number[] = [];
    const vs: number[] = [];
    for (let i = 0; i < edge.length; i += 2) {
      us.push(c * edge[i]! + s * edge[i + 1]!);
      vs.push(-s * edge[i]! + c * edge[i + 1]!);
    }
    const [u0, u1] = ends(us);
    const [v0, v1] = ends(vs);
    const [hu, hv] = [(u1 - u0) / 2, (v1 - v0) / 2];
    if (Math.min(hu, hv) < SMALLEST) continue;
    const at: Rim["at"] = (x, y) => {
      const u = c * x + s * y - (u0 + u1) / 2;
      const v = -s * x + c * y - (v0 + v1) / 2;
      const [du, dv] = [Math.abs(u) - hu, Math.abs(v) - hv];
      if (du > dv) return { distance: du, outward: [Math.sign(u) * c, Math.sign(u) * s] };
      return { distance: dv, outward: [-Math.sign(v) * s, Math.sign(v) * c] };
    };
    const fit = withResidual("rectangle", [(k * Math.PI) / 60, ((k + 30) * Math.PI) / 60], at, edge);
    if (fit !== undefined && fit.residual < (best?.residual ?? Infinity)) best = fit;
  }
  return best;
}

/** The second and the 98th percentile: a few points beyond the sides are noise. */
function ends(values: number[]): readonly [number, number] {
  values.sort((a, b) => a - b);
  const cut = Math.trunc(values.length * 0.02);
  return [values[cut]!, values[values.length - 1 - cut]!];
}

function withResidual(
  kind: Rim["kind"],
  yaws: readonly number[],
  at: Rim["at"],
  edge: readonly number[],
): Rim | undefined {
  let sum = 0;
  for (let i = 0; i < edge.length; i += 2) sum += Math.abs(at(edge[i]!, edge[i + 1]!).distance);
  const residual = sum / (edge.length / 2);
  return residual < LOOSEST ? { kind, residual, yaws, at } : undefined;
}

/** Whether the rim is known in most directions: a single wall is no container. */
function isClosed(rim: Rim, edge: readonly number[]): boolean {
  const met = new Set<number>();
  for (let i = 0; i < edge.length; i += 2) {
    const [x, y] = rim.at(edge[i]!, edge[i + 1]!).outward;
    met.add(Math.trunc(((Math.atan2(y, x) + Math.PI) / (2 * Math.PI)) * SECTORS) % SECTORS);
  }
  return rim.kind === "rectangle" ? met.size >= 3 : met.size >= SECTORS * CLOSED;
}

/** Whether the measured surface within the rim lies lower than the rim. */
function isHollow(rim: Rim, { points, seen, top }: Shape): boolean {
  const inside: number[] = [];
  for (let i = 0; i < seen * 3; i += 3)
    if (rim.at(points[i]!, points[i + 1]!).distance < -INSET) inside.push(points[i + 2]!);
  if (inside.length < 12) return false;
  inside.sort((a, b) => a - b);
  return inside[Math.trunc(inside.length * 0.8)]! < top - HOLLOW;
}

/** Whether the camera looks through the space within the rim, just under it. */
function isOpen(rim: Rim, edge: readonly number[], top: Metres, view: Visibility): boolean {
  const xs = edge.filter((_, i) => i % 2 === 0);
  const ys = edge.filter((_, i) => i % 2 === 1);
  const [x0, x1] = ends(xs);
  const [y0, y1] = ends(ys);
  let tried = 0;
  let free = 0;
  for (let i = 1; i < 12; i++)
    for (let j = 1; j < 12; j++) {
      const [x, y] = [x0 + ((x1 - x0) * i) / 12, y0 + ((y1 - y0) * j) / 12];
      if (rim.at(x, y).distance > -INSET / 2) continue;
      tried++;
      if (view.look(x, y, top - HOLLOW - 0.003, 0.003) === Sight.free) free++;
    }
  return tried >= 12 && free > OPEN * tried;
}
