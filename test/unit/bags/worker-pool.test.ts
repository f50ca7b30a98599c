import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { WorkerPool } from "../../../src/bags/compression/worker-pool.js";
import { repository } from "../../support/python.js";

/** Answers with the number it was sent, its thread, and how many it has answered; dies of a negative one. */
const program = `
const { parentPort, threadId, workerData } = require("node:worker_threads");
let answered = 0;
parentPort.on("message", ({ number }) => {
  if (number < 0) throw new Error("died of " + number);
  parentPort.postMessage({ number: number + workerData.more, threadId, answered: ++answered });
});
`;

interface Reply {
  readonly number: number;
  readonly threadId: number;
  readonly answered: number;
}

const work = (number: number, last = false) => ({ message: { number }, transfer: [], last });

it("every job gets its own answer, from a few threads that are used again", async () => {
  const pool = new WorkerPool<Reply>(program, { more: 100 });
  const numbers = Array.from({ length: 50 }, (_, i) => i);
  const replies = await Promise.all(numbers.map((number) => pool.run(work(number))));
  expect(replies.map(({ number }) => number)).toEqual(numbers.map((number) => number + 100));
  expect(new Set(replies.map(({ threadId }) => threadId)).size).toBeLessThanOrEqual(4);
});

it("a thread that dies fails what it had, and the next job gets another", async () => {
  const pool = new WorkerPool<Reply>(program, { more: 0 });
  const { threadId } = await pool.run(work(1));
  await expect(pool.run(work(-7))).rejects.toThrow("died of -7");
  const after = await pool.run(work(2));
  expect(after).toMatchObject({ number: 2, answered: 1 });
  expect(after.threadId).not.toBe(threadId);
});

it("a thread that is not to be used again is replaced", async () => {
  const pool = new WorkerPool<Reply>(program, { more: 0 });
  const { threadId } = await pool.run(work(1, true));
  const after = await pool.run(work(2));
  expect(after.threadId).not.toBe(threadId);
  expect(after.answered).toBe(1);
});

it("idle threads do not keep the process alive, busy ones do", () => {
  const pool = pathToFileURL(`${repository}/dist/src/bags/compression/worker-pool.js`).href;
  const script = `
    import { WorkerPool } from ${JSON.stringify(pool)};
    const pool = new WorkerPool(${JSON.stringify(program)}, { more: 0 });
    pool.run({ message: { number: 3 }, transfer: [] }).then(({ number }) => console.log(number));
  `;
  const args = ["--input-type=module", "--eval", script];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 20_000 });
  expect([status, stdout]).toEqual([0, "3\n"]);
});
