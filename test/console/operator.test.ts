import type { Page } from "playwright-core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { demoArm } from "../../src/cli/console/demo-arm.js";
import type { ConsoleArm } from "../../src/console/index.js";
import { readSession } from "../../src/console/session-file.js";
import { type Browser, openBrowser } from "./support/browser.js";
import { demoBag, openConsole, type TestConsole } from "./support/console.js";

/** What an operator relies on: what is in the gripper, how old an answer is, why something stopped, and what happened. */
let browser: Browser;
let served: TestConsole;
let page: Page;
let arm: ConsoleArm;

beforeEach(async () => {
  arm = await demoArm(demoBag);
  [browser, served] = await Promise.all([openBrowser(), openConsole({ arm })]);
  page = await browser.context.newPage();
  await page.goto(served.url);
  await page.waitForFunction(() => (document.querySelector<HTMLCanvasElement>("#image")?.width ?? 0) > 300);
});
afterEach(async () => {
  await browser?.close();
  await served?.close();
});

const state = () => served.core.store.value.arm;
const slow = { timeout: 60_000, interval: 10 };

async function ask(query: string): Promise<void> {
  await page.fill("#query", query);
  await page.press("#query", "Enter");
  await page.waitForSelector(`article h2 span:text-is("${query}")`);
}

/** Holds a button by keyboard until something is so, then releases it and waits for the arm to rest. */
async function hold(name: string, until: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 4; attempt++) {
    const button = page.getByRole("button", { name, exact: true });
    // A busy machine may read the joints late, and the arm is not available for a moment.
    await expect.poll(() => button.isEnabled(), slow).toBe(true);
    await button.focus();
    await page.keyboard.down(" ");
    await expect.poll(() => state().moving || until(), slow).toBe(true);
    await expect.poll(() => !state().moving || until(), slow).toBe(true);
    const done = until();
    await page.keyboard.up(" ");
    await expect.poll(() => state().moving, slow).toBe(false);
    // A machine that is busy may lose a heartbeat: the button is pressed again.
    if (done || until()) return;
  }
  throw new Error(`${name} did not come to its end: ${served.core.log.toString()}`);
}

it("names what may be held after a release, offers what follows from it, and leads to empty and home", async () => {
  await ask("the green apple");
  await hold("Hold to pick", () => state().stage === "close" || state().holding);
  expect(state().gripper?.object).toBe("the green apple");
  expect(["holding", "unsure"]).toContain(state().gripper?.state);
  const card = page.getByRole("article", { name: "Gripper" });
  await expect.poll(() => card.locator("h2").innerText()).toMatch(/holding the green apple/i);
  await expect
    .poll(() => card.locator("img").evaluate((img: HTMLImageElement) => img.naturalWidth))
    .toBeGreaterThan(10);
  expect(await page.getByRole("button", { name: "Hold to pick" }).count()).toBe(0);
  const log = served.core.log.toString();
  expect(log).toMatch(/stopped: the button was released; the gripper (may be holding|holds) the green apple/);
  await hold("Open gripper", () => state().gripper?.state === "empty");
  await card.getByText("the arm is not at home").waitFor();
  await hold("Return home", () => state().acts?.includes("home") === false);
  await page.getByRole("button", { name: "Hold to pick" }).waitFor();
  expect(await card.count()).toBe(0);
});

it("shows that an answer is stale, and picks by a fresh look", async () => {
  await ask("the green apple");
  expect(await page.locator("rect.box").count()).toBe(1);
  expect(await page.locator(".hold.lead.primary").count()).toBe(1);
  await page.locator("#seek").fill("2");
  // On the image shown now nothing is drawn any more; the card shows the image of the answer with what was found in it.
  await expect.poll(() => page.locator(".image rect.box").count()).toBe(0);
  await page.locator(".snapshot rect.box").waitFor({ state: "attached" });
  await page.getByText(/^The image of this answer, \d/).waitFor();
  expect(await page.locator(".hold.lead.primary").count()).toBe(0);
  await page.getByText("Detects the object again in the present image").waitFor();
  await page.locator("#seek").fill("0");
  await page.locator(".image rect.box").waitFor({ state: "attached" });
});

it("has stop and pick in reach on a phone, neither over the other", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await ask("the green apple");
  for (const scroll of [0, 400, 5000]) {
    await page.evaluate((y) => window.scrollTo(0, y), scroll);
    const stop = (await page.locator("#estop").boundingBox())!;
    const pick = (await page.getByRole("button", { name: "Hold to pick" }).boundingBox())!;
    for (const box of [stop, pick]) {
      expect(box.y).toBeGreaterThan(0);
      expect(box.y + box.height).toBeLessThanOrEqual(844);
      expect(box.height).toBeGreaterThanOrEqual(44);
      expect(box.width).toBeGreaterThanOrEqual(120);
    }
    expect(pick.x + pick.width).toBeLessThanOrEqual(stop.x);
    const onTop = (selector: string) =>
      page.evaluate(
        ([name, { x, y, width, height }]) =>
          document.elementFromPoint(x + width / 2, y + height / 2)?.closest(name as string) !== null,
        [selector, selector === "#estop" ? stop : pick] as const,
      );
    expect([await onTop("#estop"), await onTop(".hold")]).toEqual([true, true]);
  }
});

