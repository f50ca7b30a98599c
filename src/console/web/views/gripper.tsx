import { held } from "../holding.js";
import { imageUrl } from "../resources.js";
import { placeAt, placing, state } from "../store.js";
import { Act, armReady, Heartbeat } from "./act.js";

/**
 * What the gripper holds, or may hold, and what can be done about it; an empty gripper only where the arm is not at
 * home.
 */
export function Gripper() {
  const arm = state.value?.arm;
  const { gripper, acts = [] } = arm ?? {};
  if (arm === undefined || gripper === undefined) return null;
  const offered = (act: string) => (acts as readonly string[]).includes(act) || held.value === act;
  if (gripper.state === "empty" && held.value === undefined && (arm.moving || !offered("home"))) return null;
  // While a pick is held its own card shows the motion.
  if (held.value === "pick") return null;
  const name = gripper.object ?? "the object";
  const unsure = gripper.state === "unsure";
  return (
    <article class={`gripper ${gripper.state}`} aria-label="Gripper">
      <div class="row">
        {gripper.thumbnail !== undefined && (
          <img src={imageUrl(`gripper.jpg?${gripper.thumbnail}`)} alt={name} width={56} height={56} />
        )}
        <h2>
          {gripper.state === "empty"
            ? "The gripper is empty; the arm is not at home"
            : unsure
              ? `The gripper may be holding ${gripper.object ?? "something"}`
              : `Holding ${name}`}
        </h2>
      </div>
      {unsure && (
        <p class="fine">
          The motion ended while the fingers moved. Open the gripper to release, or close it to find out.
        </p>
      )}
      <div class="act">
        {unsure && offered("open") && <Open lead />}
        {offered("put-here") && (
          <Act
            id="put-here"
            lead={!unsure}
            command={() => ({ name: "place", here: true })}
            label={`Put down ${name} here`}
          >
            Put down here
          </Act>
        )}
        {offered("put-back") && (
          <Act id="put-back" command={() => ({ name: "place" })} label={`Put ${name} back`}>
            Put back
          </Act>
        )}
        {offered("put-at") && <PutAt name={name} />}
        {unsure && offered("close") && (
          <Act id="close" command={() => ({ name: "gripper", action: "close" })}>
            Close gripper
          </Act>
        )}
        {!unsure && gripper.state !== "empty" && offered("open") && <Open />}
        {offered("home") && (
          <Act id="home" command={() => ({ name: "move", to: "home" })}>
            Return home
          </Act>
        )}
        <Heartbeat />
      </div>
      <p class="fine">The arm moves while a button is held.</p>
    </article>
  );
}

export const Open = ({ lead = false }: { lead?: boolean }) => (
  <Act id="open" lead={lead} command={() => ({ name: "gripper", action: "open" })}>
    Open gripper
  </Act>
);

/** Puts down at a point of the image: chosen by a click first. */
function PutAt({ name }: { name: string }) {
  const at = placeAt.value;
  if (at === undefined && held.value !== "put-at")
    return (
      <button
        type="button"
        disabled={!armReady.value || state.value?.arm.moving === true}
        aria-pressed={placing.value}
        onClick={() => {
          placing.value = !placing.value;
        }}
      >
        {placing.value ? "Click on the image…" : "Choose a place"}
      </button>
    );
  return (
    <>
      <Act
        id="put-at"
        command={() => ({ name: "place", at: [at?.[0] ?? 0, at?.[1] ?? 0] })}
        label={`Put down ${name} there`}
      >
        Put down there
      </Act>
      {held.value !== "put-at" && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            placeAt.value = undefined;
          }}
        >
          Forget the place
        </button>
      )}
    </>
  );
}
