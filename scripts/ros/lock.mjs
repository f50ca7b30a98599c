// One set-up at a time: two would build into the same folders.
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { progress } from "./run.mjs";

/** Runs `action` alone; waits for another set-up that is at work and takes over from one that died. */
export function withLock(file, action) {
  let told = false;
  for (;;) {
    try {
      const handle = openSync(file, "wx");
      writeSync(handle, String(process.pid));
      closeSync(handle);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (!alive(holder(file))) {
        rmSync(file, { force: true });
        continue;
      }
      if (!told) progress("waiting for another set-up that is at work");
      told = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    }
  }
  try {
    return action();
  } finally {
    rmSync(file, { force: true });
  }
}

const holder = (file) => {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return Number.NaN;
  }
};

function alive(pid) {
  // A lock without a number is one that is being written.
  if (!(pid > 0)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
