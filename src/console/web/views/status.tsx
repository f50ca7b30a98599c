import { screenLatency, state, you } from "../store.js";

export function Status() {
  const now = state.value;
  if (now === undefined) return null;
  const { stats, model, source, arm, log } = now;
  const stages = Object.entries(stats.latency);
  return (
    <>
      <details class="status" open>
        <summary>Status</summary>
        <dl>
          <dt>source</dt>
          <dd>
            {source.kind === "bag" ? "recording" : "live"} {source.name}
          </dd>
          <dt>pictures</dt>
          <dd>
            {stats.fps.toFixed(1)} a second, {stats.dropped} left out, {screenLatency.value ?? "–"} ms to the
            screen
          </dd>
          <dt>model</dt>
          <dd>
            {model.name}
            {model.busy ? `, ${model.waiting} at work or waiting` : ", free"}
          </dd>
          {stages.length > 0 && (
            <>
              <dt>last answer</dt>
              <dd>{stages.map(([stage, ms]) => `${stage} ${Math.round(ms)} ms`).join(", ")}</dd>
            </>
          )}
          <dt>arm</dt>
          <dd>{arm.text}</dd>
          <dt>connected</dt>
          <dd>
            {stats.clients}; you are {you.value?.name}
          </dd>
        </dl>
        {source.problems.map((problem) => (
          <p key={problem} class="notice bad">
            {problem}
          </p>
        ))}
      </details>
      {log.length > 0 && (
        <details class="log">
          <summary>Log</summary>
          <ol>
            {log.map((line) => (
              <li key={line.at + line.text} class={line.level}>
                <time dateTime={line.at}>{line.at.slice(11, 19)}</time> {line.text}
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  );
}
