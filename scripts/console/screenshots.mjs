// Takes the screenshots of docs/console.md: the program as a user runs it, the bundled demo and model, a real browser.
//     node scripts/console/screenshots.mjs
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { root, setUp } from "../lib/setup.mjs";

await setUp();
const images = join(root, "docs", "images");
mkdirSync(images, { recursive: true });

const program = spawn(
  process.execPath,
  [join(root, "bin", "grasp-grounding.mjs"), "console", "--port", "0", "--paused", "--no-audit"],
  { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, GRASP_GROUNDING_SETUP: "skip" } },
);
const url = await new Promise((resolve, reject) => {
  program.stdout.on("data", (chunk) => {
    const found = /http:\S+/.exec(String(chunk));
    if (found) resolve(found[0].replace(/;$/, ""));
  });
  program.once("exit", (code) => reject(new Error(`the console ended with exit code ${code}`)));
});

const profile = mkdtempSync(join(tmpdir(), "console-screenshots-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: [process.env.CHROMIUM_PATH, "/usr/bin/chromium"].find((path) => path && existsSync(path)),
  headless: true,
  viewport: { width: 1280, height: 800 },
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--disable-background-networking",
  ],
});
const page = await context.newPage();

const ask = async (query) => {
  await page.fill("#query", query);
  await page.press("#query", "Enter");
  await page.waitForSelector(`article h2:text-is("${query}")`);
};
const shoot = async (name) => {
  await page.waitForTimeout(400);
  await sharp(await page.screenshot())
    .webp({ quality: 82 })
    .toFile(join(images, `${name}.webp`));
  process.stdout.write(`docs/images/${name}.webp\n`);
};

await page.goto(url);
await page.waitForFunction(() => document.querySelector("#picture")?.width > 300);
await ask("the yellow banana");
await ask("the green apple");
await ask("give me the red mug on the left");
await shoot("console");
await page.getByRole("button", { name: "Preview motion" }).click();
await page.waitForSelector(".plan");
await page.waitForTimeout(2500);
await shoot("console-3d");
await page.emulateMedia({ colorScheme: "dark" });
await page.getByRole("radio", { name: "Both" }).click();
await page.getByLabel("heat map").check();
await page.getByRole("tab", { name: "Jog" }).click();
await page.waitForTimeout(2000);
await shoot("console-dark");
await page.getByLabel("heat map").uncheck();
await page.getByRole("radio", { name: "Camera" }).click();
await page.emulateMedia({ colorScheme: "light" });
await page.setViewportSize({ width: 390, height: 844 });
await page.evaluate(() => window.scrollTo(0, 0));
await shoot("console-phone");

await context.close();
rmSync(profile, { recursive: true, force: true });
program.kill("SIGINT");
