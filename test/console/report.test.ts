import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { cli } from "../support/cli.js";
import { runPython } from "../support/python.js";
import { type Browser, keepScreenshot, openBrowser } from "./support/browser.js";

const folder = mkdtempSync(join(tmpdir(), "report-"));
let browser: Browser;

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [join(folder, "tiny")]);
  runPython("test/reference/make_cameras.py", [join(folder, "two.mcap"), "60"]);
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

it("a replay's report opens from a file, asks nobody, and sorts, filters and enlarges", async () => {
  const args = [
    "two.mcap",
    "--camera",
    "all",
    "--query",
    "blue",
    "--query",
    "red",
    "--report",
    "report.html",
  ];
  const { code } = await cli(["replay", ...args, "--model", join(folder, "tiny"), "--quiet"], {
    cwd: folder,
  });
  expect(code).toBe(0);
  const page = await browser.context.newPage();
  const troubles: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => troubles.push(message.text()));
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("request", (request) => asked.push(request.url().slice(0, 5)));
  await page.goto(pathToFileURL(join(folder, "report.html")).href);

  expect(await page.textContent("#n")).toBe("1 to 100 of 240");
  await page.selectOption("#q", { label: "blue" });
  await page.selectOption("#f", { label: "found" });
  // The blue square is away in a third of the frames of one camera, and never before the other.
  expect(await page.textContent("#n")).toBe("1 to 39 of 39");
  await page.selectOption("#f", { label: "found or not" });
  await page.click('th[data-key="s"]');
  await page.click('th[data-key="s"]');
  expect(Number(await page.textContent("#t tbody tr td:nth-child(5)"))).toBeGreaterThan(0.9);
  await page.click("figure img");
  expect(await page.isVisible("dialog img")).toBe(true);
  await keepScreenshot(page, "replay-report");
  await page.click("dialog");
  expect(await page.isVisible("dialog")).toBe(false);
  expect(troubles).toEqual([]);
  expect(asked.filter((scheme) => scheme !== "file:" && scheme !== "data:")).toEqual([]);
  expect(asked.length).toBeGreaterThan(0);
  await page.close();
});
