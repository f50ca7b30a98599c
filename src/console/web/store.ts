import { computed, effect, signal } from "@preact/signals";
import type { Answer, Command, ConsoleState, FrameHeader, Identity, ServerMessage } from "../protocol.js";
import { Live, Refused } from "./live.js";

/** What the page shows. The server holds the truth; this is its mirror, and what only concerns this browser. */
export const you = signal<Identity | undefined>(undefined);
export const needsToken = signal(false);
export const state = signal<ConsoleState | undefined>(undefined);
export const answers = signal<readonly Answer[]>([]);
export const connection = signal<"start" | "connecting" | "open" | "lost" | "refused">("start");
export const header = signal<FrameHeader | undefined>(undefined);
/** Milliseconds from the picture's arrival at the console to the screen. */
export const screenLatency = signal<number | undefined>(undefined);
export const notice = signal<{ readonly text: string; readonly bad: boolean } | undefined>(undefined);
export const asking = signal(false);
export const suggestions = signal<readonly string[]>([]);

export const layers = {
  boxes: kept("boxes", true),
  masks: kept("masks", true),
  heat: kept("heat", false),
  grasps: kept("grasps", true),
};
export const history = kept<readonly string[]>("history", []);
export const theme = kept<"auto" | "light" | "dark">("theme", "auto");

export const inControl = computed(() => {
  const holder = state.value?.lease.holderId;
  return you.value?.role === "operator" && (holder === undefined || holder === you.value.id);
});
export const stopped = computed(() => state.value?.estop.latched === true);

let paint: (header: FrameHeader, bitmap: ImageBitmap) => void = (_header, bitmap) => bitmap.close();

/** Where pictures are drawn. */
export function onPicture(painter: typeof paint): void {
  paint = painter;
}

export const live = new Live({
  connection(value) {
    connection.value = value;
    if (value === "refused") you.value = undefined;
  },
  message: receive,
  picture(next, bitmap, shown) {
    const decoded = performance.now();
    requestAnimationFrame(() => {
      paint(next, bitmap);
      header.value = next;
      screenLatency.value = Math.round(next.age + performance.now() - decoded);
      shown();
    });
  },
});

function receive(message: ServerMessage): void {
  if (message.type === "hello") {
    you.value = message.you;
    state.value = message.state;
    answers.value = message.answers;
  } else if (message.type === "state" && state.value !== undefined) {
    // A part that is gone is told as null.
    const parts = Object.fromEntries(
      Object.entries(message.state).map(([key, value]) => [key, value ?? undefined]),
    );
    state.value = { ...state.value, ...(parts as Partial<ConsoleState>) };
  } else if (message.type === "answers") {
    answers.value = message.answers;
  }
}

let clearing: ReturnType<typeof setTimeout> | undefined;

export function say(text: string, bad = false): void {
  notice.value = { text, bad };
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
  const { done, result } = await act({ name: "ask", query });
  asking.value = false;
  if (done) say((result as Answer).text);
}

/** Stops, over whichever way answers first. */
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

let beating: ReturnType<typeof setInterval> | undefined;

/** Runs a motion as long as its button is held: heartbeats go out until `letGo`. */
export function hold(command: Command): void {
  if (beating !== undefined) return;
  beating = setInterval(() => live.beat(), 40);
  void act(command).then(({ done, result }) => {
    clearInterval(beating);
    beating = undefined;
    if (done) say((result as { message?: string } | undefined)?.message ?? "done");
  });
}

/** Jogs the tool as long as its button is held. */
export function holdJog(linear: [number, number, number], angular: [number, number, number]): void {
  if (beating !== undefined) return;
  const mine = setInterval(() => live.drive(linear, angular), 40);
  beating = mine;
  void act({ name: "jog" }).then(({ done }) => {
    if (done || beating !== mine) return;
    clearInterval(mine);
    beating = undefined;
  });
}

/** The button was released, or it can no longer be known that it is held. */
export function letGo(): void {
  if (beating === undefined) return;
  clearInterval(beating);
  beating = undefined;
  void act({ name: "release" });
}

window.addEventListener("blur", letGo);
document.addEventListener("visibilitychange", letGo);

export async function signIn(
  token: string | undefined,
  name: string | undefined,
): Promise<string | undefined> {
  const answer = await fetch("api/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...(token && { token }), ...(name && { name }) }),
  });
  const body = (await answer.json()) as Identity & { error?: { message: string } };
  if (!answer.ok) return body.error?.message ?? "signing in failed";
  you.value = body;
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

/** A signal that is remembered in this browser. */
function kept<T>(name: string, initial: T) {
  const key = `grasp-grounding.${name}`;
  let value = initial;
  try {
    const text = localStorage.getItem(key);
    if (text !== null) value = JSON.parse(text) as T;
  } catch {
    // Nothing is remembered where storage is forbidden.
  }
  const remembered = signal<T>(value);
  effect(() => {
    try {
      localStorage.setItem(key, JSON.stringify(remembered.value));
    } catch {
      // As above.
    }
  });
  return remembered;
}
