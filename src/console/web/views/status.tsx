import { screenLatency } from "../images.js";
import { state, you } from "../store.js";

/** Colours of the stages, apart for the colour-blind too. */
const colours = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#f0e442", "#0072b2"];

export function Status() {
  const now = state.value;
  if (now === undefined) return null;
  const { stats, model, health } = now;
  return (
    <>
      <dl class="tiles">
        <Tile name="images" value={stats.fps.toFixed(1)} unit="a second" />
        <Tile
          name="end-to-end latency"
          value={stats.fps > 0 ? String(screenLatency.value ?? "–") : "–"}
          unit="ms"
        />
        <Tile name="frames dropped" value={String(stats.dropped + stats.modelDropped)} unit="" />
        <Tile name="model" value={model.name || "–"} unit={model.provider ?? ""} />
      </dl>
      <Stages latency={stats.latency} />
      <ul class="health" aria-label="Health">
        {health.map(({ name, level, text, values }) => (
          <li key={name}>
            <details>
              <summary>
                <i class={`lamp ${level}`} role="img" aria-label={level} />
                <strong>{name}</strong>
                <span>{text}</span>
              </summary>
              <dl class="values">
                {Object.entries(values).map(([key, value]) => (
                  <div key={key}>
                    <dt>{key.replaceAll("_", " ")}</dt>
                    <dd>{value || "–"}</dd>
                  </div>
                ))}
              </dl>
            </details>
          </li>
        ))}
      </ul>
      <p class="fine">
        {stats.clients === 1 ? "1 browser" : `${stats.clients} browsers`} connected; you are {you.value?.name}
      </p>
    </>
  );
}

const Tile = ({ name, value, unit }: { name: string; value: string; unit: string }) => (
  <div class="tile">
    <dt>{name}</dt>
    <dd>
      <b>{value}</b> <small>{unit}</small>
    </dd>
  </div>
);

/** Where the time of the last answer went. */
function Stages({ latency }: { latency: Readonly<Record<string, number>> }) {
  const stages = Object.entries(latency).filter(([, ms]) => ms >= 0.05);
  const total = stages.reduce((sum, [, ms]) => sum + ms, 0);
  if (total === 0) return null;
  return (
    <div class="stages">
      <p>
        last answer <b>{Math.round(total)} ms</b>
      </p>
      <div class="bar" aria-hidden="true">
        {stages.map(([name, ms], index) => (
          <i
            key={name}
            style={{ flexGrow: ms, background: colours[index % colours.length] }}
            title={`${name} ${ms.toFixed(1)} ms`}
          />
        ))}
      </div>
      <ul>
        {stages.map(([name, ms], index) => (
          <li key={name}>
            <i style={{ background: colours[index % colours.length] }} aria-hidden="true" />
            {name} {ms < 10 ? ms.toFixed(1) : Math.round(ms)}
          </li>
        ))}
      </ul>
    </div>
  );
}
