import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { demoArm } from "../../src/cli/console/demo-arm.js";
import type { ConsoleArm } from "../../src/console/index.js";
import { type Browser, keepScreenshot, openBrowser } from "./support/browser.js";
import { demoBag, openConsole, type TestConsole } from "./support/console.js";

/** The demo's own arm, as `npm start` shows it: previewed, picking, placing and jogged in a real browser. */
let browser: Browser;
let served: TestConsole;
let page: Page;
let arm: ConsoleArm;

beforeAll(async () => {
  arm = await demoArm(demoBag);
  [browser, served] = await Promise.all([openBrowser(), openConsole({ arm })]);
  page = await browser.context.newPage();
  await page.goto(served.url);
  await page.fill("#query", "the green apple");
  await page.press("#query", "Enter");
  await page.getByRole("button", { name: "Hold to pick" }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await served?.close();
});

const joints = () => arm.reading?.()?.positions ?? [];
const state = () => served.core.store.value.arm;
const moved = (from: readonly number[]) => Math.max(...joints().map((q, i) => Math.abs(q - (from[i] ?? 0))));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Holds a button by keyboard until something is so; a machine that loses a heartbeat has it pressed again. */
async function holdUntil(name: string, key: string, done: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 5 && !done(); attempt++) {
    const button = page.getByRole("button", { name });
    await expect.poll(() => button.isEnabled(), { timeout: 60_000 }).toBe(true);
    await button.focus();
    await page.keyboard.down(key);
    await expect.poll(() => state().moving || done(), { timeout: 60_000, interval: 5 }).toBe(true);
    await expect.poll(() => !state().moving || done(), { timeout: 60_000, interval: 20 }).toBe(true);
    await page.keyboard.up(key);
    await expect.poll(() => state().moving, { timeout: 60_000 }).toBe(false);
  }
  expect(done()).toBe(true);
}

/** Waits until the joints rest, and that they stay so. */
async function still(): Promise<readonly number[]> {
  await expect.poll(() => state().moving, { timeout: 60_000 }).toBe(false);
  await pause(150);
  const at = joints();
  await pause(300);
  expect(moved(at)).toBeLessThan(1e-6);
  return at;
}

it("shows the planned motion before anything moves", async () => {
  const before = joints();
  await page.getByRole("button", { name: "Preview motion" }).click();
  await page.getByText(/^planned: .* s in all$/).waitFor({ timeout: 60_000 });
  // The path is animated: the stage that is shown changes.
  const stages = new Set<string | null>();
  await expect
    .poll(async () => stages.add(await page.locator(".plan span").textContent()).size, {
      timeout: 60_000,
      interval: 100,
    })
    .toBeGreaterThan(2);
  await keepScreenshot(page, "planned");
  expect(moved(before)).toBe(0);
});

it("picks while Space is held on the button, along the motion that was shown", async () => {
  const shown = served.core.queries.answers[0]?.id ?? 0;
  const planned = await page.evaluate(
    async (answer) =>
      (
        await fetch("api/command", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ name: "preview", answer }),
        })
      ).json() as Promise<{ result: { stages: { name: string; configurations: number[][] }[] } }>,
    shown,
  );
  const before = planned.result.stages.find(({ name }) => name === "pre-grasp")?.configurations.at(-1) ?? [];
  let nearest = Number.POSITIVE_INFINITY;
  const watch = setInterval(() => {
    nearest = Math.min(nearest, moved(before));
  }, 5);
  await page.getByRole("radio", { name: "Camera" }).click();
  await holdUntil("Hold to pick", " ", () => state().holding && !state().moving);
  await page.getByRole("button", { name: "Put down the green apple here" }).waitFor();
  clearInterval(watch);
  expect(nearest).toBeLessThan(0.05);
  expect(state().holding).toBe(true);
  expect(state().opening).toBeLessThan(0.08);
});

it("puts it down where somebody clicks, and only while the button is held", async () => {
  await page.getByRole("button", { name: "Choose a place" }).click();
  const area = (await page.locator("#image").boundingBox())!;
  const scale = area.width / 640;
  await page.mouse.click(area.x + 330 * scale, area.y + 420 * scale);
  await page.locator("g.target").waitFor();
  const button = page.getByRole("button", { name: "Put down the green apple there" });
  await button.focus();
  const before = joints();
  for (let attempt = 0; attempt < 5 && moved(before) < 0.05; attempt++) {
    await page.keyboard.down("Enter");
    await expect.poll(() => state().moving, { timeout: 60_000, interval: 5 }).toBe(true);
    await expect
      .poll(() => moved(before) > 0.05 || !state().moving, { timeout: 60_000, interval: 5 })
      .toBe(true);
    await page.keyboard.up("Enter");
  }
  expect(moved(before)).toBeGreaterThan(0.05);
  await still();
  expect(state().holding).toBe(true);
  await holdUntil("Put down the green apple there", "Enter", () => state().gripper?.state === "empty");
  await page.getByRole("button", { name: "Hold to pick" }).waitFor();
  expect(state().opening).toBeCloseTo(0.08, 2);
});

it("turns one joint while its button is held, and no other", async () => {
  await page.getByRole("tab", { name: "Jog" }).click();
  await page.getByRole("radio", { name: "joints" }).click();
  const plus = page.getByRole("button", { name: "j7 minus" });
  await expect.poll(() => state().available, { timeout: 60_000 }).toBe(true);
  await plus.scrollIntoViewIfNeeded();
  const before = joints();
  const box = (await plus.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await expect.poll(() => (before[6] ?? 0) - (joints()[6] ?? 0), { timeout: 60_000 }).toBeGreaterThan(0.1);
  await page.mouse.up();
  const after = await still();
  for (let i = 0; i < 6; i++) expect(after[i]).toBeCloseTo(before[i] ?? 0, 3);
});

it("says in words why a motion is refused", async () => {
  await page.fill("#query", "the purple bottle");
  await page.press("#query", "Enter");
  await page.waitForSelector('article h2:has-text("the purple bottle")');
  expect(await page.getByRole("button", { name: "Hold to pick" }).count()).toBe(0);
  const id = served.core.queries.answers[0]?.id;
  const actor = { id: "a test", name: "a test", role: "operator", address: "" } as const;
  const holder = served.core.lease.holder ?? actor;
  await expect(
    served.core.commands.execute(holder, { name: "preview", answer: id ?? 0 }),
  ).rejects.toMatchObject({
    code: "MOTION_REFUSED",
    message: expect.stringContaining("no grasp"),
  });
  await expect(served.core.commands.execute(holder, { name: "place" })).rejects.toMatchObject({
    code: "MOTION_REFUSED",
  });
});
