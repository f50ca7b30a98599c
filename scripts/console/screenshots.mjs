// Takes the images of docs/console.md: the program as a user runs it, the bundled demo and model, a real browser.
// With --all also the page at three sizes, light and dark, into out/screenshots.
//     node scripts/console/screenshots.mjs [--all]
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { root, setUp } from "../lib/setup.mjs";

const { values } = parseArgs({ options: { all: { type: "boolean", default: false } } });
await setUp();
const images = join(root, "docs", "images");
const all = join(root, "out", "screenshots");
for (const folder of [images, all]) mkdirSync(folder, { recursive: true });

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
  viewport: { width: 1440, height: 900 },
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
  await page.waitForSelector(`article h2:has-text("${query}")`, { timeout: 60_000 });
};
const save = async (file) => {
  await page.waitForTimeout(500);
  await sharp(await page.screenshot())
    .webp({ quality: 80, effort: 6 })
    .toFile(file);
  process.stdout.write(`${file.slice(root.length + 1)}\n`);
};
const sizes = [
  [1440, 900],
  [1024, 768],
  [390, 844],
];
/** One state of the page: at every size and in both schemes with --all, and as an image of the docs where it has a name. */
const shoot = async (state, doc, { size = sizes[0], scheme = "light" } = {}) => {
  for (const [width, height] of sizes)
    for (const colours of ["light", "dark"]) {
      const isDoc = doc !== undefined && size[0] === width && scheme === colours;
      if (!values.all && !isDoc) continue;
      await page.emulateMedia({ colorScheme: colours });
      await page.setViewportSize({ width, height });
      await page.evaluate(() => window.scrollTo(0, 0));
      await save(join(all, `${state}-${width}-${colours}.webp`));
      if (isDoc) await save(join(images, `${doc}.webp`));
    }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: sizes[0][0], height: sizes[0][1] });
};
/** Holds a button by keyboard until the page shows something. */
const hold = async (name, until) => {
  await page.getByRole("button", { name }).first().focus();
  await page.keyboard.down(" ");
  await page.waitForFunction(until, undefined, { timeout: 60_000 });
  await page.keyboard.up(" ");
  await page.waitForTimeout(400);
};
const whenMoving = () => document.querySelector(".beat") !== null;
const whenStill = () => document.querySelector(".beat") === null;
const confirm = async () => {
  const yes = page.getByRole("button", { name: "Yes, this one" });
  if ((await yes.count()) > 0) await yes.click();
  const which = page.locator(".which");
  if ((await which.count()) > 0) await page.locator(".candidate").first().click();
};

await page.goto(url);
await page.waitForFunction(() => document.querySelector("#image")?.width > 300);
await ask("the mug");
await shoot("question", "console-question", { size: sizes[1] });
await page.getByRole("button", { name: "Clear" }).click();
await page.waitForFunction(() => document.querySelector("#image")?.width > 300);
await ask("the yellow banana");
await ask("the green apple");
await ask("give me the red mug on the left");
await confirm();
await shoot("answers", "console");
await shoot("answers", "console-phone", { size: sizes[2] });
await page.getByRole("button", { name: "Preview motion" }).click();
await page.waitForSelector(".plan", { timeout: 60_000 });
await page.waitForTimeout(2500);
await shoot("preview", "console-3d");
await page.getByRole("radio", { name: "Both" }).click();
await page.getByRole("tab", { name: "Jog" }).click();
await page.waitForTimeout(2000);
await shoot("both", "console-dark", { scheme: "dark" });
await page.getByRole("radio", { name: "Camera" }).click();
await page.getByRole("tab", { name: "Status" }).click();
await hold("Hold to pick", whenMoving);
await page.getByRole("button", { name: "Hold to pick" }).focus();
await page.keyboard.down(" ");
await page.waitForFunction(whenMoving);
await page.waitForFunction(whenStill, undefined, { timeout: 60_000 });
await page.keyboard.up(" ");
await page.waitForSelector(".gripper.holding");
await shoot("holding", "console-holding");
await page.getByRole("button", { name: "Play" }).click();
await page.waitForTimeout(2500);
await shoot("gone-on");

await context.close();
rmSync(profile, { recursive: true, force: true });
program.kill("SIGINT");
