import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RobotView } from "../../protocol.js";
import { held, holdJog, holdTurn } from "../holding.js";
import { loadJson } from "../resources.js";
import { state } from "../store.js";
import { Act, armReady, Heartbeat } from "./act.js";
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
/** Largest motion of one press, in millimetres and degrees; undefined: as long as the button is held. */
const steps = [
  ["hold", undefined, undefined],
  ["1 mm / 0.5°", 0.001, 0.5],
  ["5 mm / 2°", 0.005, 2],
  ["20 mm / 5°", 0.02, 5],
  ["50 mm / 15°", 0.05, 15],
] as const;

/** Moves the arm by hand, hold-to-run; its supervisor keeps the tool below the reduced speed of ISO 10218-1. */
export function Jog() {
  const speed = useSignal(0.05);
  const joints = useSignal(false);
  const step = useSignal(0);
  const arm = state.value?.arm;
  if (arm === undefined || !arm.jogs)
    return <p class="fine">{arm?.text ?? "no arm is connected"}; there is nothing to jog.</p>;
  const disabled = !armReady.value;
  const [, straight, turned] = steps[step.value] ?? steps[0];
  const angle = turned === undefined ? undefined : radians(turned);
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
        <label class="check">
          step
          <select
            value={step.value}
            onChange={(event) => {
              step.value = Number((event.target as HTMLSelectElement).value);
            }}
          >
            {steps.map(([name], index) => (
              <option key={name} value={index}>
                {name}
              </option>
            ))}
          </select>
        </label>
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
        <Joints disabled={disabled} speed={speed.value * 5} limit={angle} />
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
                start={() => holdJog(vector(axis, sign * speed.value), [0, 0, 0], straight)}
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
                  start={(sign) => holdJog([0, 0, 0], vector(axis, sign * speed.value * 5), angle)}
                />
              </div>
            ))}
          </div>
        </>
      )}
      <Positions />
      <ToolPose />
      {held.value === undefined && <Heartbeat />}
      <p class="fine">
        The arm moves only while a button is held, in the axes of the robot's base. A step stops by itself.
      </p>
    </div>
  );
}

/** Gripper, home and the robot's named positions. Acts the gripper's card offers already are not shown twice. */
function Positions() {
  const arm = state.value?.arm;
  const card = arm?.gripper?.state !== "empty";
  return (
    <div class="act positions">
      {!card && (
        <>
          <Act id="jog-open" command={() => ({ name: "gripper", action: "open" })}>
            Open gripper
          </Act>
          <Act id="jog-close" command={() => ({ name: "gripper", action: "close" })}>
            Close gripper
          </Act>
        </>
      )}
      {["home", ...(arm?.named ?? [])].map((name) => (
        <Act key={name} id={`to-${name}`} command={() => ({ name: "move", to: name })}>
          {name === "home" ? "Go home" : `Go to ${name.replaceAll("_", " ")}`}
        </Act>
      ))}
    </div>
  );
}

/** The tool in the robot's base, in millimetres and degrees of roll, pitch and yaw (REP 103). */
function ToolPose() {
  const tool = state.value?.arm.tool;
  if (tool === undefined) return null;
  const [roll, pitch, yaw] = eulerAngles(tool.orientation);
  const cells: readonly (readonly [string, string])[] = [
    ...(["x", "y", "z"] as const).map(
      (name, i) => [name, `${((tool.position[i] ?? 0) * 1000).toFixed(1)} mm`] as const,
    ),
    ["roll", `${degrees(roll).toFixed(1)}°`],
    ["pitch", `${degrees(pitch).toFixed(1)}°`],
    ["yaw", `${degrees(yaw).toFixed(1)}°`],
  ];
  return (
    <dl class="pose" aria-label="Tool pose in the robot's base">
      {cells.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Roll, pitch and yaw about the fixed axes x, y, z, in radians, of a quaternion x, y, z, w. */
function eulerAngles([x = 0, y = 0, z = 0, w = 1]: readonly number[]): Vector {
  return [
    Math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)),
    Math.asin(Math.max(-1, Math.min(1, 2 * (w * y - z * x)))),
    Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)),
  ];
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

const degrees = (angle: number) => (angle * 180) / Math.PI;
const radians = (angle: number) => (angle * Math.PI) / 180;

interface JointsProps {
  readonly disabled: boolean;
  readonly speed: number;
  readonly limit: number | undefined;
}

/** Each joint with where it stands between its limits. */
function Joints({ disabled, speed, limit }: JointsProps) {
  const robot = useSignal<RobotView | undefined>(undefined);
  useEffect(() => {
    void loadJson<RobotView>("robot").then((view) => {
      robot.value = view;
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
            <OppositePair
              name={name}
              disabled={disabled}
              start={(sign) => holdTurn(joint, sign * speed, limit)}
            />
            <meter min={low} max={high} value={value} aria-label={`${name} between its limits`} />
            <output>{degrees(value).toFixed(1)}°</output>
          </div>
        );
      })}
    </div>
  );
}
