import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Scene3d } from "../scene3d.js";
import { answers } from "../store.js";

/** The points around the newest answer and its grasps; what it needs is loaded when it is opened. */
export function SceneView() {
  const open = useSignal(false);
  const text = useSignal("");
  const host = useRef<HTMLDivElement>(null);
  const scene = useRef<Scene3d | undefined>(undefined);
  const answer = answers.value[0];
  useEffect(() => {
    if (!open.value || answer === undefined || host.current === null) return;
    let current = true;
    void (async () => {
      try {
        if (scene.current === undefined) {
          const { Scene3d } = await import("../scene3d.js");
          if (!current || host.current === null) return;
          scene.current ??= new Scene3d(host.current);
        }
        const count = await scene.current.show(answer);
        if (current)
          text.value =
            count === 0 ? "the picture has no depth" : `${count} points; drag to turn, scroll to come near`;
      } catch {
        if (current) text.value = "this browser cannot draw in 3D";
      }
    })();
    return () => {
      current = false;
    };
  }, [open.value, answer?.id, answer?.chosen]);
  useEffect(() => () => scene.current?.close(), []);
  if (answer === undefined) return null;
  return (
    <details
      class="status"
      onToggle={(event) => {
        open.value = (event.currentTarget as HTMLDetailsElement).open;
      }}
    >
      <summary>3D</summary>
      <div class="scene" ref={host} role="img" aria-label="Seen points and grasps in three dimensions" />
      <p class="fine">{text.value}</p>
    </details>
  );
}
