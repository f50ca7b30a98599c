import { afterAll, beforeAll, expect, it } from "vitest";
import WebSocket from "ws";
import { simulatedArm } from "./support/arm.js";
import { command, openConsole, signIn, type TestConsole } from "./support/console.js";

let served: TestConsole;
let arm: Awaited<ReturnType<typeof simulatedArm>>;
let cookie: string;

beforeAll(async () => {
  arm = await simulatedArm();
  served = await openConsole({ arm: arm.consoleArm });
  ({ cookie } = await signIn(served.url));
});
afterAll(async () => {
  await served?.close();
});

/** Sends `count` requests, twenty at a time. @returns how many came back with each status */
async function flood(count: number, send: () => Promise<number>): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  let sent = 0;
  const worker = async () => {
    while (sent++ < count) {
      const status = await send();
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  return counts;
}

async function openLive(): Promise<WebSocket> {
  const socket = new WebSocket(new URL("live", served.url.replace("http", "ws")), { headers: { cookie } });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return socket;
}

it("takes every one of 1,000 quick stops from whom everything else is refused", {
  timeout: 60_000,
}, async () => {
  const socket = await openLive();
  const beating = setInterval(() => {
    socket.send(JSON.stringify({ type: "drive", linear: [0, 0, -0.05], angular: [0, 0, 0] }));
  }, 25);
  socket.send(JSON.stringify({ type: "command", id: 1, command: { name: "jog" } }));
  await expect.poll(arm.speed, { timeout: 60_000, interval: 5 }).toBeGreaterThan(0.01);

  const others = await flood(1300, async () => (await command(served.url, cookie, { name: "pause" })).status);
  expect(others.get(429)).toBeGreaterThan(0);
  const stops = await flood(
    1000,
    async () => (await command(served.url, cookie, { name: "estop", reason: "again" })).status,
  );
  expect([...stops]).toEqual([[200, 1000]]);

  clearInterval(beating);
  socket.terminate();
  await expect.poll(arm.speed, { timeout: 60_000 }).toBeLessThan(0.001);
  expect(arm.supervisor.state).toBe("estopped");
  expect(served.core.store.value.estop).toMatchObject({ latched: true, reason: "again" });
  const holder = served.core.lease.holder!;
  await expect(served.core.commands.execute(holder, { name: "jog" })).rejects.toMatchObject({
    code: "ESTOP_LATCHED",
  });
  // Who stops first stays named once, and once more as the reason of the stopped jog: the other 999 hide nothing.
  const said = served.core.store.value.log.filter(({ text }) => text.includes("emergency stop"));
  expect(said.filter(({ text }) => !text.includes("stopped: "))).toHaveLength(1);
  expect(said.length).toBeLessThanOrEqual(2);
});

it("takes every one of 1,000 stops over one live connection, and lets go of it for anything else", async () => {
  const socket = await openLive();
  let done = 0;
  socket.on("message", (data, binary) => {
    const message = binary ? undefined : JSON.parse(String(data));
    if (message?.type === "reply" && message.ok) done++;
  });
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  for (let id = 1; id <= 1000; id++)
    socket.send(JSON.stringify({ type: "command", id, command: { name: "estop" } }));
  await expect.poll(() => done, { timeout: 60_000 }).toBe(1000);
  expect(socket.readyState).toBe(socket.OPEN);
  for (let i = 0; i < 2000; i++) socket.send(JSON.stringify({ type: "ping", at: i }));
  expect(await closed).toBe(1008);
  expect(arm.supervisor.state).toBe("estopped");
});
