import { act, connection, inControl, say, state, stop, stopped, theme, you } from "../store.js";

const words = {
  start: "starting",
  connecting: "connecting",
  open: "connected",
  lost: "connection lost, trying again",
  refused: "signed out",
} as const;
const themes = { auto: "light", light: "dark", dark: "auto" } as const;

export function Header() {
  const { source, estop } = state.value ?? {};
  return (
    <header>
      <div class="title">
        <h1>grasp-grounding</h1>
        <span class="source">{source?.name}</span>
        <span
          class={`dot ${connection.value}`}
          role="img"
          aria-label={words[connection.value]}
          title={words[connection.value]}
        />
        {connection.value === "lost" && <span class="lost">{words.lost}</span>}
      </div>
      <Control />
      <button
        type="button"
        class="quiet"
        aria-label={`Colours: ${theme.value}`}
        title="Light, dark, or as the system has it"
        onClick={() => {
          theme.value = themes[theme.value];
        }}
      >
        {theme.value}
      </button>
      {stopped.value ? (
        <div class="stopped" role="alert">
          <strong>STOPPED</strong>
          <span>{estop?.by ? `by ${estop.by}` : ""}</span>
          <button type="button" disabled={!inControl.value} onClick={() => void act({ name: "estop.reset" })}>
            Reset
          </button>
        </div>
      ) : (
        <button
          type="button"
          id="estop"
          class="estop"
          title="Stops all motion at once (Escape)"
          onClick={stop}
        >
          STOP
        </button>
      )}
    </header>
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
          <span>in control</span>
        )}
        <button type="button" class="quiet" onClick={() => void act({ name: "lease.release" })}>
          Give up control
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
