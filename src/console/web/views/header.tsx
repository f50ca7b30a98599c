import { act, connection, inControl, say, state, stop, stopped, theme, you } from "../store.js";
import { Icon } from "./icon.js";

const words = {
  start: "starting",
  connecting: "connecting",
  open: "connected",
  lost: "connection lost, trying again",
  refused: "signed out",
} as const;
const themes = { auto: "light", light: "dark", dark: "auto" } as const;

export function Header() {
  const { source } = state.value ?? {};
  return (
    <header>
      <div class="title">
        <span
          class={`dot ${connection.value}`}
          role="img"
          aria-label={words[connection.value]}
          title={words[connection.value]}
        />
        <h1>grasp-grounding</h1>
        <span class="source">{source?.name}</span>
        {connection.value === "lost" && <span class="lost">{words.lost}</span>}
      </div>
      <Control />
      <button
        type="button"
        class="quiet square"
        aria-label={`Colours: ${theme.value}`}
        title={`Colours: ${theme.value === "auto" ? "as the system has them" : theme.value}`}
        onClick={() => {
          theme.value = themes[theme.value];
        }}
      >
        <Icon name={theme.value === "dark" ? "moon" : theme.value === "light" ? "sun" : "half"} />
      </button>
      <button
        type="button"
        id="estop"
        class="estop"
        aria-pressed={stopped.value}
        title="Stops all motion at once (Escape)"
        onClick={stop}
      >
        STOP
      </button>
    </header>
  );
}

/** Says who pressed the emergency stop, and lets the operator in control reset it. */
export function Stopped() {
  const estop = state.value?.estop;
  if (estop?.latched !== true) return null;
  return (
    <div class="stopped" role="alert">
      <strong>Emergency stop</strong>
      <span>
        {estop.by ? `pressed by ${estop.by}` : "pressed"}
        {estop.at ? ` at ${new Date(estop.at).toLocaleTimeString()}` : ""}
        {estop.reason ? `: ${estop.reason}` : ""}. Nothing moves until it is reset.
      </span>
      <button type="button" disabled={!inControl.value} onClick={() => void act({ name: "estop.reset" })}>
        Reset
      </button>
    </div>
  );
}

/** Who is in control, and how to change it. */
function Control() {
  const lease = state.value?.lease;
  if (you.value?.role !== "operator") return <span class="control">{you.value ? "watching" : ""}</span>;
  const mine = lease?.holderId === you.value.id;
  if (mine)
    return (
      <span class="control">
        {lease?.wanted ? (
          <>
            <span role="alert">{lease.wanted} asks for control</span>
            <button type="button" onClick={() => void act({ name: "lease.grant" })}>
              Hand over
            </button>
          </>
        ) : (
          <span class="mine">in control</span>
        )}
        <button
          type="button"
          class="quiet"
          title="Lets another operator take control"
          onClick={() => void act({ name: "lease.release" })}
        >
          Release control
        </button>
      </span>
    );
  const take = async () => {
    const { done, result } = await act({ name: "lease.take" });
    if (done && !(result as { inControl: boolean }).inControl) say(`asked ${lease?.holder} for control`);
  };
  return (
    <span class="control">
      {lease?.holder && <span>{lease.holder} is in control</span>}
      <button type="button" onClick={() => void take()}>
        {lease?.holder ? "Ask for control" : "Take control"}
      </button>
    </span>
  );
}
