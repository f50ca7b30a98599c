import { act, answers, inControl, layers, view } from "../store.js";
import { Camera } from "./camera.js";
import { SceneView } from "./scene.js";

const views = { camera: "Camera", scene: "3D", both: "Both" } as const;

/** The big image: camera, 3D or both, and what is drawn over it. */
export function Stage() {
  return (
    <>
      <div class={view.value === "both" ? "views side-by-side" : "views"}>
        {view.value !== "scene" && <Camera />}
        {view.value !== "camera" && <SceneView />}
      </div>
      <div class="toolbar">
        <div class="segments" role="radiogroup" aria-label="View">
          {(Object.keys(views) as (keyof typeof views)[]).map((name) => (
            // biome-ignore lint/a11y/useSemanticElements: looks like one switch with three places
            <button
              key={name}
              type="button"
              role="radio"
              aria-checked={view.value === name}
              onClick={() => {
                view.value = name;
              }}
            >
              {views[name]}
            </button>
          ))}
        </div>
        <fieldset class="layers">
          <legend class="hidden">Shown over the image</legend>
          {(["boxes", "masks", "heat", "grasps"] as const).map((name) => (
            <label key={name} class="toggle">
              <input
                type="checkbox"
                checked={layers[name].value}
                onChange={(event) => {
                  layers[name].value = (event.target as HTMLInputElement).checked;
                }}
              />
              <span>{name === "heat" ? "heat map" : name}</span>
            </label>
          ))}
        </fieldset>
        <button
          type="button"
          class="quiet"
          disabled={answers.value.length === 0 || !inControl.value}
          onClick={() => void act({ name: "forget" })}
        >
          Clear
        </button>
      </div>
    </>
  );
}
