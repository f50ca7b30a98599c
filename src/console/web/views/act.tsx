import { computed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Command } from "../../protocol.js";
import { beats, held, hold } from "../holding.js";
import { inControl, state, stopped } from "../store.js";
import { HoldButton } from "./hold-button.js";

interface Props {
  /** Which act it is; no two buttons of one act are on the page. */
  readonly id: string;
  readonly command: () => Command;
  /** The act the operator most likely wants: on a phone it is next to the stop. */
  readonly lead?: boolean;
  /** Less bright: it does more than it seems to, and says so next to it. */
  readonly muted?: boolean;
  readonly label?: string;
  readonly children: ComponentChildren;
}

/** Whether the arm takes a command now. */
export const armReady = computed(() => {
  const arm = state.value?.arm;
  return inControl.value && !stopped.value && arm !== undefined && (arm.available || arm.moving);
});

/** A button that moves the arm while it is held. It does not change while it is held: that would release it. */
export function Act({ id, command, lead = false, muted = false, label, children }: Props) {
  const mine = held.value === id;
  const moving = state.value?.arm.moving === true;
  const disabled = !mine && (!armReady.value || moving);
  return (
    <HoldButton
      class={`hold ${lead && !muted ? "primary" : ""} ${lead ? "lead" : ""}`}
      disabled={disabled}
      {...(label !== undefined && !mine && { label })}
      start={() => hold(id, command())}
    >
      {mine ? "Moving…" : children}
    </HoldButton>
  );
}

/** Heartbeats drawn so slowly that they can be seen. */
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
