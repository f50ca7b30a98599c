import { signal } from "@preact/signals";
import { beatEvery } from "../heartbeat.js";
import type { Command } from "../protocol.js";
import { act, live, plan, say } from "./store.js";

/** Heartbeats sent while a button is held. */
export const beats = signal(0);
/** The act whose button is held: this button stays as it is until it is released. */
export const held = signal<string | undefined>(undefined);

let beating: ReturnType<typeof setInterval> | undefined;

function beatBy(send: () => void): ReturnType<typeof setInterval> {
  beats.value = 0;
  return setInterval(() => {
    send();
    beats.value++;
  }, beatEvery);
}

/** Runs a motion as long as its button is held: heartbeats go out until `letGo`. @param id of the act */
export function hold(id: string, command: Command): void {
  if (beating !== undefined) return;
  held.value = id;
  const mine = beatBy(() => live.beat());
  beating = mine;
  plan.value = undefined;
  void act(command).then(({ done, result }) => {
    clearInterval(mine);
    if (beating === mine) {
      beating = undefined;
      held.value = undefined;
    }
    if (!done) return;
    const message = (result as { message?: string } | undefined)?.message ?? "done";
    say(message, /^(stopped|the page was late|the connection)/.test(message));
  });
}

/** Jogs the tool as long as its button is held. @param limit metres or radians of one step */
export function holdJog(
  linear: [number, number, number],
  angular: [number, number, number],
  limit?: number,
): void {
  jog(() => live.drive(linear, angular), limit);
}

/** Turns one joint as long as its button is held. @param limit radians of one step */
export function holdTurn(joint: number, velocity: number, limit?: number): void {
  jog(() => live.turn(joint, velocity), limit);
}

function jog(send: () => void, limit: number | undefined): void {
  if (beating !== undefined) return;
  plan.value = undefined;
  const mine = beatBy(send);
  beating = mine;
  void act({ name: "jog", ...(limit !== undefined && { limit }) }).then(({ done }) => {
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
  held.value = undefined;
  void act({ name: "release" });
}

window.addEventListener("blur", letGo);
document.addEventListener("visibilitychange", letGo);
