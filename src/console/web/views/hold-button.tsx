import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
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
export const HoldButton = ({ class: name, disabled, label, title, start, children }: Props) => {
  // A press moves the focus: the blur of the button pressed before must not end the new press.
  const pressed = useRef(false);
  const press = () => {
    pressed.current = true;
    start();
  };
  const end = () => {
    if (!pressed.current) return;
    pressed.current = false;
    letGo();
  };
  return (
    <button
      type="button"
      class={name}
      disabled={disabled}
      {...(label !== undefined && { "aria-label": label })}
      {...(title !== undefined && { title })}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
        press();
      }}
      onPointerUp={end}
      onPointerCancel={end}
      onLostPointerCapture={end}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (!isPress(event)) return;
        event.preventDefault();
        if (!event.repeat) press();
      }}
      onKeyUp={(event) => {
        if (isPress(event)) end();
      }}
      onBlur={end}
    >
      {children}
    </button>
  );
};
