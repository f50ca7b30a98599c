import { act, inControl, state } from "../store.js";
import { Icon } from "./icon.js";

const rates = [0.25, 0.5, 1, 2, 4];

export function Timeline() {
  const { playback, marks = [] } = state.value ?? {};
  if (playback === undefined) return null;
  const { playing, position, duration, rate, loop } = playback;
  const disabled = !inControl.value;
  return (
    <section class="timeline" aria-label="Recording">
      <div class="row">
        <button
          type="button"
          disabled={disabled}
          aria-label="Step back"
          title="Step back (←)"
          onClick={() => void act({ name: "step", frames: -1 })}
        >
          <Icon name="back" />
        </button>
        <button
          type="button"
          id="play"
          disabled={disabled}
          aria-label={playing ? "Pause" : "Play"}
          title="Play or pause (Space)"
          onClick={() => void act({ name: playing ? "pause" : "play" })}
        >
          <Icon name={playing ? "pause" : "play"} />
        </button>
        <button
          type="button"
          disabled={disabled}
          aria-label="Step forward"
          title="Step forward (→)"
          onClick={() => void act({ name: "step", frames: 1 })}
        >
          <Icon name="forward" />
        </button>
        <span class="time">
          {position.toFixed(2)} / {duration.toFixed(2)} s
        </span>
        <label class="check">
          speed
          <select
            value={rate}
            disabled={disabled}
            onChange={(event) =>
              void act({ name: "rate", rate: Number((event.target as HTMLSelectElement).value) })
            }
          >
            {rates.map((value) => (
              <option key={value} value={value}>
                {value}×
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={loop}
            disabled={disabled}
            onChange={(event) => void act({ name: "loop", loop: (event.target as HTMLInputElement).checked })}
          />
          loop
        </label>
      </div>
      <div class="track">
        <input
          type="range"
          id="seek"
          aria-label="Position in the recording, in seconds"
          min={0}
          max={duration}
          step={0.01}
          value={position}
          disabled={disabled}
          onInput={(event) =>
            void act({ name: "seek", position: Number((event.target as HTMLInputElement).value) })
          }
        />
        <div class="marks" aria-hidden="true">
          {marks.map((mark, index) => (
            <i
              key={index}
              class={mark.found ? "found" : "missed"}
              title={`${mark.query} at ${mark.position.toFixed(2)} s`}
              style={{ left: `${(mark.position / Math.max(duration, 1e-6)) * 100}%` }}
            />
          ))}
        </div>
      </div>
      {marks.length > 0 && (
        <p class="legend">
          questions:
          <i class="found" /> found <i class="missed" /> not found
        </p>
      )}
    </section>
  );
}
