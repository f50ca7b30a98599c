import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Browser, keepScreenshot, openBrowser } from "./support/browser.js";
import { openConsole, type TestConsole } from "./support/console.js";

let browser: Browser;
let served: TestConsole;
let page: Page;

beforeAll(async () => {
  [browser, served] = await Promise.all([openBrowser(), openConsole()]);
  page = await browser.context.newPage();
  await page.goto(served.url);
  await page.fill("#query", "the red mug");
  await page.press("#query", "Enter");
  await page.waitForSelector(".which");
});
afterAll(async () => {
  await browser?.close();
  await served?.close();
});

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

it.each([
  ["light", 1440, 900],
  ["dark", 1440, 900],
  ["light", 1024, 768],
  ["dark", 1024, 768],
  ["light", 390, 844],
  ["dark", 390, 844],
] as const)("has no serious finding of axe in %s at %i pixels", async (scheme, width, height) => {
  await page.emulateMedia({ colorScheme: scheme });
  await page.setViewportSize({ width, height });
  await page.waitForTimeout(200);
  await keepScreenshot(page, `${scheme}-${width}`);
  // Evaluated, not added as a script: the page's policy forbids scripts of others.
  const source = createRequire(import.meta.url)("axe-core").source as string;
  await page.evaluate(source);
  const findings = (await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations)",
  )) as Finding[];
  const serious = findings.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(
    serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`),
  ).toEqual([]);
});

it("fits a phone: nothing is wider than the screen, and the stop stays in reach", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  const stop = (await page.locator("#estop").boundingBox())!;
  expect(stop.y + stop.height).toBeLessThanOrEqual(844);
  expect(stop.y).toBeGreaterThan(0);
  expect(stop.height).toBeGreaterThanOrEqual(44);
});
