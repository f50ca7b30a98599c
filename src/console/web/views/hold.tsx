import { computed } from "@preact/signals";
import { beats, hold } from "../holding.js";
import { inControl, placeAt, placing, plan, planning, preview, state, stopped } from "../store.js";
import { HoldButton } from "./hold-button.js";

/** Looks at the motion for an answer, then carries it out while a button is held; letting go stops the arm. */
export function HoldToPick({ answer }: { answer: number }) {
  const arm = state.value?.arm;
  if (arm === undefined || (!arm.available && !arm.moving && arm.joints === undefined)) return null;
  const disabled = !inControl.value || stopped.value || (!arm.available && !arm.moving);
  // Which button it is must not change while it is held: one that goes away is let go of.
  if (arm.holding) return <Place disabled={disabled} moving={arm.moving} />;
  return (
    <div class="act">
      {arm.robot && (
        <button
          type="button"
          disabled={disabled || planning.value || arm.moving}
          aria-pressed={plan.value?.answer === answer}
          onClick={() => void preview(answer)}
        >
          {planning.value ? "Planning…" : "Preview motion"}
        </button>
      )}
      <HoldButton class="primary hold" disabled={disabled} start={() => hold({ name: "pick", answer })}>
        {arm.moving ? "Holding…" : "Hold to pick"}
      </HoldButton>
      <Heartbeat />
    </div>
  );
}

/** Puts down what is held: where it was, or where somebody points. */
function Place({ disabled, moving }: { disabled: boolean; moving: boolean }) {
  const at = placeAt.value;
  const start = () =>
    hold({
      name: "place",
      ...(at !== undefined && { at: [at[0], at[1]] as [number, number] }),
    });
  return (
    <div class="act">
      <button
        type="button"
        disabled={disabled || moving}
        aria-pressed={placing.value}
        onClick={() => {
          if (at !== undefined) placeAt.value = undefined;
          else placing.value = !placing.value;
        }}
      >
        {at !== undefined ? "Back where it was" : placing.value ? "Click on the image…" : "Choose a place"}
      </button>
      <HoldButton class="primary hold" disabled={disabled} start={start}>
        {moving ? "Holding…" : "Hold to put down"}
      </HoldButton>
      <Heartbeat />
    </div>
  );
}

/** Beats to be seen, not one by one. */
const small = computed(() => beats.value % 12 >= 6);

/** What the arm does, and that the button's heartbeat goes out. */
export function Heartbeat() {
  const arm = state.value?.arm;
  if (arm?.moving !== true) return null;
  return (
    <span role="status" class="beat">
      <i class={small.value ? "heart small" : "heart"} title="heartbeat" aria-hidden="true" />
      {arm.stage}
      <progress max={1} value={arm.progress ?? 0} aria-label="Progress of the motion" />
    </span>
  );
}
