import { useEffect } from "preact/hooks";
import { act, connection, inControl, needsToken, notice, placing, state, stop, you } from "../store.js";
import { Answers } from "./answers.js";
import { Ask } from "./ask.js";
import { Gripper } from "./gripper.js";
import { Header, Stopped } from "./header.js";
import { Panel } from "./panel.js";
import { Replay } from "./replay.js";
import { SignIn } from "./sign-in.js";
import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";

/** Keys: Escape stops, Space plays or pauses, arrows step, / goes to the question. */
function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (event.key === "Escape") {
    event.preventDefault();
    placing.value = false;
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
      <Stopped />
      <Replay />
      <main>
        <section class="stage" aria-label="Camera and scene">
          <Stage />
          {state.value?.playback && <Timeline />}
        </section>
        <section class="side" aria-label="Questions and answers">
          <Ask />
          <div
            role="status"
            aria-live="polite"
            class={`notice ${notice.value?.bad ? "bad" : ""} ${notice.value?.spoken ? "hidden" : ""}`}
          >
            {notice.value?.text}
          </div>
          <Gripper />
          <Answers />
          <Panel />
        </section>
      </main>
    </>
  );
}
