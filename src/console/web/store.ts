import { computed, signal } from "@preact/signals";
import type { Answer, Command, ConsoleState, Identity, MotionPreview, ServerMessage } from "../protocol.js";
import { show } from "./images.js";
import { Live, Refused } from "./live.js";
import { remembered } from "./remembered.js";

/** What the page shows: a mirror of the server's state, and what concerns this browser alone. */
export const you = signal<Identity | undefined>(undefined);
export const needsToken = signal(false);
export const state = signal<ConsoleState | undefined>(undefined);
export const answers = signal<readonly Answer[]>([]);
export const connection = signal<"start" | "connecting" | "open" | "lost" | "refused">("start");
export const notice = signal<
  { readonly text: string; readonly bad: boolean; readonly spoken: boolean } | undefined
>(undefined);
/** A recorded session is shown in place of the live one. */
export const replaying = signal(false);
export const asking = signal(false);
export const suggestions = signal<readonly string[]>([]);

/** Which of the big views is shown. */
export const view = remembered<"camera" | "scene" | "both">("view", "camera");
export const tab = remembered<"move" | "status" | "settings" | "log">("tab", "status");
/** Answer whose grasp is looked at: the newest unless another was opened. */
export const opened = signal<number | undefined>(undefined);
export const selected = computed(
  () => answers.value.find(({ id }) => id === opened.value) ?? answers.value[0],
);
/** Names of the object at a pixel the operator pointed at; they come when the model has answered. */
export const here = signal<
  | {
      readonly x: number;
      readonly y: number;
      readonly names?: readonly { readonly name: string; readonly probability: number }[];
    }
  | undefined
>(undefined);
/** A click on the image chooses where the held object is put down. */
export const placing = signal(false);
export const placeAt = signal<readonly [number, number] | undefined>(undefined);
/** The planned motion that is shown, and how far its animation is, 0..1. */
export const plan = signal<{ readonly answer: number; readonly preview: MotionPreview } | undefined>(
  undefined,
);
export const planning = signal(false);

export const layers = {
  boxes: remembered("boxes", true),
  masks: remembered("masks", true),
  heat: remembered("heat", false),
  grasps: remembered("grasps", true),
};
/** The name this browser was given: it asks for the same one when it signs in again. */
const lastName = remembered<string | undefined>("name", undefined);
export const history = remembered<readonly string[]>("history", []);
export const theme = remembered<"auto" | "light" | "dark">("theme", "auto");

export const inControl = computed(() => {
  const holder = state.value?.lease.holderId;
  return you.value?.role === "operator" && (holder === undefined || holder === you.value.id);
});
export const stopped = computed(() => state.value?.estop.latched === true);

export const live = new Live({
  connection(value) {
    connection.value = value;
    if (value === "refused") you.value = undefined;
  },
  message(message) {
    if (!replaying.value) receive(message);
  },
  image(header, bitmap, shown) {
    if (!replaying.value) {
      show(header, bitmap, shown);
      return;
    }
    bitmap.close();
    shown();
  },
});

function receive(message: ServerMessage): void {
  if (message.type === "hello") {
    you.value = message.you;
    state.value = message.state;
    answers.value = message.answers;
    here.value = undefined;
  } else if (message.type === "state" && state.value !== undefined) {
    // A part that is gone is told as null.
    const parts = Object.fromEntries(
      Object.entries(message.state).map(([key, value]) => [key, value ?? undefined]),
    );
    state.value = { ...state.value, ...(parts as Partial<ConsoleState>) };
    const { gripper, moving } = state.value.arm;
    if (gripper?.state === "empty" && !moving) {
      placing.value = false;
      placeAt.value = undefined;
    }
  } else if (message.type === "answers") {
    if (message.answers[0]?.id !== answers.value[0]?.id) opened.value = undefined;
    answers.value = message.answers;
    const now = plan.value && message.answers.find(({ id }) => id === plan.value?.answer);
    if (plan.value !== undefined && now === undefined) plan.value = undefined;
  }
}

