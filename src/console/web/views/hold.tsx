import { hold, inControl, letGo, state, stopped } from "../store.js";

/** Takes the object while it is pressed, by pointer or by Space and Enter; letting go stops the arm. */
export function HoldToPick({ answer }: { answer: number }) {
  const arm = state.value?.arm;
  if (arm === undefined || (!arm.available && !arm.moving)) return null;
  const start = () => hold({ name: "pick", answer });
  const isPress = ({ key }: KeyboardEvent) => key === " " || key === "Enter";
  return (
    <div class="row">
      <button
        type="button"
        class="primary hold"
        disabled={!inControl.value || stopped.value}
        onPointerDown={(event) => {
          (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
          start();
        }}
        onPointerUp={letGo}
        onPointerCancel={letGo}
        onLostPointerCapture={letGo}
        onContextMenu={(event) => event.preventDefault()}
        onKeyDown={(event) => {
          if (!isPress(event)) return;
          event.preventDefault();
          if (!event.repeat) start();
        }}
        onKeyUp={(event) => {
          if (isPress(event)) letGo();
        }}
        onBlur={letGo}
      >
        {arm.moving ? "Holding…" : "Hold to pick"}
      </button>
      {arm.moving && (
        <span role="status" class="beat">
          {arm.stage}
          <progress max={1} value={arm.progress ?? 0} aria-label="Progress of the motion" />
        </span>
      )}
    </div>
  );
}
