import { project, type RgbdFrame } from "../geometry/index.js";
import { blockedQuestion, blockedReason, type GraspPlan } from "../grasping/index.js";
import { type Grounder, type GroundOptions, nameAt, type Question, vocabulary } from "../grounding/index.js";

/**
 * A plan that another object blocks, with that object's name where the model is certain of it: somebody has to say
 * which one is to be taken first. Other plans are returned as they are.
 * @throws GraspGroundingError of the grounder
 */
export async function withBlockerName(
  grounder: Pick<Grounder, "ground">,
  frame: RgbdFrame,
  plan: GraspPlan,
  signal: AbortSignal | undefined,
): Promise<GraspPlan> {
  const pixel = plan.blocker && frame.camera && project(frame.camera, plan.blocker.position);
  if (plan.blocker === undefined || pixel === undefined) return plan;
  const { width, height } = frame.colour;
  const [x, y] = [pixel[0] / width, pixel[1] / height];
  if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return plan;
  const name = nameAt(await grounder.ground(frame, vocabulary, { signal }), x, y);
  if (name === undefined) return plan;
  const blocker = { ...plan.blocker, name };
  return { ...plan, blocker, reason: blockedReason(blocker) };
}

/**
 * Offers the client to take the blocker first. @param client whose query it was
 * @returns the question; undefined where no blocker with a name is known, or nobody is asked
 */
export function offerBlocker(
  grounder: Pick<Grounder, "offer">,
  { camera }: Pick<RgbdFrame, "camera">,
  { blocker }: GraspPlan,
  options: Pick<GroundOptions, "ask" | "client">,
): Question | undefined {
  const at =
    blocker?.name === undefined || camera === undefined ? undefined : project(camera, blocker.position);
  if (blocker?.name === undefined || at === undefined) return undefined;
  return grounder.offer?.({ phrase: `the ${blocker.name}`, at, question: blockedQuestion(blocker) }, options);
}
