import { useEffect } from "preact/hooks";
import { act, connection, inControl, needsToken, notice, state, stop, you } from "../store.js";
import { Answers } from "./answers.js";
import { Ask } from "./ask.js";
import { Camera } from "./camera.js";
import { Header } from "./header.js";
import { Jog } from "./jog.js";
import { SceneView } from "./scene.js";
import { SignIn } from "./sign-in.js";
import { Status } from "./status.js";
import { Timeline } from "./timeline.js";

/** Keys: Escape stops, Space plays or pauses, arrows step, / goes to the question. */
function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (event.key === "Escape") {
    event.preventDefault();
    stop();
    return;
  }
  if (
    /^(INPUT|TEXTAREA|SELECT|BUTTON|A)$/.test(target.tagName) ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey
  )
    return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("query")?.focus();
    return;
  }
  const playback = state.value?.playback;
  if (playback === undefined || !inControl.value) return;
  if (event.key === " ") {
    event.preventDefault();
    void act({ name: playback.playing ? "pause" : "play" });
  } else if (event.key === "ArrowLeft") void act({ name: "step", frames: -1 });
  else if (event.key === "ArrowRight") void act({ name: "step", frames: 1 });
}

export function App() {
  useEffect(() => {
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  if (connection.value === "refused" || (needsToken.value && you.value === undefined)) return <SignIn />;
  return (
    <>
      <Header />
      <main>
        <section class="stage" aria-label="Camera">
          <Camera />
          {state.value?.playback && <Timeline />}
          <SceneView />
        </section>
        <section class="side" aria-label="Questions and status">
          <Ask />
          <div role="status" aria-live="polite" class={`notice ${notice.value?.bad ? "bad" : ""}`}>
            {notice.value?.text}
          </div>
          <Answers />
          <Jog />
          <Status />
        </section>
      </main>
    </>
  );
}
