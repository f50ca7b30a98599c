import { ask, here } from "../store.js";

/** The place an operator pointed at: a mark on the image, and the names the model has for it. */
export function Here({ width, height }: { width: number; height: number }) {
  const at = here.value;
  if (at === undefined) return null;
  const close = () => {
    here.value = undefined;
  };
  return (
    <div
      class={`here ${at.x > width * 0.62 ? "leftwards" : ""} ${at.y > height * 0.7 ? "upwards" : ""}`}
      style={{ left: `${(at.x / width) * 100}%`, top: `${(at.y / height) * 100}%` }}
    >
      <i aria-hidden="true" />
      <div>
        {at.names === undefined && <span>what is here?</span>}
        {at.names?.length === 0 && <span>nothing the console has a name for</span>}
        {at.names && at.names.length > 0 && (
          <span class="names">
            {at.names.map(({ name, probability }) => (
              <button
                key={name}
                type="button"
                class="chip"
                title={`Find the ${name}`}
                onClick={() => void ask(`the ${name}`)}
              >
                {name} <small>{Math.round(probability * 100)} %</small>
              </button>
            ))}
          </span>
        )}
        <button type="button" class="quiet tiny" aria-label="Close" onClick={close}>
          ×
        </button>
      </div>
    </div>
  );
}
