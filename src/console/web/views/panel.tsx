import { state, tab } from "../store.js";
import { Jog } from "./jog.js";
import { Log } from "./log.js";
import { Parameters } from "./parameters.js";
import { Status } from "./status.js";

const names = { status: "Status", move: "Jog", settings: "Parameters", log: "Log" } as const;
type Name = keyof typeof names;

/** Everything that is not needed at every moment, one at a time. */
export function Panel() {
  const now = state.value;
  const shown = (Object.keys(names) as Name[]).filter(
    (name) => (name !== "settings" || now?.parameters !== undefined) && (name !== "move" || now?.arm.jogs),
  );
  const open = shown.includes(tab.value) ? tab.value : "status";
  const trouble = now?.health.some(({ level }) => level === "error" || level === "warn") === true;
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = shown[(shown.indexOf(open) + step + shown.length) % shown.length] as Name;
    tab.value = next;
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <section class="panel">
      <div class="tabs" role="tablist" aria-label="Details" onKeyDown={onKey}>
        {shown.map((name) => (
          <button
            key={name}
            id={`tab-${name}`}
            type="button"
            role="tab"
            aria-selected={open === name}
            aria-controls="panel"
            tabIndex={open === name ? 0 : -1}
            onClick={() => {
              tab.value = name;
            }}
          >
            {names[name]}
            {name === "status" && trouble && <i class="alarm" title="something is wrong" />}
          </button>
        ))}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what it scrolls must be reached by keyboard */}
      <div id="panel" role="tabpanel" aria-labelledby={`tab-${open}`} tabIndex={0}>
        {open === "status" && <Status />}
        {open === "move" && <Jog />}
        {open === "settings" && <Parameters />}
        {open === "log" && <Log />}
      </div>
    </section>
  );
}