it("draws in 3D at once, and from the preset places", async () => {
  await ask("the green apple");
  await page.getByRole("radio", { name: "3D" }).click();
  await page.getByText(/\d+ points/).waitFor({ timeout: 60_000 });
  // Untouched: enough of the view differs from its background.
  const drawn = async () => {
    const shot = await page.locator(".scene").screenshot();
    const { default: sharp } = await import("sharp");
    const { data, info } = await sharp(shot).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    let bright = 0;
    for (let i = 0; i < data.length; i += 3) if (data[i]! + data[i + 1]! + data[i + 2]! > 300) bright++;
    return { share: bright / (info.width * info.height), shot };
  };
  /** The view at rest: two images of it in a row are the same, and so much of it is bright. */
  const atRest = async (least: number) => {
    let last = await drawn();
    await expect
      .poll(
        async () => {
          const before = last;
          last = await drawn();
          return last.share > least && last.shot.equals(before.shot);
        },
        { timeout: 60_000 },
      )
      .toBe(true);
    return last;
  };
  const first = await atRest(0.05);
  await page.getByRole("button", { name: "Top", exact: true }).click();
  await expect.poll(async () => (await drawn()).shot.equals(first.shot), { timeout: 60_000 }).toBe(false);
  await atRest(0.02);
});

it("says in the log what was asked and answered, and hands it out", async () => {
  await ask("the green apple");
  await page.getByRole("tab", { name: "Log" }).click();
  await page.locator(".log").getByText("operator 1 asked “the green apple”").waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download the log" }).click(),
  ]);
  const { readFile } = await import("node:fs/promises");
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\n");
  expect(lines[0]).toMatch(/^\S+Z\tinfo\toperator 1 asked “the green apple”$/);
  expect(lines[1]).toMatch(/“the green apple”: found it \(90 %\)/);
});

it("asks which one is meant before anything can be picked", async () => {
  await ask("the red object");
  await page.getByText("Which one?").waitFor();
  expect(await page.getByRole("button", { name: "Hold to pick" }).count()).toBe(0);
  await page.locator(".candidate").nth(1).click();
  await page.locator(".candidate:nth-child(2).chosen").waitFor();
  expect(await page.getByText("Which one?").count()).toBe(0);
});

it("moves by one step, and shows the tool's pose", async () => {
  await page.getByRole("tab", { name: "Jog" }).click();
  await page.locator(".jog-panel select").selectOption({ label: "20 mm / 5°" });
  const height = () => state().tool?.position[2] ?? 0;
  await expect.poll(height, slow).toBeGreaterThan(0.3);
  const before = height();
  const up = page.getByRole("button", { name: "up", exact: true });
  await up.focus();
  await page.keyboard.down(" ");
  await expect.poll(() => height() - before, slow).toBeGreaterThan(0.015);
  await page.waitForTimeout(1500);
  await page.keyboard.up(" ");
  expect(height() - before).toBeGreaterThan(0.018);
  expect(height() - before).toBeLessThan(0.024);
  const shown = page.locator("dl.pose div", { hasText: /^z/ }).locator("dd");
  await expect.poll(() => shown.innerText()).toBe(`${(height() * 1000).toFixed(1)} mm`);
});

it("saves a session in one file, and replays it without touching the arm", async () => {
  await ask("the green apple");
  await ask("the blue mug");
  await page.getByRole("tab", { name: "Log" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Save the session" }).click(),
  ]);
  const path = await download.path();
  const { readFile } = await import("node:fs/promises");
  const records = readSession(await readFile(path));
  const commands = records.flatMap((record) =>
    record.kind === "event" && record.event.type === "command" ? [record.event.command.what] : [],
  );
  expect(commands.filter((what) => what === "ask")).toHaveLength(2);
  expect(records.some(({ kind }) => kind === "frame")).toBe(true);
  await page.getByRole("button", { name: "Clear" }).click();
  await page.setInputFiles("input[type=file]", path);
  const seek = page.getByLabel("Position in the session, in seconds");
  await seek.fill((await seek.getAttribute("max")) ?? "0");
  // The end of the slider is the end of the session: the last answer may be its last record.
  const seconds = (records.at(-1)!.at - records[0]!.at) / 1000;
  expect(Number(await seek.inputValue())).toBeGreaterThanOrEqual(seconds);
  await page.waitForSelector('article h2 span:text-is("the blue mug")');
  await page.getByText("operator 1: ask").waitFor();
  // All that the live page showed is there, from the file alone.
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  const sizes = () =>
    page
      .locator(".candidate img")
      .evaluateAll((all) => all.map((img) => (img as HTMLImageElement).naturalWidth));
  await expect.poll(async () => Math.min(...(await sizes())), slow).toBeGreaterThan(10);
  await page.getByRole("radio", { name: "3D" }).click();
  await page.getByText(/^\d{4,} points/).waitFor({ state: "attached" });
  expect(requests.filter((url) => url.includes("/api/"))).toEqual([]);
  await page.getByRole("radio", { name: "Camera" }).click();
  expect(await page.locator("#query").isDisabled()).toBe(true);
  await page.getByRole("button", { name: "Back to live" }).click();
  await page.waitForFunction(() => document.querySelector(".replay") === null);
  await expect.poll(() => page.locator("#query").isDisabled()).toBe(false);
});
