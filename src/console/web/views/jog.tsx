import { useSignal } from "@preact/signals";
import { holdJog, inControl, letGo, state, stopped } from "../store.js";

type Vector = [number, number, number];

/** Label, axis and sign of each button; the axes are the robot's base: x ahead, y left, z up. */
const moves = [
  ["ahead", 0, 1],
  ["back", 0, -1],
  ["left", 1, 1],
  ["right", 1, -1],
  ["up", 2, 1],
  ["down", 2, -1],
] as const;
const turns = [
  ["roll +", 0, 1],
  ["roll −", 0, -1],
  ["pitch +", 1, 1],
  ["pitch −", 1, -1],
  ["yaw +", 2, 1],
  ["yaw −", 2, -1],
] as const;

/** Moves the tool by hand, hold-to-run; the arm's supervisor keeps it below the reduced speed of ISO 10218-1. */
export function Jog() {
  const speed = useSignal(0.05);
  const arm = state.value?.arm;
  if (arm === undefined || (!arm.available && !arm.moving)) return null;
  const disabled = !inControl.value || stopped.value;
  const vector = (axis: number, value: number): Vector =>
    [0, 1, 2].map((i) => (i === axis ? value : 0)) as Vector;
  const button = (name: string, start: () => void) => (
    <button
      key={name}
      type="button"
      disabled={disabled}
      class="jog"
      onPointerDown={(event) => {
        (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
        start();
      }}
      onPointerUp={letGo}
      onPointerCancel={letGo}
      onLostPointerCapture={letGo}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        if (!event.repeat) start();
      }}
      onKeyUp={letGo}
      onBlur={letGo}
    >
      {name}
    </button>
  );
  return (
    <details class="status">
      <summary>Jog</summary>
      <div class="jogs">
        {moves.map(([name, axis, sign]) =>
          button(name, () => holdJog(vector(axis, sign * speed.value), [0, 0, 0])),
        )}
      </div>
      <div class="jogs">
        {turns.map(([name, axis, sign]) =>
          button(name, () => holdJog([0, 0, 0], vector(axis, sign * speed.value * 5))),
        )}
      </div>
      <label class="check">
        speed
        <input
          type="range"
          min={0.01}
          max={0.25}
          step={0.01}
          value={speed.value}
          aria-valuetext={`${Math.round(speed.value * 1000)} mm/s`}
          onInput={(event) => {
            speed.value = Number((event.target as HTMLInputElement).value);
          }}
        />
        {Math.round(speed.value * 1000)} mm/s
      </label>
    </details>
  );
}
