import { needsConfirmation } from "../../confirmation.js";
import type { Answer } from "../../protocol.js";
import { age } from "../freshness.js";
import { held } from "../holding.js";
import { act, inControl, plan, planning, preview, state } from "../store.js";
import { Act, armReady, Heartbeat } from "./act.js";

/** Previews the motion for an answer, then carries it out while a button is held; letting go stops the arm. */
export function HoldToPick({ answer }: { answer: Answer }) {
  const arm = state.value?.arm;
  if (arm === undefined || (!arm.available && !arm.moving && arm.joints === undefined)) return null;
  const picking = held.value === "pick";
  const { gripper } = arm;
  if (!picking && gripper !== undefined && gripper.state !== "empty")
    return <p class="fine">{gripper.text}: put it down before the next pick.</p>;
  if (!picking && needsConfirmation(answer)) return answer.ambiguous ? null : <Confirm answer={answer} />;
  const stale = age(answer) > 0;
  return (
    <>
      <div class="act">
        {arm.robot && (
          <button
            type="button"
            disabled={!armReady.value || planning.value || arm.moving}
            aria-pressed={plan.value?.answer === answer.id}
            onClick={() => void preview(answer.id)}
          >
            {planning.value ? "Planning…" : "Preview motion"}
          </button>
        )}
        <Act id="pick" lead muted={stale && !picking} command={() => ({ name: "pick", answer: answer.id })}>
          Hold to pick
        </Act>
        <Heartbeat />
      </div>
      {stale && <p class="fine">Detects the object again in the present image before the arm moves.</p>}
    </>
  );
}

/** The model is not sure: the operator says whether it is right. */
const Confirm = ({ answer }: { answer: Answer }) => (
  <div class="act">
    <p class="fine">The model is not sure. Is this the one you asked for?</p>
    <button
      type="button"
      disabled={!inControl.value}
      onClick={() => void act({ name: "confirm", answer: answer.id })}
    >
      Yes, this one
    </button>
  </div>
);
