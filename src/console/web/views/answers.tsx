import type { Answer } from "../../protocol.js";
import { colourOf } from "../draw.js";
import { answers, choose, inControl, opened, selected } from "../store.js";
import { HoldToPick } from "./hold.js";

export function Answers() {
  if (answers.value.length === 0) return null;
  return (
    <section class="answers" aria-label="Answers">
      {answers.value.map((answer, index) =>
        answer.id === selected.value?.id ? (
          <One key={answer.id} answer={answer} colour={colourOf(index)} />
        ) : (
          <button
            key={answer.id}
            type="button"
            class="older"
            onClick={() => {
              opened.value = answer.id;
            }}
          >
            <i style={{ background: colourOf(index) }} aria-hidden="true" />
            <span>{answer.result.query}</span>
            <small>{answer.result.found ? percent(best(answer)) : "not found"}</small>
          </button>
        ),
      )}
    </section>
  );
}

const percent = (value: number) => `${Math.round(value * 100)} %`;
const best = ({ result, chosen }: Answer) => result.detections[chosen]?.score ?? 0;

function One({ answer, colour }: { answer: Answer; colour: string }) {
  const { detections, grasps, query, image } = answer.result;
  const grasp = grasps[0];
  return (
    <article>
      <h2>
        <i style={{ background: colour }} aria-hidden="true" />
        {query}
      </h2>
      <p class={answer.result.found ? "" : "missed"}>{answer.text}</p>
      {answer.asked === "ros" && <p class="fine">asked over ROS</p>}
      {detections.length > 0 && (
        <div class="candidates" role="radiogroup" aria-label={`Candidates for ${query}`}>
          {detections.map(({ score, box }, candidate) => (
            // biome-ignore lint/a11y/useSemanticElements: an image to choose; radios cannot hold one
            <button
              key={candidate}
              type="button"
              role="radio"
              aria-checked={candidate === answer.chosen}
              class={candidate === answer.chosen ? "candidate chosen" : "candidate"}
              disabled={!inControl.value}
              onClick={() => void choose(answer.id, candidate)}
            >
              <img
                src={`api/answers/${answer.id}/candidates/${candidate}.jpg`}
                alt={`candidate ${candidate + 1}`}
                width={84}
                height={84}
              />
              <strong>{percent(score)}</strong>
              <small>{place(box, image)}</small>
            </button>
          ))}
        </div>
      )}
      {grasp && (
        <p class="fine">
          {grasps.length === 1 ? "1 grasp" : `${grasps.length} grasps`}, best {grasp.score.toFixed(2)},
          opening {Math.round(grasp.width * 1000)} mm
        </p>
      )}
      {grasp && <HoldToPick answer={answer.id} />}
    </article>
  );
}

/** Where a box is in the image, in words. */
function place(
  [x1, y1, x2, y2]: readonly number[],
  { width, height }: { width: number; height: number },
): string {
  const x = ((x1 ?? 0) + (x2 ?? 0)) / 2 / width;
  const y = ((y1 ?? 0) + (y2 ?? 0)) / 2 / height;
  const row = y < 0.37 ? "top" : y > 0.63 ? "bottom" : "";
  const column = x < 0.37 ? "left" : x > 0.63 ? "right" : "";
  return [row, column].filter(Boolean).join(" ") || "middle";
}
