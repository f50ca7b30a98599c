import type { Metres } from "../../geometry/index.js";
import type { Shape } from "./complete.js";
import type { Candidate } from "./search.js";

/** Sine above which a surface faces the palm or the table and is not a side. */
const FACING = 0.75;
/** Depth below the tips within which the target may be wider. */
const BELOW = 0.008;

/**
 * Depths above the tips at which the part should still be nearly as wide, and the distance of their middle from the
 * tips.
 */
const ABOVE: readonly [Metres, Metres] = [-0.017, -0.006];
const WEDGE = 0.0105;
/** Hidden insides are known to about half a voxel. */
const FILL_TOLERANCE = 0.003;

/** Normals average over some millimetres: sides of lower objects blend with their top, so the outline decides. */
const LOW: Metres = 0.015;
const LEAST_NORMALS = 3;

/** The surface that one finger would touch. */
interface Contact {
  /** Normals of the side: sum of their cosines to the closing direction, and how many. */
  sum: number;
  n: number;
  /** Furthest point in each third of the finger's width, as distance inward of the part's extent. */
  readonly edges: [number, number, number];
  /** Furthest measured or mirrored point. */
  known: number;
  /** Furthest point well above the tips, as distance inward of the part's extent. */
  above: number;
  /** Reach of the surface below the tips, outward of the part's extent. */
  wider: number;
}

/**
 * Cosine of the worse of both contact angles: from the normals of the sides where they were seen, from the outline
 * across the finger's width, and from whether the target gets wider below the tips, so that they would ride up on it.
 */
export function opposition(
  shape: Shape,
  { axes, at, overlap }: Candidate,
  half: Metres,
  low: Metres,
  high: Metres,
): number {
  const { points, normals } = shape;
  const { closing: c, side: b, approach: a } = axes;
  const band = Math.min(0.005, (high - low) * 0.25);
  const fresh = (): Contact => ({
    sum: 0,
    n: 0,
    edges: [Infinity, Infinity, Infinity],
    known: Infinity,
    above: Infinity,
    wider: 0,
  });
  const contacts = [fresh(), fresh()] as const;
  const surface = shape.surface * 3;
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i]!;
    const y = points[i + 1]!;
    const z = points[i + 2]!;
    const ds = x * a[0] + y * a[1] + z * a[2] - at[2];
    if (ds > BELOW) continue;
    const dy = x * b[0] + y * b[1] + z * b[2] - at[1];
    if (Math.abs(dy) > half) continue;
    const dx = x * c[0] + y * c[1] + z * c[2] - at[0];
    const middle = dx < (low + high) / 2 ? 0 : 1;
    const contact = contacts[middle];
    const inward = middle === 0 ? dx - low : high - dx;
    if (ds > 0) {
      // A point far outside belongs to another part of the target, not to the foot of this one.
      const wider = i < surface ? -inward : -inward - FILL_TOLERANCE;
      if (wider > contact.wider && wider < 0.004 + 2.5 * ds) contact.wider = wider;
      continue;
    }
    if (inward < 0) continue;
    const third = dy < -half / 3 ? 0 : dy > half / 3 ? 2 : 1;
    if (inward < contact.edges[third]) contact.edges[third] = inward;
    if (i < surface && inward < contact.known) contact.known = inward;
    if (ds < ABOVE[1] && ds > ABOVE[0] && inward < contact.above) contact.above = inward;
    if (inward > band || i >= surface) continue;
    const na = normals[i]! * a[0] + normals[i + 1]! * a[1] + normals[i + 2]! * a[2];
    if (!(Math.abs(na) < FACING)) continue;
    const nc = normals[i]! * c[0] + normals[i + 1]! * c[1] + normals[i + 2]! * c[2];
    contact.sum += middle === 0 ? -nc : nc;
    contact.n++;
  }
  let worst = 1;
  for (const contact of contacts) {
    const across = silhouetteSlope(contact.edges, half);
    const down = Math.max(0, contact.wider - 0.0025) / BELOW;
    // A corner that is cut across is as wide as the opening only at the tips.
    const none = overlap > 0.012 ? (high - low) / 2 : 0;
    const up = Math.max(0, (Number.isFinite(contact.above) ? contact.above : none) - 0.004) / WEDGE;
    const outline = 1 / Math.sqrt(1 + across * across + down * down + up * up);
    // Without a seen side the outline decides, with less weight where it is an estimate.
    const guess = contact.known < 0.003 ? 0.97 : 0.9;
    const cosine =
      contact.n >= LEAST_NORMALS && shape.top > LOW
        ? Math.min(outline, Math.max(0, contact.sum / contact.n))
        : outline * guess;
    if (cosine < worst) worst = cosine;
  }
  return worst;
}

/** Slope of the outline across the finger's width. */
function silhouetteSlope(edges: readonly number[], half: Metres): number {
  const [first, middle, last] = edges as [number, number, number];
  const apart = (4 / 3) * half;
  if (Number.isFinite(first) && Number.isFinite(last)) {
    const bulge = Number.isFinite(middle) ? ((first + last) / 2 - middle) / (apart / 2) : 0;
    return Math.max(Math.abs(last - first) / apart, Math.abs(bulge) - 0.35);
  }
  if (Number.isFinite(first) && Number.isFinite(middle)) return (middle - first) / (apart / 2);
  if (Number.isFinite(last) && Number.isFinite(middle)) return (last - middle) / (apart / 2);
  return 0;
}
