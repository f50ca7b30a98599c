import {
  closeSession,
  command,
  duration,
  openSession,
  play,
  playing,
  position,
  seek,
  seekStep,
} from "../replaying.js";
import { replaying } from "../store.js";
import { Icon } from "./icon.js";

/** Controls of a recorded session that is replayed. */
export function Replay() {
  if (!replaying.value) return null;
  return (
    <section class="replay" aria-label="Recorded session">
      <strong>Recorded session</strong>
      <button
        type="button"
        class="square"
        aria-label={playing.value ? "Pause the session" : "Play the session"}
        onClick={() => play(!playing.value)}
      >
        <Icon name={playing.value ? "pause" : "play"} />
      </button>
      <input
        type="range"
        aria-label="Position in the session, in seconds"
        min={0}
        max={duration.value}
        step={seekStep}
        value={position.value}
        onInput={(event) => {
          play(false);
          seek(Number((event.target as HTMLInputElement).value));
        }}
      />
      <span class="time">
        {position.value.toFixed(1)} / {duration.value.toFixed(1)} s
      </span>
      <span class="command">{command.value}</span>
      <button type="button" onClick={closeSession}>
        Back to live
      </button>
    </section>
  );
}

/** Saves the last minutes of the live session, or opens a saved one. */
export const SessionFiles = () => (
  <div class="row">
    {!replaying.value && (
      <a class="download" href="api/session.bin" download="grasp-grounding-session.bin">
        Save the session
      </a>
    )}
    <label class="download">
      Open a saved session
      <input
        type="file"
        class="hidden"
        onChange={(event) => {
          const [file] = (event.target as HTMLInputElement).files ?? [];
          if (file) void openSession(file);
        }}
      />
    </label>
  </div>
);