let clearing: ReturnType<typeof setTimeout> | undefined;

/** @param spoken for screen readers alone: what it says stands on the page already */
export function say(text: string, bad = false, spoken = false): void {
  notice.value = { text, bad, spoken };
  clearTimeout(clearing);
  clearing = setTimeout(() => {
    notice.value = undefined;
  }, 8000);
}

/** Gives a command; a refusal is shown in words. @returns whether it was carried out, and what came of it */
export async function act(command: Command): Promise<{ done: boolean; result?: unknown }> {
  try {
    return { done: true, result: await live.command(command) };
  } catch (error) {
    say(error instanceof Refused ? error.message : String(error), true);
    return { done: false };
  }
}

export async function ask(text: string): Promise<void> {
  const query = text.trim();
  if (query === "") return;
  history.value = [query, ...history.value.filter((other) => other !== query)].slice(0, 20);
  asking.value = true;
  here.value = undefined;
  const { done, result } = await act({ name: "ask", query });
  asking.value = false;
  if (done) say((result as Answer).text, false, true);
}

/** Stops over the live connection, and over HTTP where that fails. */
export function stop(): void {
  const command: Command = { name: "estop" };
  live.command(command).catch(() =>
    fetch("api/command", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(command),
      keepalive: true,
    }).catch(() => say("the stop did not reach the console: use the one on the robot", true)),
  );
}

/** Names what is at a pixel of the image. */
export async function identify(x: number, y: number): Promise<void> {
  here.value = { x, y };
  const { done, result } = await act({ name: "identify", x, y });
  if (here.value?.x !== x || here.value.y !== y) return;
  if (!done) {
    here.value = undefined;
    return;
  }
  const { candidates } = result as { candidates: { name: string; probability: number }[] };
  const names = candidates.filter(({ probability }) => probability >= 0.15);
  here.value = { x, y, names };
  const list = names.map(({ name, probability }) => `${name} (${Math.round(probability * 100)} %)`);
  const text =
    list.length === 0 ? "nothing here that has a name the console knows" : `this may be: ${list.join(", ")}`;
  say(text, false, true);
}

/** Takes a candidate; a motion to another one has to be planned anew. */
export async function choose(answer: Answer, candidate: number): Promise<void> {
  opened.value = answer.id;
  if (answer.chosen === candidate) {
    if (!answer.confirmed) await act({ name: "confirm", answer: answer.id });
    return;
  }
  if (plan.value?.answer === answer.id) plan.value = undefined;
  await act({ name: "choose", answer: answer.id, candidate });
}

/** Plans the motion for an answer and shows it. */
export async function preview(answer: number): Promise<void> {
  planning.value = true;
  const { done, result } = await act({ name: "preview", answer });
  planning.value = false;
  if (!done) return;
  plan.value = { answer, preview: result as MotionPreview };
  if (view.value === "camera") view.value = "scene";
}

export async function signIn(
  token: string | undefined,
  name: string | undefined,
): Promise<string | undefined> {
  const answer = await fetch("api/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...(token && { token }),
      ...((name ?? lastName.value) && { name: name ?? lastName.value }),
    }),
  });
  const body = (await answer.json()) as Identity & { error?: { message: string } };
  if (!answer.ok) return body.error?.message ?? "signing in failed";
  you.value = body;
  lastName.value = body.name;
  live.connect();
  return undefined;
}

export async function begin(): Promise<void> {
  try {
    const answer = await fetch("api/session");
    const body = (await answer.json()) as { needsToken: boolean; you?: Identity; suggestions: string[] };
    needsToken.value = body.needsToken;
    suggestions.value = body.suggestions;
    if (body.you !== undefined) {
      you.value = body.you;
      live.connect();
    } else if (!body.needsToken) {
      const problem = await signIn(undefined, undefined);
      if (problem !== undefined) say(problem, true);
    } else connection.value = "refused";
  } catch {
    connection.value = "lost";
    setTimeout(() => void begin(), 1000);
  }
}
