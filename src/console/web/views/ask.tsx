import { useRef, useState } from "preact/hooks";
import { type Listening, speech } from "../speech.js";
import { act, ask, asking, history, inControl, state, suggestions } from "../store.js";
import { Icon } from "./icon.js";

export function Ask() {
  const [text, setText] = useState("");
  const [recording, setRecording] = useState(false);
  const listening = useRef<Listening | undefined>(undefined);
  const words = useRef("");
  const follow = state.value?.follow;
  const disabled = !inControl.value;
  const offers = [...new Set([...history.value.slice(0, 3), ...suggestions.value])].slice(0, 5);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void ask(text);
  };
  const listen = () => {
    if (speech === undefined || listening.current !== undefined) return;
    words.current = "";
    setRecording(true);
    listening.current = speech(
      (heard) => {
        words.current = heard;
        setText(heard);
      },
      () => {
        listening.current = undefined;
        setRecording(false);
        // A spoken question is asked at once; a motion is never spoken.
        if (words.current.trim() !== "") void ask(words.current);
      },
    );
  };
  const endListening = () => listening.current?.stop();
  const isPress = ({ key }: KeyboardEvent) => key === " " || key === "Enter";
  return (
    <form class="ask" onSubmit={submit} aria-label="Ask">
      <label for="query">What should be grasped?</label>
      <div class="row">
        <input
          id="query"
          value={text}
          onInput={(event) => setText((event.target as HTMLInputElement).value)}
          list="history"
          maxLength={512}
          autocomplete="off"
          placeholder={recording ? "listening…" : "the red mug on the left"}
          disabled={disabled}
        />
        <datalist id="history">
          {[...new Set([...history.value, ...suggestions.value])].map((item) => (
            <option key={item} value={item} />
          ))}
        </datalist>
        {speech && (
          <button
            type="button"
            class={recording ? "quiet square listening" : "quiet square"}
            disabled={disabled}
            onPointerDown={listen}
            onPointerUp={endListening}
            onPointerLeave={endListening}
            onKeyDown={(event) => {
              if (!isPress(event) || event.repeat) return;
              event.preventDefault();
              listen();
            }}
            onKeyUp={(event) => {
              if (isPress(event)) endListening();
            }}
            aria-label="Hold to speak"
            title="Hold to speak"
          >
            <Icon name="microphone" />
          </button>
        )}
        <button type="submit" class="primary" disabled={disabled || asking.value || text.trim() === ""}>
          {asking.value ? "Looking…" : "Find"}
        </button>
      </div>
      <div class="chips">
        {offers.map((item) => (
          <button
            key={item}
            type="button"
            class="chip"
            disabled={disabled}
            onClick={() => {
              setText(item);
              void ask(item);
            }}
          >
            {item}
          </button>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={follow !== undefined}
          disabled={disabled || (follow === undefined && text.trim() === "")}
          onChange={(event) =>
            void act(
              (event.target as HTMLInputElement).checked
                ? { name: "follow", query: text.trim() }
                : { name: "follow" },
            )
          }
        />
        {follow === undefined ? "Keep following it" : `Following “${follow}”`}
      </label>
    </form>
  );
}
