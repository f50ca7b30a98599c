import { expect, it } from "vitest";
import type { Answer, ConsoleState } from "../../../src/console/protocol.js";
import { EncodedFrame } from "../../../src/console/server/encoder.js";
import { SessionRecorder, type SessionSource } from "../../../src/console/server/session-recorder.js";
import { readSession } from "../../../src/console/session-file.js";

const image = { width: 640, height: 480, data: new Uint8Array(640 * 480 * 3).fill(90) };
const header = { seq: 1, width: 640, height: 480, stamp: "1", frameId: "camera" };
const source = (log: () => string): SessionSource => ({
  snapshot: () => ({ state: state(log()), answers: [] }),
  assetsOf: async ({ id }) => [{ path: `answers/${id}/cloud`, data: Buffer.alloc(1_000_000, id) }],
  gripperAssets: async () => [],
  assets: () => [{ path: "robot", data: Buffer.from("{}") }],
});
const state = (log: string) => ({ log: [{ at: "", level: "info", text: log }] }) as unknown as ConsoleState;

it("saves an image that is still being encoded, at the time at which it came", async () => {
  const recorder = new SessionRecorder(source(() => "begin"));
  recorder.command({ who: "operator 1", what: "ask", outcome: "done" });
  recorder.frame({ header, encoded: new EncodedFrame(image), arrived: performance.now() });
  // The image is ready only after this.
  await new Promise((resolve) => setTimeout(resolve, 3));
  recorder.command({ who: "operator 1", what: "choose", outcome: "done" });
  const records = readSession(await recorder.file());
  const times = records.map(({ at }) => at);
  expect([...times].sort((a, b) => a - b)).toEqual(times);
  const what = records.map((each) =>
    each.kind !== "event"
      ? each.kind
      : each.event.type === "command"
        ? each.event.command.what
        : each.event.type,
  );
  expect(what).toEqual(["asset", "snapshot", "ask", "frame", "choose", "snapshot"]);
});

it("ends with the state as it is when the file is saved, told or not", async () => {
  let log = "begin";
  const recorder = new SessionRecorder(source(() => log));
  recorder.state(state(log));
  log = "answered";
  const last = readSession(await recorder.file()).at(-1);
  expect(last).toMatchObject({ event: { type: "snapshot", state: state("answered") } });
});

const answer = (id: number, query: string) => ({ id, result: { query } }) as unknown as Answer;
const assetsIn = async (recorder: SessionRecorder) =>
  readSession(await recorder.file()).flatMap((each) => (each.kind === "asset" ? [each.asset] : []));

it("holds what the page shows of each answer, byte for byte", async () => {
  const recorder = new SessionRecorder(source(() => "begin"));
  recorder.answers([answer(7, "the mug")]);
  recorder.answers([answer(8, "the can"), answer(7, "the mug")]);
  const assets = await assetsIn(recorder);
  expect(assets.map(({ path }) => path)).toEqual(["robot", "answers/7/cloud", "answers/8/cloud"]);
  expect(Buffer.from(assets[1]!.data).equals(Buffer.alloc(1_000_000, 7))).toBe(true);
});

it("is bounded in memory, the oldest answers' assets going first", async () => {
  const recorder = new SessionRecorder(source(() => "begin"));
  for (let id = 1; id <= 70; id++) recorder.answers([answer(id, "the mug")]);
  await recorder.file();
  recorder.command({ who: "operator 1", what: "ask", outcome: "done" });
  const file = await recorder.file();
  expect(file.length).toBeLessThan(50 * 1024 * 1024);
  const paths = (await assetsIn(recorder)).map(({ path }) => path);
  expect(paths).not.toContain("answers/1/cloud");
  expect(paths.at(-1)).toBe("answers/70/cloud");
});
