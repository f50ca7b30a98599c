import type { ConsoleState, HealthItem } from "../protocol.js";
import type { ConsoleSource } from "../types.js";

export interface HealthFacts {
  readonly source: Pick<ConsoleSource, "problems" | "health" | "dropped">;
  readonly state: Pick<ConsoleState, "model" | "arm">;
  /** Images a second; undefined before the first. */
  readonly fps: number | undefined;
  /** Seconds without an image of a live camera, where that is too long. */
  readonly silence: number | undefined;
  /** Images the model had no time for. */
  readonly missed: number;
  /** Whether it is known where the camera is on the robot; undefined without an arm. */
  readonly cameraKnown: boolean | undefined;
}

/** What the source says of its parts, and before it what the console says of its own. */
export function healthOf({ source, state, fps, silence, missed, cameraKnown }: HealthFacts): HealthItem[] {
  const { problems, health = [], dropped } = source;
  const { model, arm } = state;
  const camera: HealthItem = {
    name: "images",
    level:
      silence !== undefined ? "error" : problems.length > 0 ? "warn" : fps === undefined ? "stale" : "ok",
    text:
      silence !== undefined
        ? `none for ${silence} s: check the camera`
        : (problems[0] ?? (fps === undefined ? "no image yet" : `${fps.toFixed(1)} a second`)),
    values: { dropped: String(dropped), dropped_by_the_model: String(missed) },
  };
  const grounding: HealthItem = {
    name: "model",
    level: model.name === "" ? "error" : "ok",
    text: model.name === "" ? "not loaded" : `${model.name}${model.provider ? ` on ${model.provider}` : ""}`,
    values: { waiting: String(model.waiting) },
  };
  const motion: HealthItem[] =
    cameraKnown === undefined
      ? []
      : [
          { name: "arm", level: arm.available || arm.moving ? "ok" : "warn", text: arm.text, values: {} },
          {
            name: "camera on the robot",
            level: cameraKnown ? "ok" : "warn",
            text: cameraKnown ? "known" : "not known: nothing can be grasped",
            values: {},
          },
        ];
  const own = [camera, grounding, ...motion].filter(
    ({ name }) => !health.some((other) => other.name === name),
  );
  return [...own, ...health];
}
