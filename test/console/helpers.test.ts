import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Browser, openBrowser } from "./support/browser.js";
import { openConsole, type TestConsole } from "./support/console.js";

/** What makes the page pleasant: pointing, voice, history, the keyboard. */
let browser: Browser;
let served: TestConsole;

beforeAll(async () => {
  [browser, served] = await Promise.all([openBrowser(), openConsole()]);
});
afterAll(async () => {
  await browser?.close();
  await served?.close();
});
afterEach(async () => {
  for (const page of browser.context.pages()) await page.close();
});

async function open(script?: string): Promise<Page> {
  const page = await browser.context.newPage();
  if (script !== undefined) await page.addInitScript(script);
  await page.goto(served.url);
  await page.waitForFunction(() => (document.querySelector<HTMLCanvasElement>("#image")?.width ?? 0) > 300);
  return page;
}

/** A browser's speech recognition, as far as the page uses it. */
const speech = (body: string) => `globalThis.SpeechRecognition = class {
  start() { ${body} }
  stop() { this.onend?.(); }
};`;

it("asks what was spoken while the button was held", async () => {
  const page = await open(
    speech("setTimeout(() => this.onresult({ results: [[{ transcript: 'the blue mug' }]] }), 50);"),
  );
  const button = page.getByRole("button", { name: "Hold to speak" });
  const box = (await button.boundingBox())!;
  await page.mouse.move(box.x + 5, box.y + 5);
  await page.mouse.down();
  await page.waitForFunction(
    () => document.querySelector<HTMLInputElement>("#query")?.value === "the blue mug",
  );
  await page.mouse.up();
  await page.waitForSelector('article h2:has-text("the blue mug")');
});

it("goes on without voice where it is forbidden, fails or is not there", async () => {
  for (const script of [
    speech("throw new Error('not allowed');"),
    speech("setTimeout(() => { this.onerror?.({ error: 'network' }); this.onend?.(); }, 10);"),
    "delete globalThis.SpeechRecognition; delete globalThis.webkitSpeechRecognition;",
  ]) {
    const problems: string[] = [];
    const page = await open(script);
    page.on("pageerror", (error) => problems.push(error.message));
    const button = page.getByRole("button", { name: "Hold to speak" });
    if ((await button.count()) > 0) {
      await button.focus();
      await page.keyboard.down(" ");
      await page.keyboard.up(" ");
    }
    await page.fill("#query", "the green apple");
    await page.press("#query", "Enter");
    await page.waitForSelector('article h2:has-text("the green apple")');
    expect(problems).toEqual([]);
    await page.close();
  }
});

it("names what somebody points at, where they pointed", async () => {
  const page = await open();
  const area = (await page.locator("#image").boundingBox())!;
  await page.mouse.click(area.x + area.width * 0.95, area.y + area.height * 0.95);
  await page.getByText("nothing the console has a name for").waitFor();
  const mark = (await page.locator(".here > i").boundingBox())!;
  expect(mark.x + mark.width / 2).toBeCloseTo(area.x + area.width * 0.95, -1);
  await page.getByRole("button", { name: "Close" }).click();
  expect(await page.locator(".here").count()).toBe(0);
});

it("offers what was asked before, also after a reload", async () => {
  const page = await open();
  await page.fill("#query", "the yellow banana");
  await page.press("#query", "Enter");
  await page.waitForSelector('article h2:has-text("the yellow banana")');
  await page.reload();
  const chip = page.locator(".chips").getByRole("button", { name: "the yellow banana" });
  await chip.waitFor();
  await page.locator("#history option[value='the yellow banana']").waitFor({ state: "attached" });
});

it("says which word decided between several", async () => {
  const page = await open();
  await page.fill("#query", "the big red object");
  await page.press("#query", "Enter");
  await page.waitForSelector('article h2:has-text("the big red object")');
  expect(await page.textContent("article p")).toMatch(
    /^found \d+, showing the best; “big” (decided it|was asked for)/,
  );
  const candidates = page.locator(".candidate");
  expect(await candidates.count()).toBeGreaterThan(1);
  // Side by side: in one row, each with its image, how sure it is, and where.
  const [first, second] = [
    (await candidates.nth(0).boundingBox())!,
    (await candidates.nth(1).boundingBox())!,
  ];
  expect(second.y).toBeCloseTo(first.y, 0);
  expect(second.x).toBeGreaterThan(first.x + first.width - 1);
  expect(await candidates.nth(0).innerText()).toMatch(/\d+ %/);
});

it("is used by keyboard alone: question, candidate, layers, view and tabs", async () => {
  const page = await open();
  await page.keyboard.press("/");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("query");
  await page.keyboard.type("the red object");
  await page.keyboard.press("Enter");
  await page.waitForSelector('article h2:has-text("the red object")');
  await page.locator(".candidate").nth(1).focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector(".candidate:nth-child(2).chosen");
  await page.getByRole("tab", { name: "Status" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tab", { name: "Log", selected: true }).waitFor();
  await page.getByLabel("masks", { exact: true }).focus();
  await page.keyboard.press(" ");
  expect(await page.locator("canvas.masks").count()).toBe(0);
  await page.keyboard.press(" ");
});
