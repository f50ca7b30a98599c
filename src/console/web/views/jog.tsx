import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RobotView } from "../../protocol.js";
import { holdJog, holdTurn } from "../holding.js";
import { inControl, state, stopped } from "../store.js";
import { Heartbeat } from "./hold.js";
import { HoldButton } from "./hold-button.js";
import { Icon } from "./icon.js";

type Vector = [number, number, number];

/** Label, sign on the button, axis and direction; the axes are the robot's base: x ahead, y left, z up. */
const moves = [
  ["ahead", "up", 0, 1],
  ["left", "left", 1, 1],
  ["right", "right", 1, -1],
  ["back", "down", 0, -1],
  ["up", "up", 2, 1],
  ["down", "down", 2, -1],
] as const;
const turns = [
  ["roll", 0],
  ["pitch", 1],
  ["yaw", 2],
] as const;

/** Moves the arm by hand, hold-to-run; its supervisor keeps the tool below the reduced speed of ISO 10218-1. */
export function Jog() {
  const speed = useSignal(0.05);
  const joints = useSignal(false);
  const arm = state.value?.arm;
  if (arm === undefined || !arm.jogs)
    return <p class="fine">{arm?.text ?? "no arm is connected"}; there is nothing to jog.</p>;
  const disabled = !inControl.value || stopped.value || (!arm.available && !arm.moving);
  const vector = (axis: number, value: number): Vector =>
    [0, 1, 2].map((i) => (i === axis ? value : 0)) as Vector;
  return (
    <div class="jog-panel">
      <div class="row apart">
        <div class="segments" role="radiogroup" aria-label="What is jogged">
          {(["tool", "joints"] as const).map((name) => (
            // biome-ignore lint/a11y/useSemanticElements: looks like one switch with two places
            <button
              key={name}
              type="button"
              role="radio"
              aria-checked={joints.value === (name === "joints")}
              onClick={() => {
                joints.value = name === "joints";
              }}
            >
              {name}
            </button>
          ))}
        </div>
        <label class="speed">
          <span>
            {joints.value
              ? `${Math.round(degrees(speed.value * 5))}°/s`
              : `${Math.round(speed.value * 1000)} mm/s`}
          </span>
          <input
            type="range"
            aria-label="Speed"
            min={0.01}
            max={0.25}
            step={0.01}
            value={speed.value}
            aria-valuetext={`${Math.round(speed.value * 1000)} mm/s`}
            onInput={(event) => {
              speed.value = Number((event.target as HTMLInputElement).value);
            }}
          />
        </label>
      </div>
      {joints.value ? (
        <Joints disabled={disabled} speed={speed.value * 5} />
      ) : (
        <>
          <div class="pad">
            {moves.map(([name, icon, axis, sign]) => (
              <HoldButton
                key={name}
                class={`jog ${name}`}
                disabled={disabled}
                label={name}
                title={name}
                start={() => holdJog(vector(axis, sign * speed.value), [0, 0, 0])}
              >
                <Icon name={icon} />
                <small>{name}</small>
              </HoldButton>
            ))}
          </div>
          <div class="turns">
            {turns.map(([name, axis]) => (
              <div key={name} class="turn">
                <span>{name}</span>
                <OppositePair
                  name={name}
                  disabled={disabled}
                  start={(sign) => holdJog([0, 0, 0], vector(axis, sign * speed.value * 5))}
                />
              </div>
            ))}
          </div>
        </>
      )}
      <Heartbeat />
      <p class="fine">Moves only while a button is held, in the axes of the robot's base.</p>
    </div>
  );
}

interface OppositePairProps {
  readonly name: string;
  readonly disabled: boolean;
  readonly start: (sign: 1 | -1) => void;
}

const OppositePair = ({ name, disabled, start }: OppositePairProps) => (
  <>
    {([-1, 1] as const).map((sign) => (
      <HoldButton
        key={sign}
        class="jog"
        disabled={disabled}
        label={`${name} ${sign > 0 ? "plus" : "minus"}`}
        start={() => start(sign)}
      >
        {sign > 0 ? "+" : "−"}
      </HoldButton>
    ))}
  </>
);

const degrees = (radians: number) => (radians * 180) / Math.PI;

/** Each joint with where it stands between its limits. */
function Joints({ disabled, speed }: { disabled: boolean; speed: number }) {
  const robot = useSignal<RobotView | undefined>(undefined);
  useEffect(() => {
    void fetch("api/robot").then(async (reply) => {
      if (reply.ok) robot.value = (await reply.json()) as RobotView;
    });
  }, []);
  const values = state.value?.arm.joints ?? [];
  const view = robot.value;
  return (
    <div class="joints">
      {(view?.joints ?? values.map((_, i) => `joint ${i + 1}`)).map((name, joint) => {
        const value = values[joint] ?? 0;
        const [low, high] = [view?.lower[joint] ?? -Math.PI, view?.upper[joint] ?? Math.PI];
        return (
          <div key={name} class="joint">
            <span>{name}</span>
            <OppositePair name={name} disabled={disabled} start={(sign) => holdTurn(joint, sign * speed)} />
            <meter min={low} max={high} value={value} aria-label={`${name} between its limits`} />
            <output>{degrees(value).toFixed(1)}°</output>
          </div>
        );
      })}
    </div>
  );
}
