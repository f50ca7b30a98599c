import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { afterAll, expect, it } from "vitest";
import { WorkerPool } from "../../../src/workers/index.js";
import { repository } from "../../support/python.js";

const module = new URL("./number-worker.mjs", import.meta.url);

interface Reply {
  readonly number: number;
  readonly threadId: number;
  readonly answered: number;
}

const pools: WorkerPool<object, Reply>[] = [];
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
});

function start(more: number, options: { readonly maxThreads?: number; readonly maxQueued?: number } = {}) {
  const pool = new WorkerPool<object, Reply>(module, {
    name: "number thread",
    workerData: { more },
    maxThreads: 4,
    ...options,
  });
  pools.push(pool);
  return pool;
}

it("every request gets its own answer, from a few threads that are used again", async () => {
  const pool = start(100);
  const numbers = Array.from({ length: 50 }, (_, i) => i);
  const replies = await Promise.all(numbers.map((number) => pool.request({ number })));
  expect(replies.map(({ number }) => number)).toEqual(numbers.map((number) => number + 100));
  expect(new Set(replies.map(({ threadId }) => threadId)).size).toBeLessThanOrEqual(4);
});

it("a thread that dies fails its requests, and the next request gets another", async () => {
  const pool = start(0);
  const { threadId } = await pool.request({ number: 1 });
  await expect(pool.request({ die: 7 })).rejects.toThrow("the number thread ended (exit code 7)");
  const after = await pool.request({ number: 2 });
  expect(after).toMatchObject({ number: 2, answered: 1 });
  expect(after.threadId).not.toBe(threadId);
});

it("a retired thread is replaced", async () => {
  const pool = start(0);
  const { threadId } = await pool.request({ number: 1 }, { retireThread: true });
  const after = await pool.request({ number: 2 });
  expect(after.threadId).not.toBe(threadId);
  expect(after.answered).toBe(1);
});

it("a full queue refuses a request in words", async () => {
  const pool = start(0, { maxThreads: 1, maxQueued: 2 });
  const waiting = Array.from({ length: 4 }, () => pool.request({ wait: true }));
  await expect(pool.request({ number: 1 })).rejects.toThrow("2 requests wait for the number thread already");
  const failed = Promise.allSettled(waiting);
  await pool.close("enough");
  expect((await failed).map((each) => each.status === "rejected" && each.reason.message)).toEqual(
    Array(4).fill("enough"),
  );
  await expect(pool.request({ number: 1 })).rejects.toThrow("enough");
});

it("idle threads do not keep the process alive, busy ones do", () => {
  const workers = pathToFileURL(`${repository}/dist/src/workers/index.js`).href;
  const script = `
    import { WorkerPool } from ${JSON.stringify(workers)};
    const options = { name: "number thread", workerData: { more: 0 }, maxThreads: 2 };
    const pool = new WorkerPool(new URL(${JSON.stringify(module.href)}), options);
    pool.request({ number: 3 }).then(({ number }) => console.log(number));
  `;
  const args = ["--input-type=module", "--eval", script];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 20_000 });
  expect([status, stdout]).toEqual([0, "3\n"]);
});
