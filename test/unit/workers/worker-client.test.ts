import { afterAll, expect, it } from "vitest";
import { WorkerClient, WorkerEndedError, WorkerRequestError } from "../../../src/workers/index.js";

const module = new URL("./number-worker.mjs", import.meta.url);
const clients: { close(): Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
});

function start(workerData: object = { more: 1 }) {
  const events: string[] = [];
  const client = new WorkerClient<object, unknown, { threadId: number }, string>(module, {
    name: "number thread",
    workerData,
    onEvent: (event) => events.push(event),
  });
  clients.push(client);
  return { client, events };
}

it("says when the thread has started, or why it cannot", async () => {
  expect((await start().client.started()).threadId).toBeGreaterThan(0);
  const refused = start({ refuse: true }).client.started();
  await expect(refused).rejects.toThrow("no model");
  await expect(refused).rejects.toBeInstanceOf(WorkerRequestError);
});

it("gives each request its own reply, and an error with its code", async () => {
  const { client } = start();
  const replies = [1, 2, 3].map((number) => client.request({ number }));
  const failed = client.request({ fail: "not this one" });
  expect(client.pending).toBe(4);
  expect(await Promise.all(replies)).toMatchObject([{ number: 2 }, { number: 3 }, { number: 4 }]);
  await expect(failed).rejects.toMatchObject({ message: "not this one", code: "SOME_CODE" });
  expect(client.pending).toBe(0);
});

it("moves buffers instead of copying them", async () => {
  const { client } = start();
  const bytes = new Uint8Array([1, 2, 3]);
  const reply = client.request({ bytes }, { transfer: [bytes.buffer] });
  expect(bytes.byteLength).toBe(0);
  expect(await reply).toEqual(new Uint8Array([1, 2, 3]));
});

it("cancels a request, which settles with the thread's answer", async () => {
  const { client } = start();
  const controller = new AbortController();
  const reply = client.request({ wait: true }, { signal: controller.signal });
  controller.abort();
  expect(await reply).toBe("cancelled");
});

it("passes on events", async () => {
  const { client, events } = start();
  await client.request({ number: 1, event: "warm" });
  expect(events).toEqual(["warm"]);
});

it("fails pending and later requests when the thread ends by itself, and says so once", async () => {
  for (const [body, message] of [
    [{ die: 7 }, "the number thread ended (exit code 7)"],
    [{ throwLater: "out of luck" }, "out of luck"],
  ] as const) {
    const { client } = start();
    const ends: string[] = [];
    client.onEnd = (error) => ends.push(error.message);
    const pending = client.request(body);
    await expect(pending).rejects.toThrow(message);
    await expect(pending).rejects.toBeInstanceOf(WorkerEndedError);
    await expect(client.request({ number: 1 })).rejects.toThrow(message);
    await client.close();
    expect(ends).toEqual([message]);
  }
});

it("closes at once with a reason, without calling onEnd", async () => {
  const { client, events } = start();
  let ended = 0;
  client.onEnd = () => ended++;
  await client.started();
  const pending = client.request({ wait: true });
  const failed = expect(pending).rejects.toThrow("not needed any more");
  await client.close("not needed any more");
  await failed;
  expect([ended, events]).toEqual([0, []]);
});

it("lets the thread close by itself within the grace time, and terminates one that does not", async () => {
  const { client, events } = start();
  await client.started();
  await client.close("closed", 5_000);
  expect(events).toEqual(["closed by itself"]);
  const stuck = start({ more: 1, stuck: true });
  await stuck.client.started();
  const pending = stuck.client.request({ wait: true });
  const failed = expect(pending).rejects.toBeInstanceOf(WorkerEndedError);
  const began = performance.now();
  await stuck.client.close("closed", 300);
  await failed;
  const took = performance.now() - began;
  expect(took).toBeGreaterThan(250);
  expect(took).toBeLessThan(20_000);
});
