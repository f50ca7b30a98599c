import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { RobotView } from "../../protocol.js";
import { loadJson } from "../resources.js";
import type { Preset, Scene3d } from "../scene3d.js";
import { plan, replaying, selected, state } from "../store.js";

const names: Readonly<Record<string, string>> = {
  open: "open the gripper",
  "pre-grasp": "move before the object",
  approach: "approach",
  close: "close the gripper",
  lift: "lift",
  retreat: "return home",
};
const presets: Readonly<Record<Preset, string>> = {
  camera: "Camera",
  top: "Top",
  front: "Front",
  reset: "Reset",
};

/** The points of an answer, its grasps, and the arm now and as planned. The code is loaded when the view is opened. */
export function SceneView() {
  const text = useSignal("");
  const stage = useSignal<{ readonly name: string; readonly progress: number } | undefined>(undefined);
  const ready = useSignal(false);
  const host = useRef<HTMLDivElement>(null);
  const scene = useRef<Scene3d | undefined>(undefined);
  const answer = selected.value;
  const arm = state.value?.arm;
  const hasRobot = arm?.robot === true;
  useEffect(() => {
    let current = true;
    void (async () => {
      try {
        const { Scene3d } = await import("../scene3d.js");
        if (!current || host.current === null) return;
        scene.current = new Scene3d(host.current);
        if (hasRobot) {
          const robot = await loadJson<RobotView>("robot");
          if (current && robot !== undefined) scene.current?.setRobot(robot);
        }
        if (current) ready.value = true;
      } catch {
        if (current) text.value = "this browser cannot draw in 3D";
      }
    })();
    return () => {
      current = false;
      scene.current?.close();
      scene.current = undefined;
      ready.value = false;
    };
  }, [hasRobot, replaying.value]);
  const joints = arm?.joints?.join();
  useEffect(() => {
    if (ready.value && arm?.joints !== undefined) scene.current?.pose(arm.joints, arm.opening);
  }, [ready.value, joints, arm?.opening]);
  useEffect(() => {
    if (!ready.value || answer === undefined) return;
    let current = true;
    void scene.current?.show(answer).then((count) => {
      if (current)
        text.value =
          count === undefined
            ? "the points of this answer are gone"
            : count === 0
              ? "the image has no depth"
              : `${count} points; drag to turn, scroll to zoom`;
    });
    return () => {
      current = false;
    };
  }, [ready.value, answer?.id, answer?.chosen]);
  const shown = plan.value;
  useEffect(() => {
    if (!ready.value) return;
    scene.current?.animate(shown?.preview, (name, progress) => {
      stage.value = { name, progress };
    });
    if (shown === undefined) stage.value = undefined;
  }, [ready.value, shown]);
  return (
    <div class="scene-box">
      <div
        class="scene"
        ref={host}
        role="img"
        aria-label="Seen points, grasps and the arm in three dimensions"
      />
      {shown && stage.value && (
        <div class="plan" role="status">
          <span>
            planned: {names[stage.value.name] ?? stage.value.name} · {shown.preview.duration.toFixed(1)} s in
            all
          </span>
          <progress max={1} value={stage.value.progress} aria-label="Planned motion" />
          <button
            type="button"
            class="quiet tiny"
            aria-label="Hide the planned motion"
            onClick={() => {
              plan.value = undefined;
            }}
          >
            ×
          </button>
        </div>
      )}
      <fieldset class="presets">
        <legend class="hidden">View from</legend>
        {(Object.keys(presets) as Preset[]).map((preset) => (
          <button key={preset} type="button" onClick={() => scene.current?.view(preset)}>
            {presets[preset]}
          </button>
        ))}
      </fieldset>
      <p class={answer === undefined ? "fine caption" : "fine caption hint"}>
        {text.value || (answer === undefined ? "ask for an object to see its points" : "")}
      </p>
    </div>
  );
}
