import type { Answer } from "../../protocol.js";
import { colourOf } from "../draw.js";
import { act, answers, inControl } from "../store.js";
import { HoldToPick } from "./hold.js";

export function Answers() {
  if (answers.value.length === 0) return null;
  return (
    <section class="answers" aria-label="Answers">
      {answers.value.map((answer, index) => (
        <One key={answer.id} answer={answer} colour={colourOf(index)} />
      ))}
    </section>
  );
}

function One({ answer, colour }: { answer: Answer; colour: string }) {
  const { detections, grasps, query } = answer.result;
  const grasp = grasps[0];
  return (
    <article style={{ borderColor: colour }}>
      <h2>{query}</h2>
      <p>{answer.text}</p>
      {detections.length > 0 && (
        <div class="candidates" role="radiogroup" aria-label={`Candidates for ${query}`}>
          {detections.map(({ score }, candidate) => (
            // biome-ignore lint/a11y/useSemanticElements: a picture to choose; radios cannot hold one
            <button
              key={candidate}
              type="button"
              role="radio"
              aria-checked={candidate === answer.chosen}
              class={candidate === answer.chosen ? "candidate chosen" : "candidate"}
              disabled={!inControl.value}
              onClick={() => void act({ name: "choose", answer: answer.id, candidate })}
            >
              <img
                src={`api/answers/${answer.id}/candidates/${candidate}.jpg`}
                alt={`candidate ${candidate + 1}`}
                width={72}
                height={72}
              />
              <span>{Math.round(score * 100)} %</span>
            </button>
          ))}
        </div>
      )}
      {grasp && (
        <p class="fine">
          grasp at {grasp.position.map((value) => value.toFixed(3)).join(", ")} m in {grasp.frame}, opening{" "}
          {Math.round(grasp.width * 1000)} mm, score {grasp.score.toFixed(2)}
        </p>
      )}
      {grasp && <HoldToPick answer={answer.id} />}
    </article>
  );
}
