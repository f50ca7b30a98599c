import { compose, invert, type Metres, type Points, type Pose, type Vec3 } from "../../geometry/index.js";
import type { Scene } from "../collision/checker.js";
import { PointGrid } from "../collision/point-grid.js";
import type { Arm } from "./arm.js";
import type { ArmResult, UnplannedOptions } from "./arm-types.js";
import type { AttemptStage, GraspView } from "./attempt-types.js";
import { cancelled, failure } from "./outcomes.js";

/** The arm looks from elsewhere where the first image leaves too much open ({@link isUnsure}), or before each goal. */
export type SecondViewPolicy = "when_unsure" | "always";

export interface SecondViewOptions {
  readonly when: SecondViewPolicy;
  /** The camera's optical frame in the tool's frame. */
  readonly camera: Pose;
  /** Distance between the fingers while the arm moves there, in metres. */
  readonly opening: Metres;
  /**
   * The object in an image taken after this call, fused with what `first` shows. Rejects where there is no such image.
   */
  readonly look: (first: GraspView) => Promise<GraspView>;
}

/** What was seen before the first try. */
export interface SeenTwice {
  readonly view: GraspView;
  /** The arm stands where it took the second image. */
  readonly away: boolean;
  /** As in {@link SecondViewOptions}. */
  readonly opening: Metres;
  /** A place to look from was searched. */
  readonly searched?: boolean;
  /** What the look came to, in words; undefined where none was wanted. */
  readonly note?: string;
  /** Why the goal ends here, once the arm is back at its start where it is `away` and was not told to stop. */
  readonly failed?: ArmResult;
}

/** Limits of {@link isUnsure}, as measured in docs/grasping.md: of the best grasp's score, and of the unseen share. */
const unsure = { score: 0.45, unseen: 0.4 } as const;
/** Joints that turn further than this while the image is taken have moved, in radians (metres for prismatic joints). */
const atRest = 0.01;
/** Turns of the camera about its optical axis, in radians. Upright images come first: the model knows them best. */
const rolls = [
  [0, Math.PI / 6, -Math.PI / 6],
  [Math.PI / 3, -Math.PI / 3, Math.PI / 2, -Math.PI / 2],
  [(2 * Math.PI) / 3, (-2 * Math.PI) / 3, Math.PI],
] as const;

/** Whether an image leaves too much open: no grasp, a low score, or much of the object's outline unseen. */
export const isUnsure = ({ grasps, unseen = 0 }: GraspView): boolean =>
  grasps.length === 0 ||
  Math.max(...grasps.map(({ score }) => score)) < unsure.score ||
  unseen > unsure.unseen;

/**
 * Poses of the tool in the base that put the camera at each of `views`, by turns about the optical axis: all upright
 * ones, then those on their side, then the rest; in each part the best view first.
 * @param views poses of the camera's optical frame in the base, best first
 * @param camera the optical frame in the tool's frame
 */
export function toolPoses(views: readonly Pose[], camera: Pose): Pose[][] {
  const tool = invert(camera);
  return rolls.flatMap((turns) =>
    views.map((view) =>
      turns.map((turn) => {
        const orientation = [0, 0, Math.sin(turn / 2), Math.cos(turn / 2)] as const;
        return compose(compose(view, { position: [0, 0, 0], orientation }), tool);
      }),
    ),
  );
}

/**
 * Moves the camera that the arm carries to where it sees more of the object, and looks once the arm rests. The
 * motion is granted and watched by the supervisor as every other one. Where no place can be reached, the first view
 * stands.
 */
export async function takeSecondView(
  arm: Arm,
  first: GraspView,
  { when, camera, opening, look }: SecondViewOptions,
  goal: Omit<UnplannedOptions, "scene" | "onStage"> & {
    readonly onStage: (stage: AttemptStage, progress: number) => void;
  },
): Promise<SeenTwice> {
  const stays = { view: first, away: false, opening };
  const { nextViews = [] } = first;
  if (when !== "always" && !isUnsure(first)) return stays;
  if (nextViews.length === 0) return stays;
  goal.onStage("view", 0);
  const motion = { ...goal, scene: first.scene, opening };
  const moved = await arm.moveTo({ poses: toolPoses(nextViews, camera) }, { ...motion, stage: "view" });
  if (moved.outcome === "no-plan")
    return { ...stays, searched: true, note: `no second view: ${moved.message}` };
  if (!moved.success) return { ...stays, failed: moved };
  const rest = arm.supervisor.snapshot.reading?.positions;
  goal.onStage("look", 0);
  const seen = await look(first).catch((error: Error) => error);
  const away = { ...stays, away: true };
  if (goal.signal?.aborted === true) return { ...away, failed: cancelled() };
  const now = arm.supervisor.snapshot.reading?.positions;
  const turned = rest?.some((q, i) => !(Math.abs(q - (now?.[i] ?? Number.NaN)) <= atRest)) ?? true;
  // Something else moves the arm: it is not this goal's to move back.
  if (turned)
    return { ...stays, failed: failure("refused", "the arm moved while the second image was taken") };
  if (seen instanceof Error) return { ...away, failed: failure("refused", seen.message) };
  return { ...away, view: seen, note: noteOf(first, seen) };
}

function noteOf(first: GraspView, second: GraspView): string {
  const share = ({ unseen }: GraspView): string =>
    unseen === undefined ? "" : `${Math.round(unseen * 100)} %`;
  const [before, after] = [share(first), share(second)];
  return before === "" || after === ""
    ? "seen from a second place"
    : `seen from a second place, ${after} of its sides unseen instead of ${before}`;
}

/**
 * What two images show, in one frame. A point that one of them takes for an obstacle, and that lies on the object
 * that the other one shows, is no obstacle.
 * @param apart how far from the object obstacles begin, in metres
 */
export function bothScenes(first: Scene, second: Scene, apart: Metres): Scene {
  const target = joined(first.target, second.target);
  const obstacles = [
    awayFrom(first.obstacles, second.target, apart),
    awayFrom(second.obstacles, first.target, apart),
  ];
  return { ...second, ...(target && { target }), obstacles: joined(...obstacles) ?? new Float32Array() };
}

function awayFrom(points: Points | undefined, object: Points | undefined, apart: Metres): Points | undefined {
  if (points === undefined || object === undefined || object.length === 0) return points;
  const grid = new PointGrid(object, apart / 3, 2 * apart);
  const free: number[] = [];
  for (let i = 0; i + 2 < points.length; i += 3) {
    const point: Vec3 = [points[i]!, points[i + 1]!, points[i + 2]!];
    if (grid.nearest(point, point, apart) === undefined) free.push(...point);
  }
  return Float32Array.from(free);
}

function joined(...parts: readonly (Points | undefined)[]): Points | undefined {
  const given = parts.filter((each) => each !== undefined);
  if (given.length === 0) return undefined;
  const all = new Float32Array(given.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of given) {
    all.set(each, at);
    at += each.length;
  }
  return all;
}
