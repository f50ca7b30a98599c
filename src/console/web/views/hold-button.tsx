import type { ComponentChildren } from "preact";
import { letGo } from "../holding.js";

interface Props {
  readonly class: string;
  readonly disabled: boolean;
  readonly label?: string;
  readonly title?: string;
  readonly start: () => void;
  readonly children: ComponentChildren;
}

const isPress = ({ key }: KeyboardEvent) => key === " " || key === "Enter";

/** Runs something while it is pressed, by pointer or by Space and Enter; whatever ends the press ends the motion. */
export const HoldButton = ({ class: name, disabled, label, title, start, children }: Props) => (
  <button
    type="button"
    class={name}
    disabled={disabled}
    {...(label !== undefined && { "aria-label": label })}
    {...(title !== undefined && { title })}
    onPointerDown={(event) => {
      if (event.button !== 0) return;
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
    {children}
  </button>
);
