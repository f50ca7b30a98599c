import { state } from "../store.js";

/** Questions, answers, motions with their reasons, and warnings, newest first. */
export function Log() {
  const lines = state.value?.log ?? [];
  if (lines.length === 0) return <p class="fine">Nothing has happened yet.</p>;
  return (
    <>
      <a class="download" href="api/log.txt" download="grasp-grounding-log.txt">
        Download the log
      </a>
      <ol class="log">
        {lines.map((line, index) => (
          <li key={`${line.at}${index}`} class={line.level}>
            <time dateTime={line.at}>{new Date(line.at).toLocaleTimeString()}</time>
            <span>{line.text}</span>
          </li>
        ))}
      </ol>
    </>
  );
}
