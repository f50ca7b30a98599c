import { expect, it } from "vitest";
import type { ConsoleState } from "../../../src/console/protocol.js";
import { EncodedFrame } from "../../../src/console/server/encoder.js";
import { SessionRecorder } from "../../../src/console/server/session-recorder.js";
import { readSession } from "../../../src/console/session-file.js";

const image = { width: 640, height: 480, data: new Uint8Array(640 * 480 * 3).fill(90) };
const header = { seq: 1, width: 640, height: 480, stamp: "1", frameId: "camera" };
const state = (log: string) => ({ log: [{ at: "", level: "info", text: log }] }) as unknown as ConsoleState;

it("saves an image that is still being encoded, at the time at which it came", async () => {
  const recorder = new SessionRecorder(() => ({ state: state("begin"), answers: [] }));
  recorder.command({ who: "operator 1", what: "ask", outcome: "done" });
  recorder.frame({ header, encoded: new EncodedFrame(image), arrived: performance.now() });
  // The image is ready only after this.
  await new Promise((resolve) => setTimeout(resolve, 3));
  recorder.command({ who: "operator 1", what: "choose", outcome: "done" });
  const records = readSession(await recorder.file());
  const times = records.map(({ at }) => at);
  expect([...times].sort((a, b) => a - b)).toEqual(times);
  const what = records.map((each) =>
    each.kind === "frame"
      ? "image"
      : each.event.type === "command"
        ? each.event.command.what
        : each.event.type,
  );
  expect(what).toEqual(["snapshot", "ask", "image", "choose", "snapshot"]);
});

it("ends with the state as it is when the file is saved, told or not", async () => {
  let log = "begin";
  const recorder = new SessionRecorder(() => ({ state: state(log), answers: [] }));
  recorder.state(state(log));
  log = "answered";
  const last = readSession(await recorder.file()).at(-1);
  expect(last).toMatchObject({ event: { type: "snapshot", state: state("answered") } });
});
