import { signal } from "@preact/signals";
import { beatEvery } from "../heartbeat.js";
import type { Command } from "../protocol.js";
import { act, live, plan, say } from "./store.js";

/** Heartbeats sent while a button is held. */
export const beats = signal(0);

let beating: ReturnType<typeof setInterval> | undefined;

function beatBy(send: () => void): ReturnType<typeof setInterval> {
  beats.value = 0;
  return setInterval(() => {
    send();
    beats.value++;
  }, beatEvery);
}

/** Runs a motion as long as its button is held: heartbeats go out until `letGo`. */
export function hold(command: Command): void {
  if (beating !== undefined) return;
  beating = beatBy(() => live.beat());
  plan.value = undefined;
  void act(command).then(({ done, result }) => {
    clearInterval(beating);
    beating = undefined;
    if (done) say((result as { message?: string } | undefined)?.message ?? "done");
  });
}

/** Jogs the tool as long as its button is held. */
export function holdJog(linear: [number, number, number], angular: [number, number, number]): void {
  jog(() => live.drive(linear, angular));
}

/** Turns one joint as long as its button is held. */
export function holdTurn(joint: number, velocity: number): void {
  jog(() => live.turn(joint, velocity));
}

function jog(send: () => void): void {
  if (beating !== undefined) return;
  plan.value = undefined;
  const mine = beatBy(send);
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
