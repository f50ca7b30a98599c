import { state } from "../store.js";
import { SessionFiles } from "./replay.js";

/** Questions, answers, motions with their reasons, and warnings, newest first. */
export function Log() {
  const lines = state.value?.log ?? [];
  return (
    <>
      <SessionFiles />
      {lines.length === 0 && <p class="fine">Nothing has happened yet.</p>}
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
