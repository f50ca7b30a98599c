import type { Answer } from "../../protocol.js";
import { colourOf } from "../draw.js";
import { age } from "../freshness.js";
import { imageUrl } from "../resources.js";
import { answers, choose, inControl, opened, selected } from "../store.js";
import { Snapshot } from "./drawing.js";
import { HoldToPick } from "./hold.js";

export function Answers() {
  if (answers.value.length === 0) return null;
  return (
    <section class="answers" aria-label="Answers">
      {answers.value.map((answer) =>
        answer.id === selected.value?.id ? (
          <One key={answer.id} answer={answer} />
        ) : (
          <button
            key={answer.id}
            type="button"
            class="older"
            onClick={() => {
              opened.value = answer.id;
            }}
          >
            <i style={{ background: colourOf(answer) }} aria-hidden="true" />
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
const words = { sure: "sure", unsure: "not sure", not_found: "not found" } as const;

function One({ answer }: { answer: Answer }) {
  const { grasps, query } = answer.result;
  const [grasp] = grasps;
  const seconds = age(answer);
  const { confidence, confirmed } = answer;
  return (
    <article>
      <h2>
        <i style={{ background: colourOf(answer) }} aria-hidden="true" />
        <span title={query}>{query}</span>
        <small class={`confidence ${confirmed ? "sure" : confidence}`}>
          {confirmed ? "confirmed" : words[confidence]}
        </small>
      </h2>
      {answer.understood !== undefined && <p class="fine">{answer.understood}</p>}
      <p class={answer.result.found ? "" : "missed"}>{answer.text}</p>
      {answer.asked === "ros" && <p class="fine">asked over ROS</p>}
      {seconds > 0 && answer.result.found && (
        <div class="as-of">
          <Snapshot answer={answer} />
          <p class="fine">
            The image of this answer,{" "}
            {seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`} from the one shown
            now.
          </p>
        </div>
      )}
      <Candidates answer={answer} />
      {grasp && (
        <p class="fine">
          {grasps.length === 1 ? "1 grasp" : `${grasps.length} grasps`}, best {grasp.score.toFixed(2)},
          opening {Math.round(grasp.width * 1000)} mm
        </p>
      )}
      {grasp && <HoldToPick answer={answer} />}
    </article>
  );
}

/** The candidates to choose from; where several fit about equally well, the operator is asked which one is meant. */
function Candidates({ answer }: { answer: Answer }) {
  const { detections, query, image, question } = answer.result;
  if (detections.length === 0) return null;
  const open = answer.ambiguous && !answer.confirmed;
  const offer = question?.labels.length === 0 ? question.text : undefined;
  return (
    <>
      {offer && <p class="which">{offer}</p>}
      {offer && <p class="fine">Answer “yes” or “no” in the field above.</p>}
      {open && !offer && <p class="which">{question?.text ?? "Which one?"}</p>}
      {open && !offer && question && (
        <p class="fine">Choose one below, or answer in the field above: “{question.labels[0]}”.</p>
      )}
      <div class="candidates" role="radiogroup" aria-label={`Candidates for ${query}`}>
        {detections.map(({ score, box }, candidate) => {
          const chosen = candidate === answer.chosen && !open;
          return (
            // biome-ignore lint/a11y/useSemanticElements: an image to choose; radios cannot hold one
            <button
              key={candidate}
              type="button"
              role="radio"
              aria-checked={chosen}
              class={chosen ? "candidate chosen" : "candidate"}
              disabled={!inControl.value}
              onClick={() => void choose(answer, candidate)}
            >
              <img
                src={imageUrl(`answers/${answer.id}/candidates/${candidate}.jpg`)}
                alt={`candidate ${candidate + 1}`}
                width={84}
                height={84}
              />
              <strong>{percent(score)}</strong>
              <small>{question?.labels[candidate] ?? place(box, image)}</small>
            </button>
          );
        })}
      </div>
    </>
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
