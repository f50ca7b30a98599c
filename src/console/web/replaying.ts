import { signal } from "@preact/signals";
import { readSession, type SessionEvent, type SessionRecord } from "../session-file.js";
import { header, show } from "./images.js";
import { takeFrom } from "./resources.js";
import { answers, replaying, say, state, you } from "./store.js";

/** Seconds from the start of the session that is replayed, and its length. */
export const position = signal(0);
export const duration = signal(0);
export const playing = signal(false);
/** Step of the position in seconds. */
export const seekStep = 0.1;
/** The last command before the position, in words. */
export const command = signal("");

/** Without the assets. */
let records: readonly SessionRecord[] = [];
let next = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Shows a recorded session in place of the live one. The live connection stays for the emergency stop alone. */
export async function openSession(file: Blob): Promise<void> {
  try {
    const read = readSession(new Uint8Array(await file.arrayBuffer()));
    if (read.length === 0) throw new Error("the recorded session is empty");
    records = read.filter(({ kind }) => kind !== "asset");
    takeFrom(read.flatMap((each) => (each.kind === "asset" ? [each.asset] : [])));
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true);
    return;
  }
  replaying.value = true;
  you.value = { id: "", name: "replay", role: "viewer" };
  // A whole number of steps: the slider can reach the last record.
  duration.value = Math.ceil(((records.at(-1)?.at ?? 0) - start()) / 1000 / seekStep) * seekStep;
  seek(0);
}

/** Ends the replay: the page begins anew with the live session. */
export const closeSession = (): void => location.reload();

const start = (): number => records[0]?.at ?? 0;

/** Shows the session as it was `seconds` after its start. */
export function seek(seconds: number): void {
  const at = start() + seconds * 1000;
  const end = records.findIndex((record) => record.at > at);
  const past = records.slice(0, end === -1 ? records.length : Math.max(1, end));
  const isEvent = (record: SessionRecord, type: SessionEvent["type"]) =>
    record.kind === "event" && record.event.type === type;
  const from = past.findLastIndex((record) => isEvent(record, "snapshot"));
  const last = [
    past.findLast((record) => isEvent(record, "command")),
    ...past.slice(Math.max(0, from)).filter(({ kind }) => kind === "event"),
    past.findLast(({ kind }) => kind === "frame"),
  ];
  command.value = "";
  for (const record of last) if (record !== undefined) apply(record);
  next = past.length;
  position.value = seconds;
}

export function play(on: boolean): void {
  clearInterval(timer);
  playing.value = on;
  if (!on) return;
  if (position.value >= duration.value) seek(0);
  let last = performance.now();
  timer = setInterval(() => {
    const now = performance.now();
    position.value = Math.min(duration.value, position.value + (now - last) / 1000);
    last = now;
    const at = start() + position.value * 1000;
    for (let record = records[next]; record !== undefined && record.at <= at; record = records[++next])
      apply(record);
    if (position.value >= duration.value) play(false);
  }, 50);
}

function apply(record: SessionRecord): void {
  if (record.kind === "asset") return;
  if (record.kind === "frame") {
    const { header: of, jpeg } = record;
    void createImageBitmap(new Blob([jpeg as BlobPart], { type: "image/jpeg" })).then((bitmap) => {
      show(of, bitmap, () => undefined);
      header.value = of;
    });
    return;
  }
  const { event } = record;
  if (event.type === "snapshot") {
    state.value = event.state;
    answers.value = event.answers;
  } else if (event.type === "answers") answers.value = event.answers;
  else if (event.type === "command") {
    const { who, what, outcome } = event.command;
    command.value = `${who}: ${what}${outcome === "done" ? "" : ` (${outcome})`}`;
  } else if (state.value !== undefined) {
    const parts = Object.fromEntries(
      Object.entries(event.state).map(([key, value]) => [key, value ?? undefined]),
    );
    state.value = { ...state.value, ...parts };
  }
}
